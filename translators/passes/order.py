"""Sort tiers and policies as the source cluster's Calico does.

Source: projectcalico/calico ``felix/calc/policy_sorter.go`` (``TierLess``, ``PolKVLess``): tiers by order,
none last, then by name; policies by order, none last, ties by a text key that changed with v3.32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from translators.ir.policy import Policy, PolicyKind, Tier
from translators.settings import Version

__all__ = ["sorted_tiers", "tie_key"]

NEW_TIES: Version = (3, 32)


def sorted_tiers(
    policies: Iterable[Policy], tiers: Mapping[str, Tier], version: Version
) -> list[tuple[Tier, list[Policy]]]:
    """Give every tier that holds a policy, in order, each with its policies in order.

    A policy whose tier is not in ``tiers`` runs after all others, and its tier ends with Deny.
    """
    by_tier: dict[str, list[Policy]] = {}
    for policy in policies:
        by_tier.setdefault(policy.tier, []).append(policy)
    known = [tiers[name] for name in by_tier if name in tiers]
    missing = [Tier(name, None) for name in by_tier if name not in tiers]
    ordered = sorted(known, key=_tier_key) + sorted(missing, key=_tier_key)
    return [
        (tier, sorted(by_tier[tier.name], key=lambda p: (_order(p.order), tie_key(p, version))))
        for tier in ordered
    ]


def tie_key(policy: Policy, version: Version) -> str:
    """Give the text that decides between policies of equal order in one tier."""
    namespace = policy.namespace or ""
    if version >= NEW_TIES:
        return f"{policy.name}/{namespace}/{policy.kind}"
    match policy.kind:
        case PolicyKind.KUBERNETES_NETWORK_POLICY:
            return f"{namespace}/knp.default.{policy.name}"
        case PolicyKind.NETWORK_POLICY:
            return f"{namespace}/{policy.tier}.{policy.name}"
    return f"{policy.tier}.{policy.name}"


def _tier_key(tier: Tier) -> tuple[float, str]:
    return (_order(tier.order), tier.name)


def _order(order: float | None) -> float:
    return math.inf if order is None else order
