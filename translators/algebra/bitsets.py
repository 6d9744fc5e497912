"""Sets of small numbers as Python ints: bit *i* says whether *i* is in the set.

What is built bit by bit costs the square of its length, because every ``or`` copies it; these functions cost
the length itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["bits_at", "bits_where", "positions"]


def bits_where(values: Iterable[bool]) -> int:
    """Give the set of the places at which ``values`` are true."""
    return int("".join("1" if value else "0" for value in values)[::-1] or "0", 2)


def bits_at(places: Iterable[int], size: int) -> int:
    """Give the set of these places, each below ``size``."""
    buffer = bytearray(size // 8 + 1)
    for place in places:
        buffer[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(buffer, "little")


def positions(bits: int) -> Iterator[int]:
    """Give the members of a set, ascending."""
    digits = bin(bits)[:1:-1]
    place = digits.find("1")
    while place >= 0:
        yield place
        place = digits.find("1", place + 1)
