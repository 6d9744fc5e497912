"""Positional cubes: regions of a flow space as lists of Python ints, exact for every label set.

A *layout* is a row of bit fields, one per dimension, each followed by one guard bit that no cube ever holds.
A *cube* is an int: in every field the set of values that it takes; its region is their product. A *region* is
a list of cubes; its meaning is their union, the cubes may overlap. Bit 0 belongs to the first field, and
fields stand in the order in which ``sharp`` cuts them.

Specification: ``expansion.md`` §2; the tests hold every function against a point-wise twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Budget", "Layout", "join", "sub"]


@dataclass(slots=True)
class Budget:
    """Counts calls of ``sharp``; a count, never a clock, so that the output does not depend on the machine."""

    calls: int = 0


class Layout:
    """Widths of the fields, and the operations that need to know where a field begins.

    ``full`` is the cube of everything. ``masks[i]`` holds the bits of field *i*.
    """

    __slots__ = ("_field_at", "_guards", "full", "masks", "offsets")

    def __init__(self, widths: Sequence[int]) -> None:
        """Lay the fields side by side; every width is at least 1."""
        offsets, masks, field_at, position = [], [], [], 0
        for index, width in enumerate(widths):
            offsets.append(position)
            masks.append(((1 << width) - 1) << position)
            field_at += [index] * (width + 1)
            position += width + 1
        self.offsets = tuple(offsets)
        self.masks = tuple(masks)
        self.full = sum(masks)
        self._guards = sum(1 << (o + w) for o, w in zip(offsets, widths, strict=True))
        self._field_at = tuple(field_at)

    def nonempty(self, cube: int) -> bool:
        """Say whether every field still holds a bit: one addition carries into the guards."""
        return (cube + self.full) & self._guards == self._guards

    def meets(self, left: int, right: int) -> bool:
        """Say whether two cubes share a point."""
        return ((left & right) + self.full) & self._guards == self._guards

    def meet(self, left: Iterable[int], right: Sequence[int]) -> list[int]:
        """Give the intersection of two regions: the non-empty pairwise meets."""
        full, guards = self.full, self._guards
        return [c for a in left for b in right if ((c := a & b) + full) & guards == guards]

    def sharp(self, cube: int, hole: int) -> list[int]:
        """Give disjoint pieces of ``cube`` minus ``hole``, the cube itself where they share no point.

        One piece for each field in which the cube exceeds the hole, first field first.
        """
        if not self.meets(cube, hole):
            return [cube]
        pieces = []
        excess = cube & ~hole
        while excess:
            mask = self.masks[self._field_at[(excess & -excess).bit_length() - 1]]
            over = excess & mask
            pieces.append((cube & ~mask) | over)
            cube ^= over
            excess ^= over
        return pieces

    def fields_of(self, cube: int) -> list[int]:
        """Give the indexes of the fields in which the cube is not full, ascending."""
        missing = self.full & ~cube
        found = []
        while missing:
            index = self._field_at[(missing & -missing).bit_length() - 1]
            found.append(index)
            missing &= ~self.masks[index]
        return found


def sub(
    layout: Layout,
    region: Iterable[int],
    holes: Iterable[int],
    cap: int,
    budget: Budget,
) -> list[int] | None:
    """Give ``region`` minus ``holes``, or None once more than ``cap`` cubes would be needed.

    Holes are clipped to the region, contained ones dropped, and the widest taken first.
    """
    rest = list(region)
    for hole in _useful(layout, rest, holes):
        touched = [c for c in rest if layout.meets(c, hole)]
        if not touched:
            continue
        kept = [c for c in rest if not layout.meets(c, hole)]
        budget.calls += len(touched)
        pieces = [piece for c in touched for piece in layout.sharp(c, hole)]
        rest = kept + (join(layout, pieces) if len(pieces) > 1 else pieces)
        if len(rest) > cap:
            rest = join(layout, rest)
            if len(rest) > cap:
                return None
    return rest


def _useful(layout: Layout, region: Sequence[int], holes: Iterable[int]) -> list[int]:
    relevant = {hole for hole in holes if any(layout.meets(cube, hole) for cube in region)}
    return _maximal(sorted(relevant, key=_widest_first))


def _widest_first(cube: int) -> tuple[int, int]:
    return (-cube.bit_count(), cube)


def _maximal(ordered: Iterable[int]) -> list[int]:
    """Drop cubes that lie inside an earlier one; ``ordered`` has the widest first."""
    result: list[int] = []
    for cube in ordered:
        if not any(cube & other == cube for other in result):
            result.append(cube)
    return result


def join(layout: Layout, region: Iterable[int]) -> list[int]:
    """Give an equal region of fewer cubes: OR cubes that differ in one field only, drop contained ones.

    The result is sorted, widest first, so equal input sets give equal output.
    """
    cubes = set(region)
    changed = len(cubes) > 1
    while changed:
        changed = False
        for index in _narrowed(layout, cubes):
            mask = layout.masks[index]
            groups: dict[int, int] = {}
            for cube in cubes:
                key = cube | mask
                groups[key] = groups.get(key, 0) | (cube & mask)
            if len(groups) < len(cubes):
                cubes = {(key & ~mask) | bits for key, bits in groups.items()}
                changed = len(cubes) > 1
    return _maximal(sorted(cubes, key=_widest_first))


def _narrowed(layout: Layout, cubes: Iterable[int]) -> list[int]:
    """Give the fields in which some cube is not full, last field first: labels join before ports."""
    common = layout.full
    for cube in cubes:
        common &= cube
    return layout.fields_of(common)[::-1]
