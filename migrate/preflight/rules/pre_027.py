"""PRE-027: the new pool must give a block to every node that the cluster may ever have during the run.

Counted are the Linux nodes of today, what each active autoscaler may add, and the new machines that stand beside old
ones while nodes are replaced (one wave's worth). An autoscaler without a bound leaves the rule unknown: its limit has to
be said somewhere, or it has to be paused. Blocks that a pool holds: 2^(mask - prefix).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_autoscalers import autoscalers
from migrate.preflight.views_waves import mode_of

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare blocks and nodes, family by family."""
    cilium = case.draft.settings.cilium
    nodes = sum(n.labels.get("kubernetes.io/os", "linux") == "linux" for n in case.snapshot.nodes)
    beside = max((sum(mode_of(case, n) == "replace" for n in wave) for wave in case.draft.waves), default=0)
    active = autoscalers(case)
    surplus = sum(a.surplus or 0 for a in active)
    most = nodes + surplus + beside
    for family in case.draft.variant.families:
        mask = cilium.mask_v4 if family == 4 else cilium.mask_v6
        pools = [c for c in cilium.pod_cidrs if (":" in c) == (family == 6)]
        blocks = sum(_blocks(cidr, mask) for cidr in pools)
        if blocks < most:
            fills = {"cidr": ", ".join(pools) or f"(none for IPv{family})", "k": blocks, "m": most}
            evidence = {"mask": mask, "nodes": nodes, "autoscalers": surplus, "replaced beside": beside}
            yield Hit(f"cilium.podCIDRs/IPv{family}", fills, evidence)
    for autoscaler in active:
        if autoscaler.surplus is None:
            yield Unread(f"how many nodes {autoscaler.name} ({autoscaler.path}) may add")


def _blocks(cidr: str, mask: int) -> int:
    try:
        prefix = ip_network(cidr, strict=False).prefixlen
    except ValueError:
        return 0
    return 2 ** (mask - prefix) if prefix <= mask else 0


RULE = Rule(
    number=27,
    group=Group.CAPACITY,
    severity=Severity.MANDATORY,
    title="Pool too small for the cluster",
    message="Pool {cidr} serves {k} nodes, cluster may have {m}",
    remedy="a larger range, or one more, in cilium.podCIDRs: pools can be appended later, never shrunk",
    check=check,
    failures=(27,),
    reads=("nodes", "deployments.apps", "configmaps"),
)
