"""PRE-036: a pod may use up more than half of the drain's time to stop, and leave the others too little."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Compare every grace period with the drain's deadline."""
    drain_s = case.draft.settings.deadlines.drain_s
    for pod in evicted(case):
        if pod.grace_s > drain_s / 2:
            fills = {"p": pod.label, "s": pod.grace_s}
            evidence = {"terminationGracePeriodSeconds": pod.grace_s, "drain": drain_s}
            yield Hit(f"Pod/{pod.label}", fills, evidence, pod.node)


RULE = Rule(
    number=36,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Pod takes long to stop",
    message="{p} may take {s}s to stop",
    remedy="raise deadlines.drain (and deadlines.node) above twice {s}s",
    check=check,
    failures=(19,),
    reads=("pods",),
)
