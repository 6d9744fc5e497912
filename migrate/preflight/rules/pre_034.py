"""PRE-034: a pod without a controller does not come back once it is evicted.

A hook that names it is taken to make it again; the run carries it out before the drain. Static pods are not evicted; a pod that a custom resource owns has its
operator.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted, hooked

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each of them."""
    for pod in evicted(case):
        if pod.owner is None and not hooked(case, pod):
            evidence = {"node": pod.node, "createdAt": pod.created_at}
            yield Hit(f"Pod/{pod.label}", {"p": pod.label}, evidence, pod.node)


RULE = Rule(
    number=34,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="Pod without a controller",
    message="Pod {p} has no controller",
    remedy="--accept CP2034:{p}=REASON says that it may be gone; or a hook that makes it again (nodes.hooks)",
    check=check,
    failures=(19, 34),
    reads=("pods",),
)
