"""PRE-047: with the order *after*, sandboxes that Calico made are torn down by cilium-cni: veths and handles leak."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every node that recycles in that order."""
    for name, plan in sorted(case.draft.nodes.items()):
        if plan.mode == "recycle" and plan.recycle_order == "after":
            yield Hit(
                f"node/{name}", {"n": name}, {"mode": plan.mode, "recycleOrder": plan.recycle_order}, name
            )


RULE = Rule(
    number=47,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Recycling after the switch leaks",
    message="{n}: DEL of Calico sandboxes will run cilium-cni; veth and IPAM handles leak",
    remedy="nodes.recycleOrder: hold, or go on: SweepNode follows",
    check=check,
    failures=(18,),
)
