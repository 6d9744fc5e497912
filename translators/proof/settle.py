"""Settle what was claimed: inside a region, where do the two worlds really differ, and in which direction.

The result is exact: Calico's walk and the emitted regions are evaluated on the region itself, and each
difference carries an example that both point evaluators have confirmed (``verification.md`` §8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import Space
from translators.flows import Direction, Flow, FlowVerdict
from translators.proof.boxes import largest_boxes
from translators.proof.obligations import Obligations
from translators.proof.sides import calico_allows, cilium_allows
from translators.proof.witness import are_all, witnesses
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.world import World

__all__ = ["Confirmed", "Difference", "Settler"]

_CAP = 20_000
MAX_TRIES = 200
MAX_WITNESSES = 16


@dataclass(frozen=True, slots=True)
class Confirmed:
    """One flow and what each engine's point evaluator says of it: they differ."""

    flow: Flow
    calico: FlowVerdict
    cilium: FlowVerdict


@dataclass(frozen=True, slots=True)
class Difference:
    """Cubes in which every point differs one way, one box where it is exact; ``opens``: Cilium allows what Calico drops.

    ``exact`` is False where the region was too large to be worked out, and stands as claimed.
    """

    direction: Direction
    opens: bool
    cubes: tuple[int, ...]
    example: Confirmed | None
    exact: bool = True


class Settler:
    """Settles regions of one proof."""

    def __init__(self, calico: CalicoPolicies, cilium: CiliumPolicies, obligations: Obligations) -> None:
        """Keep both sides, and what the obligations have read of them."""
        self._calico = calico
        self._cilium = cilium
        self._obligations = obligations
        self.space: Space = obligations.space

    def settle(self, direction: Direction, region: Iterable[int]) -> list[Difference]:
        """Give the differences inside a region of the proof's space; none where it is equal after all."""
        cubes = join(self.space.layout, region)
        items = self._obligations.source[direction]
        emitted = self._obligations.emitted[direction]
        allowed = calico_allows(self.space.layout, cubes, items)
        kept = cilium_allows(self.space.layout, cubes, emitted)
        if allowed is None or kept is None:
            return [Difference(direction, opens, tuple(cubes), None, exact=False) for opens in (True, False)]
        found = []
        for opens, left, right in ((True, kept, allowed), (False, allowed, kept)):
            rest = sub(self.space.layout, left, right, _CAP, Budget())
            if rest is None:
                found.append(Difference(direction, opens, tuple(left), None, exact=False))
                continue
            found += self._differing(direction, opens, join(self.space.layout, rest))
        return found

    def _differing(self, direction: Direction, opens: bool, cubes: Sequence[int]) -> list[Difference]:
        """Give one difference for every box that some flow can be in, with an example of its own."""
        found = []
        for number, box in enumerate(largest_boxes(self.space, cubes)):
            example = self.confirm(direction, box) if number < MAX_TRIES else None
            if example is not None or self._may_exist(direction, box):
                found.append(Difference(direction, opens, (box,), example))
        return found

    def _may_exist(self, direction: Direction, cube: int) -> bool:
        """Say whether some flow may be in a cube: that none was found counts only where every one was tried."""
        if not are_all(self.space, cube):
            return True
        return next(witnesses(self.space, cube, direction, self._calico.world), None) is not None

    def confirm(self, direction: Direction, cube: int) -> Confirmed | None:
        """Ask both point evaluators for flows of the cube; None unless they differ in that direction."""
        for world, flow in islice(witnesses(self.space, cube, direction, self._calico.world), MAX_WITNESSES):
            found = self._ask(world, flow, direction)
            if found is not None:
                return found
        return None

    def _ask(self, world: World, flow: Flow, direction: Direction) -> Confirmed | None:
        calico = CalicoPoint(replace(self._calico, world=world)).judge(flow)
        cilium = CiliumPoint(replace(self._cilium, world=world)).judge(flow)
        mine = calico.ingress if direction is Direction.INGRESS else calico.egress
        theirs = cilium.ingress if direction is Direction.INGRESS else cilium.egress
        if mine is None or theirs is None or mine.verdict is theirs.verdict:
            return None
        return Confirmed(flow, calico, cilium)
