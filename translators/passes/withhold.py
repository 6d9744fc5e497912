"""Leave subjects out of an output: those whose rules fit in no form within the limits (``expansion.md`` §5).

Nothing is emitted for them in either direction; every other subject keeps its rules, of the same policies too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.algebra.space import SideName, Space
from translators.errors import BudgetExceeded
from translators.ir.items import Item, Lowered

__all__ = ["cut", "subjects_of", "touched", "without"]

_CAP = 2_000


def subjects_of(space: Space, region: Iterable[int]) -> list[int]:
    """Give the subjects of a region, each with all peers and all traffic."""
    own = space.subject.mask | sum(f.mask for f in space.fields if f.name[0] == SideName.SUBJECT)
    return join(space.layout, ((cube & own) | (space.full & ~own) for cube in region))


def without(layout: Layout, items: Sequence[Item], withheld: Sequence[int]) -> list[Item]:
    """Give the items without these subjects.

    Raises ``BudgetExceeded`` (CAL-O314) where not even the other subjects can be told apart from them.
    """
    if not withheld:
        return list(items)
    return [replace(item, region=tuple(cut(layout, item.region, withheld))) for item in items]


def cut(layout: Layout, region: Sequence[int], withheld: Sequence[int]) -> list[int]:
    """Give a region without these subjects."""
    rest = sub(layout, region, withheld, _CAP + len(region), Budget())
    if rest is None:
        fills = {"deny": "Leaving subjects out", "n": "0", "m": str(len(withheld)), "max": str(_CAP)}
        raise BudgetExceeded(
            "the subjects to leave out cannot be told apart from the others", code="CAL-O314", fills=fills
        )
    return rest


def touched(
    layout: Layout, lowered: Iterable[Lowered], withheld: Sequence[int]
) -> list[tuple[Lowered, bool]]:
    """Give the policies that select some of these subjects, and whether they select no other."""
    found = []
    for low in lowered:
        if layout.meet(low.subject, withheld):
            found.append((low, not cut(layout, low.subject, withheld)))
    return found
