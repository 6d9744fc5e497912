"""Where the fields of positional cubes stand, and what can be done with two cubes; see ``cubes``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Budget", "Layout"]


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
