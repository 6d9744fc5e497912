"""PRE-035: its owner marked a pod as not safe to evict, for the cluster-autoscaler; we evict it all the same."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted
from migrate.preflight.views_owners import maker_of

__all__ = ["RULE"]

MARK = "cluster-autoscaler.kubernetes.io/safe-to-evict"


def check(case: Case) -> Iterator[Hit]:
    """Name each marked pod that the run evicts."""
    for pod in evicted(case):
        if pod.annotations.get(MARK) == "false":
            evidence = {MARK: "false", "owner": str(maker_of(case, pod))}
            yield Hit(f"Pod/{pod.label}", {"p": pod.label}, evidence, pod.node)


RULE = Rule(
    number=35,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Marked as not safe to evict",
    message="{p} is marked not safe to evict",
    remedy="ask its owner, and agree on a time",
    check=check,
    failures=(19,),
    reads=("pods",),
)
