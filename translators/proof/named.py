"""Say of one flow whether its change was named: the differences of a report, as regions that can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from translators.algebra.space import Space
from translators.flows import Direction, Flow
from translators.proof.points import cube_of
from translators.world import World

__all__ = ["NamedDifferences", "NamedRegion"]


@dataclass(frozen=True, slots=True)
class NamedRegion:
    """One difference of the report: its id, the direction, and the cubes in which every point differs."""

    id: str
    direction: Direction
    cubes: Sequence[int]


@dataclass(frozen=True, slots=True)
class NamedDifferences:
    """Every region that a report names, in the space of the proof."""

    space: Space
    world: World
    regions: tuple[NamedRegion, ...]

    def of(self, flow: Flow, direction: Direction) -> tuple[str, ...]:
        """Give the ids of the differences that hold a flow, seen from the end whose policy is asked."""
        cube = cube_of(self.space, flow, direction, self.world)
        if not self.space.layout.nonempty(cube):
            return ()
        return tuple(
            region.id
            for region in self.regions
            if region.direction is direction
            and any(self.space.layout.meets(cube, part) for part in region.cubes)
        )
