"""What the output would be if every Deny were cut from every later Allow (L2): the form that needs no explicit deny.

Written from its definition (``expansion.md`` §1, §3), on the items of the compiler; it shares the cubes' algebra with
it, and none of its decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from translators import compiler
from translators.algebra.cubes import Budget, Layout, sub
from translators.ir.items import Item
from translators.ir.policy import Action
from translators.passes.decide import Decided, Judge

MOST = 20_000


@dataclass
class Cutting:
    """Adds up the cubes of L2 over the directions of one translation; ``cubes`` is None once one grew too large."""

    cubes: int | None = 0

    def add(self, items: Sequence[Item], layout: Layout) -> None:
        """Add one direction."""
        found = cut_everywhere(items, layout) if self.cubes is not None else None
        self.cubes = None if found is None else (self.cubes or 0) + found


@contextmanager
def cut_beside() -> Iterator[Cutting]:
    """Look at the items on which the compiler decides while one set is translated."""
    decide, found = compiler.decide, Cutting()

    def watched(items: Sequence[Item], judge: Judge) -> Decided:
        found.add(items, judge.layout)
        return decide(items, judge)

    compiler.decide = watched
    try:
        yield found
    finally:
        compiler.decide = decide


def cut_everywhere(items: Sequence[Item], layout: Layout) -> int | None:
    """Give the cubes of L2 for one direction; None if an Allow comes to more than 20,000 of them."""
    budget = Budget()
    denied: list[int] = []
    passed: dict[int, list[int]] = {}
    total = 0
    for item in items:
        region = _minus(layout, item.region, passed.get(item.tier, []), budget)
        if region is None:
            return None
        match item.action:
            case Action.PASS:
                passed.setdefault(item.tier, []).extend(region)
            case Action.DENY:
                denied += region
            case Action.ALLOW if item.native:
                total += len(region)
            case Action.ALLOW:
                kept = _minus(layout, region, denied, budget)
                if kept is None:
                    return None
                total += len(kept)
    return total


def _minus(layout: Layout, region: Sequence[int], holes: Sequence[int], budget: Budget) -> list[int] | None:
    near = [hole for hole in holes if any(layout.meets(hole, cube) for cube in region)]
    return sub(layout, region, near, MOST, budget) if near else list(region)
