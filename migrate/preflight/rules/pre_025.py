"""PRE-025: a node that an autoscaler makes during the run may start its pods on Calico, or on either.

An autoscaler is at rest when it is scaled to none, or a NodePool is limited to nothing. Nodes that join with the label
of migrated ones are switched from their first agent on (``procedure.md`` §9), so such a pool is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_autoscalers import autoscalers

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every autoscaler that may act and does not label what it makes."""
    for found in autoscalers(case):
        if not found.labelled:
            evidence = {
                "autoscaler": found.name,
                "may add": found.surplus if found.surplus is not None else "unbounded",
            }
            yield Hit(found.path, {"path": found.path}, evidence)


RULE = Rule(
    number=25,
    group=Group.CAPACITY,
    severity=Severity.WARN,
    title="An autoscaler is active",
    message="New nodes may join with Calico first",
    remedy="pause {path} for P3 to P6, or let its nodes join with label io.cilium.migration/cilium-default=true "
    "and taint node.cilium.io/agent-not-ready",
    check=check,
    failures=(25,),
    reads=("deployments.apps", "configmaps"),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
