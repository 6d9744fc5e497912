"""The largest boxes of a region: what a difference is called by, instead of the pieces in which it was found.

A subtraction leaves pieces that say more about its order than about the region. Here each piece is widened, field
by field, as far as the region reaches, and what an earlier box says already is left out of the later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.algebra.space import AtomKind, Field, SideName, Space
from translators.proof.fields import kinds

__all__ = ["largest_boxes"]

MAX_CUBES = 400
_CAP = 2_000


def largest_boxes(space: Space, region: Iterable[int]) -> list[int]:
    """Give boxes that cover the region and nothing else, each as wide as it can be.

    Only a pod has labels: what a cube says of the labels of any other peer means nothing, and is widened away. A
    region of more than 400 cubes is given back joined: nobody reads so many boxes, and widening them costs.
    """
    layout = space.layout
    cubes = join(layout, (part for cube in region for part in _unlabelled(space, cube)))
    if len(cubes) > MAX_CUBES:
        return cubes
    rest: list[int] | None = cubes
    boxes: list[int] = []
    while rest:
        box = _widened(space, rest[0], cubes)
        told = [part for other in boxes for part in _unlabelled(space, other)]
        box = _without_told(layout, box, told, (space.peer, space.traffic))
        boxes.append(box)
        rest = sub(layout, rest, list(_unlabelled(space, box)), _CAP, Budget())
        if rest is None:
            return cubes
        rest = join(layout, rest)
    return boxes


def _unlabelled(space: Space, cube: int) -> Iterator[int]:
    """Split a cube into its pods, and its other peers with any labels at all."""
    pods = cube & kinds(space, AtomKind.POD)
    if pods:
        yield (cube & ~space.peer.mask) | pods
    if others := cube & space.peer.mask & ~pods:
        labels = sum(f.mask for f in space.fields if f.name[0] == SideName.PEER)
        yield (cube & ~space.peer.mask) | others | labels


def _widened(space: Space, cube: int, region: Sequence[int]) -> int:
    """Widen one field after the other: to everything where that is inside, else value by value.

    The peer comes last, and only pods join a box that speaks of labels: no other peer has any.
    """
    layout = space.layout
    labels = sum(f.mask for f in space.fields if f.name[0] == SideName.PEER)
    for mask in (*(m for m in layout.masks if m != space.peer.mask), space.peer.mask):
        if cube & mask == mask:
            continue
        if _inside(layout, cube | mask, region):
            cube |= mask
            continue
        named = mask == space.peer.mask and cube & labels != labels
        for bit in _bits(mask & ~cube & (kinds(space, AtomKind.POD) if named else mask)):
            if _inside(layout, (cube & ~mask) | bit, region):
                cube |= bit
    return cube


def _without_told(layout: Layout, box: int, told: Sequence[int], fields: Iterable[Field]) -> int:
    """Leave out the values of these fields for which earlier boxes say everything; one stays in any case."""
    for field in fields if told else ():
        for bit in _bits(box & field.mask):
            if box & field.mask != bit and _inside(layout, (box & ~field.mask) | bit, told):
                box &= ~bit
    return box


def _bits(mask: int) -> Iterator[int]:
    while mask:
        bit = mask & -mask
        mask ^= bit
        yield bit


def _inside(layout: Layout, cube: int, region: Sequence[int]) -> bool:
    near = [other for other in region if layout.meets(cube, other)]
    return any(cube & other == cube for other in near) or sub(layout, [cube], near, _CAP, Budget()) == []
