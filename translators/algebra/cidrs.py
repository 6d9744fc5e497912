"""Addresses and prefixes as integers, and sets of them as sorted intervals.

Intervals are closed at both ends (``first`` and ``last`` belong to the set). A family is 4 or 6; the two
address spaces never mix. ``ipaddress`` is used at the edges only: parsing and printing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = [
    "BITS",
    "Address",
    "Cidr",
    "Interval",
    "covers",
    "cut",
    "intersect",
    "merge",
    "overlaps",
    "parse_address",
    "parse_cidr",
    "subtract",
    "to_cidrs",
]

BITS = {4: 32, 6: 128}
"""Address length in bits, by family."""


class Address(NamedTuple):
    """One IP address: ``family`` 4 or 6, ``value`` as an unsigned integer."""

    family: int
    value: int

    def __str__(self) -> str:
        """Give the address in its canonical text form."""
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        return str(kind(self.value))


class Interval(NamedTuple):
    """A closed range of addresses of one family."""

    family: int
    first: int
    last: int

    def holds(self, address: Address | None) -> bool:
        """Say whether an address lies in the range; no address lies in none."""
        if address is None or address.family != self.family:
            return False
        return self.first <= address.value <= self.last


class Cidr(NamedTuple):
    """A prefix: ``base`` has no bits set beyond ``length``."""

    family: int
    base: int
    length: int

    @property
    def first(self) -> int:
        """Give the lowest address as an integer."""
        return self.base

    @property
    def last(self) -> int:
        """Give the highest address as an integer."""
        return self.base | ((1 << (BITS[self.family] - self.length)) - 1)

    @property
    def interval(self) -> Interval:
        """Give the same addresses as a closed interval."""
        return Interval(self.family, self.first, self.last)

    def holds(self, address: Address | None) -> bool:
        """Say whether an address lies in the prefix; no address lies in none."""
        return self.interval.holds(address)

    def __str__(self) -> str:
        """Give ``address/length``."""
        return f"{Address(self.family, self.base)}/{self.length}"


def parse_address(text: str) -> Address:
    """Read one address; raises ``ValueError`` for anything else."""
    parsed = ipaddress.ip_address(text)
    return Address(parsed.version, int(parsed))


def parse_cidr(text: str, *, strict: bool = False) -> Cidr:
    """Read ``a.b.c.d/n``, or a bare address as a full-length prefix.

    With ``strict`` host bits are refused; without it they are cut off, as Go's ``net.ParseCIDR`` does.
    Raises ``ValueError`` with a reason.
    """
    parsed = ipaddress.ip_network(text, strict=strict)
    return Cidr(parsed.version, int(parsed.network_address), parsed.prefixlen)


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Give the union as sorted, disjoint, non-adjacent intervals."""
    result: list[Interval] = []
    for item in sorted(intervals):
        if result and result[-1].family == item.family and item.first <= result[-1].last + 1:
            if item.last > result[-1].last:
                result[-1] = result[-1]._replace(last=item.last)
        else:
            result.append(Interval(*item))
    return tuple(result)


def intersect(left: Iterable[Interval], right: Iterable[Interval]) -> tuple[Interval, ...]:
    """Give the addresses in both sets."""
    others = merge(right)
    return merge(
        Interval(a.family, max(a.first, b.first), min(a.last, b.last))
        for a in left
        for b in others
        if a.family == b.family and a.first <= b.last and b.first <= a.last
    )


def subtract(left: Iterable[Interval], right: Iterable[Interval]) -> tuple[Interval, ...]:
    """Give the addresses of ``left`` that are not in ``right``."""
    rest = list(merge(left))
    for hole in merge(right):
        rest = [piece for item in rest for piece in _without(item, hole)]
    return tuple(rest)


def _without(item: Interval, hole: Interval) -> Iterator[Interval]:
    if item.family != hole.family or hole.last < item.first or item.last < hole.first:
        yield item
        return
    if item.first < hole.first:
        yield item._replace(last=hole.first - 1)
    if hole.last < item.last:
        yield item._replace(first=hole.last + 1)


def overlaps(left: Iterable[Interval], right: Iterable[Interval]) -> bool:
    """Say whether the two sets share an address."""
    return bool(intersect(left, right))


def covers(outer: Iterable[Interval], inner: Iterable[Interval]) -> bool:
    """Say whether every address of ``inner`` is in ``outer``."""
    return not subtract(inner, outer)


def cut(whole: Interval, marks: Iterable[Interval]) -> tuple[Interval, ...]:
    """Split ``whole`` at every boundary of ``marks``: the pieces lie wholly in or out of each mark."""
    starts = {whole.first}
    for mark in marks:
        if mark.family == whole.family:
            starts.update(s for s in (mark.first, mark.last + 1) if whole.first < s <= whole.last)
    ordered = sorted(starts)
    ends = [start - 1 for start in ordered[1:]] + [whole.last]
    return tuple(Interval(whole.family, a, b) for a, b in zip(ordered, ends, strict=True))


def to_cidrs(intervals: Iterable[Interval]) -> tuple[Cidr, ...]:
    """Give the fewest prefixes that hold exactly these addresses, sorted."""
    result = []
    for family, first, last in merge(intervals):
        start = first
        while start <= last:
            size = (start & -start).bit_length() - 1 if start else BITS[family]
            size = min(size, (last - start + 1).bit_length() - 1)
            result.append(Cidr(family, start, BITS[family] - size))
            start += 1 << size
    return tuple(result)
