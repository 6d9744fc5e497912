"""Who can talk to whom, before and after: the picture of the report, from both matrices.

Rows and columns are what no policy can tell apart: classes of pods by the labels that some policy names, nodes, the
outside by its networks. Where there are too many, namespaces are folded; a folded cell shows every difference that
one of its members has, so that nothing that changes is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from translators.algebra.space import Vocabulary
from translators.examples import calico_selectors, cilium_selectors, peopled
from translators.folding import Cell, Party, cells, parties
from translators.policyset import CALICO, CILIUM, Around, engine_of, read_set
from translators.proof.compare import classified
from translators.proof.vocabulary import cilium_vocabulary, source_vocabulary
from translators.report import Matrix
from translators.selectors.ast import Node
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import Options
from translators.source import Document, iterate
from translators.universe import Side
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["reachability"]

Input = Iterable[Document | Mapping[str, Any]]


class _Set(Protocol):
    """One set of policies, under its own engine."""

    def vocabulary(self) -> Vocabulary: ...

    def selectors(self) -> Iterable[Node]: ...

    def side(self, world: World) -> Side: ...


@dataclass(frozen=True, slots=True)
class _Calico:
    documents: Sequence[Document]
    options: Options
    world: World

    def _policies(self, world: World) -> CalicoPolicies:
        return CalicoPolicies.build(world, self.documents, self.options.calico_version)

    def vocabulary(self) -> Vocabulary:
        return source_vocabulary(self._policies(self.world))

    def selectors(self) -> Iterable[Node]:
        return calico_selectors(self._policies(self.world))

    def side(self, world: World) -> Side:
        return CalicoSide(self._policies(world))


@dataclass(frozen=True, slots=True)
class _Cilium:
    documents: Sequence[Document]
    options: Options
    world: World

    def _policies(self, world: World) -> CiliumPolicies:
        return CiliumPolicies.build(world, self.documents, self.options.cilium)

    def vocabulary(self) -> Vocabulary:
        return cilium_vocabulary(self._policies(self.world))

    def selectors(self) -> Iterable[Node]:
        return cilium_selectors(self._policies(self.world))

    def side(self, world: World) -> Side:
        return CiliumSide(self._policies(world))


def reachability(
    before: Input,
    after: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Matrix:
    """Give the matrix of two sets over classes of peers; which engine reads a set follows from its kinds.

    Kubernetes NetworkPolicies count on the side in which they stand, and alone are Calico's before and Cilium's
    after. Objects that Calico could not read are left out. Without pods in a cluster some are made, one for each
    selector that can be satisfied. Raises ``InputError`` for a side that mixes the engines.
    """
    chosen = options or Options()
    old, new = list(iterate(before)), list(iterate(after))
    around = list(iterate(cluster)) if cluster is not None else []
    world, _ = build_world([*around, *old], plan=plan, is_cluster=cluster is not None)
    surroundings = Around(around if cluster is not None else None, plan, chosen)
    sets = [
        _set(documents, engine_of(documents, otherwise), world, surroundings)
        for documents, otherwise in ((old, CALICO), (new, CILIUM))
    ]
    vocabulary = sets[0].vocabulary()
    vocabulary.add(sets[1].vocabulary())
    larger = peopled(world, [n for one in sets for n in one.selectors()], vocabulary)
    sides = [one.side(larger) for one in sets]
    universe, placed = classified(sides, larger)
    cuts = [side.cuts() for side in sides]
    shown, hidden = parties(placed, larger, vocabulary, cuts, made=larger is not world)
    drawn = cells(universe, [side.matrix(universe) for side in sides], shown)
    return _drawn(shown, drawn, hidden)


def _set(documents: Sequence[Document], engine: str, world: World, around: Around) -> _Set:
    """Give a set as its engine reads it: the tiers that are only named count on Calico's side as in a translation."""
    kept = read_set(documents, engine, around).documents
    return (_Calico if engine == CALICO else _Cilium)(kept, around.options, world)


def _drawn(shown: Sequence[Party], drawn: Sequence[Sequence[Cell]], hidden: int) -> Matrix:
    """Leave out rows and columns that say nothing: parties that no policy asks, unless something changes there."""
    changing = {k for i, row in enumerate(drawn) for j, cell in enumerate(row) if cell.mark for k in (i, j)}
    kept = [i for i, party in enumerate(shown) if not party.quiet or i in changing]
    labels = tuple(shown[i].label for i in kept)

    def table(part: str) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(getattr(drawn[i][j], part) for j in kept) for i in kept)

    return Matrix(labels, labels, table("before"), table("after"), table("mark"), hidden, 0)
