"""Many cubes asked at once: which of them meet a cube, which hold it. Exact, as the tests' point-wise twin says.

In each field the cubes are filed by the set of values that they take there; such sets repeat, and so do those that
are asked for, so each pair is looked at once. An answer is an int whose bit *i* speaks of cube *i*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.algebra.bitsets import bits_at, positions
from translators.algebra.layout import Layout

__all__ = ["CubeIndex"]


class _Column:
    """One field: the cubes by what they take in it, and the answers so far."""

    __slots__ = ("_holding", "_meeting", "_places", "mask")

    def __init__(self, mask: int, cubes: Sequence[int]) -> None:
        self.mask = mask
        places: dict[int, list[int]] = {}
        for place, cube in enumerate(cubes):
            places.setdefault(cube & mask, []).append(place)
        self._places = {taken: bits_at(listed, len(cubes)) for taken, listed in places.items()}
        self._meeting: dict[int, int] = {}
        self._holding: dict[int, int] = {}

    def meeting(self, wanted: int) -> int:
        found = self._meeting.get(wanted)
        if found is None:
            found = 0
            for taken, places in self._places.items():
                if taken & wanted:
                    found |= places
            self._meeting[wanted] = found
        return found

    def holding(self, wanted: int) -> int:
        found = self._holding.get(wanted)
        if found is None:
            found = 0
            for taken, places in self._places.items():
                if taken & wanted == wanted:
                    found |= places
            self._holding[wanted] = found
        return found


class CubeIndex:
    """A list of non-empty cubes of one layout; ``cubes[i]`` is bit *i* of an answer."""

    def __init__(self, layout: Layout, cubes: Sequence[int]) -> None:
        """File the cubes; cost: fields that some cube narrows × cubes."""
        self.cubes = tuple(cubes)
        self._everyone = (1 << len(self.cubes)) - 1
        common = layout.full
        for cube in self.cubes:
            common &= cube
        self._columns = [_Column(layout.masks[i], self.cubes) for i in layout.fields_of(common)]

    def meeting(self, cube: int) -> int:
        """Give the cubes that share a point with this one, which must not be empty."""
        found = self._everyone
        for column in self._columns:
            found &= column.meeting(cube & column.mask)
            if not found:
                break
        return found

    def holding(self, cube: int) -> int:
        """Give the cubes in which this one lies wholly."""
        found = self._everyone
        for column in self._columns:
            found &= column.holding(cube & column.mask)
            if not found:
                break
        return found

    def listed(self, found: int) -> Iterator[int]:
        """Give the cubes of an answer, in their order."""
        return (self.cubes[place] for place in positions(found))
