"""How many pods of today's cluster a region speaks of: the figure beside a sentence about all label sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from translators.algebra.space import AtomKind, SideName, Space
from translators.flows import Direction
from translators.proof.fields import kinds
from translators.proof.points import pod_cube
from translators.world import World

__all__ = ["Population"]


class Population:
    """The pods of a world as cubes of one space, each distinct one with its number."""

    def __init__(self, space: Space, world: World) -> None:
        """Host-network pods and finished ones are no endpoints; a pod without an address counts all the same."""
        self._space = space
        self._pods = kinds(space, AtomKind.POD)
        living = [p for p in world.pods if not p.host_network and not p.finished]
        self._cubes = {
            side: Counter(pod_cube(space, side, pod, world) for pod in living)
            for side in (SideName.SUBJECT, SideName.PEER)
        }

    def of(self, direction: Direction, cubes: Sequence[int]) -> tuple[int | None, int | None]:
        """Give the number of pods that send and that receive; None for an end that is not pods alone."""
        own = self._count(SideName.SUBJECT, cubes)
        only_pods = all(not cube & self._space.peer.mask & ~self._pods for cube in cubes)
        other = self._count(SideName.PEER, cubes) if only_pods else None
        return (other, own) if direction is Direction.INGRESS else (own, other)

    def _count(self, side: SideName, cubes: Sequence[int]) -> int:
        layout = self._space.layout
        return sum(
            number
            for pod, number in self._cubes[side].items()
            if any(layout.meets(pod, cube) for cube in cubes)
        )
