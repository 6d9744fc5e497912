"""The obligations that prove a translation for every label set, without classes (``expansion.md`` §6).

``A`` and ``X`` are what the emitted objects allow and deny, ``C`` and ``D`` Calico's Allow and Deny items. P1
each a in A lies in ∪ C, or in X (the allow of an object that stays) · P2 for each Deny j, A ∩ D_j lies in X ∪ earlier C · P3 for each x in X and Allow i,
x ∩ C_i lies in earlier D · P4 for each Allow k, C_k lies in A ∪ earlier D · P5 each x in X lies in ∪ D. They
imply that A − X is what Calico allows, if both isolate the same pods; so, besides: P0 whom Cilium isolates is
selected in Calico (a rule that allows nothing leaves no trace in A or X), P2 also asks that a denied flow of a pod
that Cilium does not isolate lies in X ∪ earlier C, and P4 asks nothing of such a pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.algebra.index import CubeIndex
from translators.algebra.space import AddressAtom, Space, TrafficKind, recast
from translators.flows import ICMP, ICMPV6, Direction
from translators.proof.claims import Claims
from translators.proof.emitted import Regions, emitted_regions
from translators.proof.source_items import SourceItem, source_items
from translators.proof.vocabulary import cilium_vocabulary, source_vocabulary
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.model import CiliumPolicies
from translators.span import Span

__all__ = ["Obligations", "Open", "proof_space", "prove"]

_CAP = 20_000


@dataclass(frozen=True, slots=True)
class Open:
    """One obligation that does not hold: a cube of points in which the two worlds may differ."""

    name: str
    direction: Direction
    cube: int
    by: str
    span: Span | None

    @property
    def opens(self) -> bool:
        """Say whether the failure means that traffic is opened, rather than blocked."""
        return self.name in {"P1", "P2"}


@dataclass(frozen=True, slots=True)
class Obligations:
    """What was checked, and what does not hold; ``checked`` counts cover tests by obligation.

    ``excluded``: the points of named differences and of conditions, which no obligation speaks of; ``named`` those
    of them at which the endpoints that exist may differ too: a condition holds for these. ``shut``: the
    failures of P4 that the claims announce, traffic of pods with labels that nobody has yet.
    """

    space: Space
    open: tuple[Open, ...]
    checked: dict[str, int]
    source: dict[Direction, list[SourceItem]]
    emitted: dict[Direction, Regions]
    excluded: dict[Direction, list[int]]
    named: dict[Direction, list[int]]
    shut: tuple[Open, ...] = ()

    @property
    def held(self) -> bool:
        """Say whether every obligation holds."""
        return not self.open


def proof_space(calico: CalicoPolicies, cilium: CiliumPolicies, claims: Claims) -> Space:
    """Give a space in which both sides, and the claims, can be told apart."""
    vocabulary = source_vocabulary(calico)
    vocabulary.add(cilium_vocabulary(cilium))
    if claims.space is not None:
        vocabulary.add(claims.space.vocabulary)
    return Space(vocabulary, calico.world)


def prove(calico: CalicoPolicies, cilium: CiliumPolicies, claims: Claims) -> Obligations:
    """Check P0–P5 in both directions, outside the points that the claims name."""
    space = proof_space(calico, cilium, claims)
    failures: list[Open] = []
    shut: list[Open] = []
    checked = {f"P{i}": 0 for i in range(6)}
    source, emitted, outside, apart = {}, {}, {}, {}
    for direction in Direction:
        items = source_items(calico, space, direction)
        regions = emitted_regions(cilium, space, direction)
        source[direction], emitted[direction] = items, regions
        apart[direction] = _regions(claims, space, claims.differing, claims.nowhere, direction=direction)
        assumed = _regions(claims, space, claims.assumed, direction=direction)
        excluded = outside[direction] = join(space.layout, [*apart[direction], *assumed])
        check = _Check(space, direction, items, regions, excluded)
        named = claims.shut.get(direction, frozenset())
        for found in check.run():
            (shut if found.name == "P4" and found.by in named else failures).append(found)
        for name, count in check.checked.items():
            checked[name] += count
    return Obligations(space, tuple(failures), checked, source, emitted, outside, apart, tuple(shut))


def _regions(
    claims: Claims, space: Space, *listed: Mapping[Direction, Sequence[int]], direction: Direction
) -> list[int]:
    """Give what these lists of claims hold in one direction, in the space of the proof."""
    if claims.space is None:
        return []
    cubes = [cube for regions in listed for cube in regions.get(direction, ())]
    return join(space.layout, (recast(cube, claims.space, space) for cube in cubes))


def _impossible(space: Space) -> Iterator[int]:
    """Give the points that no packet is at: ICMP of one family with an address of the other."""
    for protocol, family in ((ICMP, 6), (ICMPV6, 4)):
        traffic = space.traffic.where(partial(_is_of, protocol))
        peers = space.peer.where(partial(_has_family, family))
        if traffic and peers:
            yield space.only(space.traffic, traffic) & space.only(space.peer, peers)


def _is_of(protocol: int, value: object) -> bool:
    return isinstance(value, TrafficKind) and value.protocol == protocol


def _has_family(family: int, value: object) -> bool:
    return isinstance(value, AddressAtom) and value.family == family


@dataclass(frozen=True, slots=True)
class _Filed:
    """Cubes of items in order, to be asked by what they cover; ``ends[i]`` cubes belong to items up to place *i*."""

    index: CubeIndex
    ends: tuple[int, ...] = ()

    @classmethod
    def of(cls, layout: Layout, regions: Sequence[Sequence[int]]) -> _Filed:
        """File one region for each item, an empty one for an item that is not asked for."""
        ends = tuple(accumulate(map(len, regions)))
        return cls(CubeIndex(layout, [cube for region in regions for cube in region]), ends)

    def before(self, place: int) -> _Part:
        """Give the part of it that stands before an item."""
        count = self.ends[place - 1] if place else 0
        return _Part(self.index, (1 << count) - 1)

    @property
    def whole(self) -> _Part:
        """Give all of it."""
        return _Part(self.index, -1)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some cubes of an index: those whose bits are in ``among``."""

    index: CubeIndex
    among: int

    def near(self, cube: int) -> Iterator[int]:
        """Give the cubes that share a point with ``cube``, in order."""
        return self.index.listed(self.index.meeting(cube) & self.among)

    def covers(self, cube: int) -> bool:
        """Say whether one of the cubes holds ``cube`` wholly."""
        return bool(self.index.holding(cube) & self.among)


class _Check:
    """The cover tests of one direction."""

    def __init__(
        self,
        space: Space,
        direction: Direction,
        items: Sequence[SourceItem],
        regions: Regions,
        excluded: Sequence[int],
    ) -> None:
        self._layout = layout = space.layout
        self._direction = direction
        self._items = items
        self._regions = regions
        self._excluded = _Filed.of(layout, [excluded]).whole
        self._impossible = tuple(_impossible(space))
        self.checked: dict[str, int] = {}
        self._allowing = _Filed.of(layout, [item.region if item.allows else () for item in items])
        self._denying = _Filed.of(layout, [() if item.allows else item.region for item in items])
        self._a = _Filed.of(layout, [regions.allows]).whole
        self._x = _Filed.of(layout, [regions.denies]).whole
        self._isolated = _Filed.of(layout, [regions.isolated]).whole

    def run(self) -> list[Open]:
        """Check all six."""
        checks = (self._p0(), self._p1(), self._p2(), self._p3(), self._p4(), self._p5())
        return [found for check in checks for found in check]

    def _covered(
        self, name: str, cube: int, cover: Sequence[_Part], item: SourceItem | None = None
    ) -> Iterator[Open]:
        """Give what of a cube lies in no cube of these parts, nor among the named differences."""
        self.checked[name] = self.checked.get(name, 0) + 1
        if any(part.covers(cube) for part in cover):
            return
        holes = [hole for part in (*cover, self._excluded) for hole in part.near(cube)]
        rest = sub(self._layout, [cube], holes, _CAP, Budget())
        by, span = (item.by, item.span) if item else ("", None)
        for piece in [cube] if rest is None else rest:
            if self._is_possible(piece):
                yield Open(name, self._direction, piece, by, span)

    def _is_possible(self, cube: int) -> bool:
        """Say whether a packet can be at one of the points; the others are left in, or they would cut it to pieces."""
        return sub(self._layout, [cube], self._impossible, _CAP, Budget()) != []

    def _placed(self, *, allows: bool) -> Iterator[tuple[int, SourceItem, int]]:
        """Give (place, item, cube) of all items that allow, or that deny."""
        for place, item in enumerate(self._items):
            if item.allows is allows:
                yield from ((place, item, cube) for cube in item.region)

    def _p0(self) -> Iterator[Open]:
        for cube in self._regions.isolated:
            yield from self._covered("P0", cube, (self._allowing.whole, self._denying.whole))

    def _p1(self) -> Iterator[Open]:
        for cube in self._regions.allows:
            yield from self._covered("P1", cube, (self._allowing.whole, self._x))

    def _p2(self) -> Iterator[Open]:
        for place, item, cube in self._placed(allows=False):
            closed = (self._x, self._allowing.before(place))
            yield from self._covered("P2", cube, (self._isolated, *closed), item)
            for allowed in self._a.near(cube):
                yield from self._covered("P2", allowed & cube, closed, item)

    def _p3(self) -> Iterator[Open]:
        for place, item, cube in self._placed(allows=True):
            for denied in self._x.near(cube):
                yield from self._covered("P3", denied & cube, (self._denying.before(place),), item)

    def _p4(self) -> Iterator[Open]:
        for place, item, cube in self._placed(allows=True):
            opened = (self._a, self._denying.before(place))
            for isolated in self._isolated.near(cube):
                yield from self._covered("P4", cube & isolated, opened, item)

    def _p5(self) -> Iterator[Open]:
        for cube in self._regions.denies:
            yield from self._covered("P5", cube, (self._denying.whole,))
