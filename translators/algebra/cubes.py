"""Positional cubes: regions of a flow space as lists of Python ints, exact for every label set.

A *layout* is a row of bit fields, one per dimension, each followed by one guard bit that no cube ever holds.
A *cube* is an int: in every field the set of values that it takes; its region is their product. A *region* is
a list of cubes; its meaning is their union, the cubes may overlap. Bit 0 belongs to the first field, and
fields stand in the order in which ``sharp`` cuts them.

Specification: ``expansion.md`` §2; the tests hold every function against a point-wise twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translators.algebra.index import CubeIndex
from translators.algebra.layout import Budget, Layout

__all__ = ["Budget", "Layout", "join", "sub"]

_FEW = 500
"""So many cubes are compared one by one sooner than they are filed."""


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
    return _maximal(layout, sorted(relevant, key=_widest_first))


def _widest_first(cube: int) -> tuple[int, int]:
    return (-cube.bit_count(), cube)


def _maximal(layout: Layout, ordered: Sequence[int]) -> list[int]:
    """Drop cubes that lie inside an earlier one; ``ordered`` has the widest first, and each cube once."""
    if len(ordered) > _FEW:
        index = CubeIndex(layout, ordered)
        return [c for place, c in enumerate(ordered) if not index.holding(c) & (1 << place) - 1]
    result: list[int] = []
    for cube in ordered:
        for other in result:
            if cube & other == cube:
                break
        else:
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
        for index in _differing(layout, cubes):
            mask = layout.masks[index]
            groups: dict[int, int] = {}
            for cube in cubes:
                key = cube | mask
                groups[key] = groups.get(key, 0) | (cube & mask)
            if len(groups) < len(cubes):
                cubes = {(key & ~mask) | bits for key, bits in groups.items()}
                changed = len(cubes) > 1
    return _maximal(layout, sorted(cubes, key=_widest_first))


def _differing(layout: Layout, cubes: Iterable[int]) -> list[int]:
    """Give the fields in which cubes differ, last field first: labels join before ports."""
    common, union = layout.full, 0
    for cube in cubes:
        common &= cube
        union |= cube
    return layout.fields_of(layout.full & ~(union & ~common))[::-1]
