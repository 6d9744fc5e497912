"""Which of many networks hold an address: one bisection for each address, whatever the number of networks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from translators.algebra.cidrs import Address, Interval

__all__ = ["Memberships"]


class Memberships:
    """An index over networks, which may be nested in any way."""

    def __init__(self, networks: Sequence[Interval]) -> None:
        """Cut each family into pieces that no network tells apart; cost: pieces × depth of nesting."""
        self._starts: dict[int, list[int]] = {}
        self._held: dict[int, list[tuple[int, ...]]] = {}
        for family in {network.family for network in networks}:
            edges: dict[int, list[int]] = {}
            for index, network in enumerate(networks):
                if network.family == family:
                    edges.setdefault(network.first, []).append(index)
                    edges.setdefault(network.last + 1, []).append(~index)
            self._starts[family], self._held[family] = _swept(edges)

    def of(self, address: Address | None) -> tuple[int, ...]:
        """Give the indexes of the networks that hold an address, ascending; no address lies in none."""
        if address is None or address.family not in self._starts:
            return ()
        place = bisect_right(self._starts[address.family], address.value)
        return self._held[address.family][place - 1] if place else ()


def _swept(edges: dict[int, list[int]]) -> tuple[list[int], list[tuple[int, ...]]]:
    """Walk the edges upwards: an index enters where its network begins, and leaves (inverted) after its end."""
    starts = sorted(edges)
    inside: set[int] = set()
    held = []
    for start in starts:
        for index in edges[start]:
            if index < 0:
                inside.discard(~index)
            else:
                inside.add(index)
        held.append(tuple(sorted(inside)))
    return starts, held
