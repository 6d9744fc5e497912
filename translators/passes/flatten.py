"""Lay tiers, policies and rules out as one row of items: rules, ends of tiers, the residual Allow.

A Pass in the last tier is an Allow, because the profile behind it allows (``expansion.md`` §4). The residual
is what earlier tiers let go on for subjects that the last tier does not select.
"""

from __future__ import annotations

from collections.abc import Sequence

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.flows import Direction
from translators.ir.items import Item, Lowered, Source
from translators.ir.policy import Action, Tier

__all__ = ["flatten"]

MAX_COMPARED = 500


def flatten(
    tiers: Sequence[tuple[Tier, Sequence[Lowered]]],
    direction: Direction,
    layout: Layout,
) -> list[Item]:
    """Give the items of one direction in the order in which Calico asks.

    ``tiers`` holds only policies that apply in the direction; a tier without any is left out by the caller.
    """
    items: list[Item] = []
    for index, (tier, policies) in enumerate(tiers):
        last = index == len(tiers) - 1
        for lowered in policies:
            items.extend(_rules(lowered, index, last=last))
        if tier.default_action is not Action.PASS:
            region = join(layout, (cube for lowered in policies for cube in lowered.subject))
            source = Source(None, direction, tier=tier.name)
            items.append(Item(Action.DENY, tuple(region), source, index, end_of_tier=True))
    return items + _residual(tiers, direction, layout)


def _rules(lowered: Lowered, tier: int, *, last: bool) -> list[Item]:
    policy = lowered.scoped.policy
    items = []
    for part in lowered.rules:
        rule = part.rule
        if rule.action is Action.LOG or not part.region:
            continue
        passes_out = last and rule.action is Action.PASS
        action = Action.ALLOW if passes_out else rule.action
        source = Source(policy, lowered.direction, rule, policy.tier)
        items.append(Item(action, part.region, source, tier, native=part.native))
    return items


def _residual(
    tiers: Sequence[tuple[Tier, Sequence[Lowered]]], direction: Direction, layout: Layout
) -> list[Item]:
    """Give what nobody denied, by policy; what the others of them hold anyway is said once, by the first."""
    if not tiers:
        return []
    final, deciding = tiers[-1]
    closed: list[int] = []
    if final.default_action is not Action.PASS:
        closed = join(layout, (cube for lowered in deciding for cube in lowered.subject))
    items = []
    for index, (tier, policies) in enumerate(tiers):
        for lowered in policies:
            rest = sub(layout, lowered.subject, closed, len(closed) + 1000, Budget())
            region = lowered.subject if rest is None else tuple(rest)
            if region:
                source = Source(lowered.scoped.policy, direction, tier=tier.name)
                items.append(Item(Action.ALLOW, region, source, len(tiers) + index))
    return _distinct(items)


def _distinct(items: Sequence[Item]) -> list[Item]:
    """Leave out the items whose every cube lies in a cube of another; of equal ones the first stays.

    So many that comparing each with each takes long are only rid of equal ones.
    """
    by_region: dict[tuple[int, ...], Item] = {}
    for item in items:
        by_region.setdefault(item.region, item)
    left = list(by_region.values())
    if len(left) > MAX_COMPARED:
        return left
    for item in reversed(by_region.values()):
        others = [cube for other in left if other is not item for cube in other.region]
        if all(any(cube & wide == cube for wide in others) for cube in item.region):
            left = [other for other in left if other is not item]
    return left
