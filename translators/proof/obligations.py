"""The obligations that prove a translation for every label set, without classes (``expansion.md`` §6).

``A`` and ``X`` are what the emitted objects allow and deny, ``C`` and ``D`` Calico's Allow and Deny items. P1
each a in A lies in ∪ C · P2 for each Deny j, A ∩ D_j lies in X ∪ earlier C · P3 for each x in X and Allow i,
x ∩ C_i lies in earlier D · P4 for each Allow k, C_k lies in A ∪ earlier D · P5 each x in X lies in ∪ D. They
imply that A − X is what Calico allows, if both isolate the same pods; so, besides: P0 whom Cilium isolates is
selected in Calico (a rule that allows nothing leaves no trace in A or X), P2 also asks that a denied flow of a pod
that Cilium does not isolate lies in X ∪ earlier C, and P4 asks nothing of such a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import OTHER, SideName, Space, recast
from translators.flows import Direction
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

    ``excluded``: the points of named differences and of conditions, which no obligation speaks of. ``shut``: the
    failures of P4 that the claims announce, traffic of pods with labels that nobody has yet.
    """

    space: Space
    open: tuple[Open, ...]
    checked: dict[str, int]
    source: dict[Direction, list[SourceItem]]
    emitted: dict[Direction, Regions]
    excluded: dict[Direction, list[int]]
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
    source, emitted, outside = {}, {}, {}
    for direction in Direction:
        items = source_items(calico, space, direction)
        regions = emitted_regions(cilium, space, direction)
        source[direction], emitted[direction] = items, regions
        excluded = outside[direction] = _excluded(claims, space, direction)
        check = _Check(space, direction, items, regions, excluded)
        named = claims.shut.get(direction, frozenset())
        for found in check.run():
            (shut if found.name == "P4" and found.by in named else failures).append(found)
        for name, count in check.checked.items():
            checked[name] += count
    return Obligations(space, tuple(failures), checked, source, emitted, outside, tuple(shut))


def _excluded(claims: Claims, space: Space, direction: Direction) -> list[int]:
    if claims.space is None:
        return []
    listed = [*claims.differing.get(direction, ()), *claims.assumed.get(direction, ())]
    return join(space.layout, (recast(cube, claims.space, space) for cube in listed))


class _Check:
    """The cover tests of one direction, with items filed by the one namespace of their subject."""

    def __init__(
        self,
        space: Space,
        direction: Direction,
        items: Sequence[SourceItem],
        regions: Regions,
        excluded: Sequence[int],
    ) -> None:
        self._space = space
        self._layout = space.layout
        self._direction = direction
        self._items = items
        self._regions = regions
        self._excluded = excluded
        self.checked: dict[str, int] = {}
        self._namespace = space.field(SideName.SUBJECT, "namespace")
        self._allow_index = self._index((i, item) for i, item in enumerate(items) if item.allows)
        self._deny_index = self._index((i, item) for i, item in enumerate(items) if not item.allows)
        self._a = self._index_cubes(regions.allows)
        self._x = self._index_cubes(regions.denies)
        self._isolated = self._index_cubes(regions.isolated)

    def _bucket(self, cube: int) -> object:
        values = self._namespace.values(cube)
        return values[0] if len(values) == 1 and values[0] != OTHER else None

    def _index(self, items: Iterable[tuple[int, SourceItem]]) -> dict[object, list[tuple[int, int]]]:
        found: dict[object, list[tuple[int, int]]] = {}
        for index, item in items:
            for cube in item.region:
                found.setdefault(self._bucket(cube), []).append((index, cube))
        return found

    def _index_cubes(self, cubes: Iterable[int]) -> dict[object, list[tuple[int, int]]]:
        found: dict[object, list[tuple[int, int]]] = {}
        for cube in cubes:
            found.setdefault(self._bucket(cube), []).append((-1, cube))
        return found

    def _near(
        self, index: dict[object, list[tuple[int, int]]], cube: int, before: int | None = None
    ) -> list[int]:
        """Give the cubes of an index that meet ``cube``, of items before a place where one is given."""
        bucket = self._bucket(cube)
        keys = [bucket, None] if bucket is not None else list(index)
        meets = self._layout.meets
        return [
            other
            for key in dict.fromkeys(keys)
            for place, other in index.get(key, ())
            if (before is None or place < before) and meets(cube, other)
        ]

    def run(self) -> list[Open]:
        """Check all six."""
        return [*self._p0(), *self._p1(), *self._p2(), *self._p3(), *self._p4(), *self._p5()]

    def _covered(self, name: str, cube: int, cover: list[int], item: SourceItem | None) -> list[Open]:
        self.checked[name] = self.checked.get(name, 0) + 1
        if any(cube & other == cube for other in cover):
            return []
        holes = [*cover, *(c for c in self._excluded if self._layout.meets(c, cube))]
        rest = sub(self._layout, [cube], holes, _CAP, Budget())
        left = [cube] if rest is None else rest
        by, span = (item.by, item.span) if item else ("", None)
        return [Open(name, self._direction, piece, by, span) for piece in left]

    def _p0(self) -> list[Open]:
        found = []
        for cube in self._regions.isolated:
            items = self._near(self._allow_index, cube) + self._near(self._deny_index, cube)
            found += self._covered("P0", cube, items, None)
        return found

    def _p1(self) -> list[Open]:
        return [
            found
            for cube in self._regions.allows
            for found in self._covered("P1", cube, self._near(self._allow_index, cube), None)
        ]

    def _p2(self) -> list[Open]:
        found = []
        for place, item in enumerate(self._items):
            if item.allows:
                continue
            for cube in item.region:
                free = self._near(self._isolated, cube) + self._near(self._x, cube)
                free += self._near(self._allow_index, cube, place)
                found += self._covered("P2", cube, free, item)
                for a in self._near(self._a, cube):
                    both = a & cube
                    cover = self._near(self._x, both) + self._near(self._allow_index, both, place)
                    found += self._covered("P2", both, cover, item)
        return found

    def _p3(self) -> list[Open]:
        found = []
        for place, item in enumerate(self._items):
            if not item.allows:
                continue
            for cube in item.region:
                for x in self._near(self._x, cube):
                    both = x & cube
                    found += self._covered("P3", both, self._near(self._deny_index, both, place), item)
        return found

    def _p4(self) -> list[Open]:
        found = []
        for place, item in enumerate(self._items):
            if not item.allows:
                continue
            for cube in item.region:
                cover = self._near(self._a, cube) + self._near(self._deny_index, cube, place)
                for isolated in self._near(self._isolated, cube):
                    found += self._covered("P4", cube & isolated, cover, item)
        return found

    def _p5(self) -> list[Open]:
        return [
            found
            for cube in self._regions.denies
            for found in self._covered("P5", cube, self._near(self._deny_index, cube), None)
        ]
