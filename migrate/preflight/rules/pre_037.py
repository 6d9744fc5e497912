"""PRE-037: a pod with finalizers goes only when their controller lets it; one that should be gone already may never go.

Asked are pods with an address of their own, DaemonSets' included, since these are restarted as well. The Job controller
keeps a finalizer on every pod of a Job and takes it off by itself, so that one is no finding. A pod counts as hanging a
minute after its deletion time, which holds its grace period already.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_time import seconds_between

__all__ = ["RULE"]

HANGING_S = 60
OF_JOBS = frozenset({"batch.kubernetes.io/job-tracking"})


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at finalizers, and at deletions that do not end."""
    for pod in case.snapshot.pods:
        if pod.host_network or pod.mirror or pod.node not in case.draft.nodes:
            continue
        finalizers = [f for f in pod.finalizers if f not in OF_JOBS]
        overdue = seconds_between(pod.deleted_at, case.moment) if pod.deleted_at else 0
        if overdue is None and not finalizers:
            yield Unread(f"how long {pod.label} is being deleted already")
        elif finalizers or (overdue or 0) > HANGING_S:
            evidence = {
                "finalizers": finalizers,
                "deletionTimestamp": pod.deleted_at,
                "overdue seconds": overdue,
            }
            yield Hit(f"Pod/{pod.label}", {"p": pod.label}, evidence, pod.node)


RULE = Rule(
    number=37,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Pod may hang on delete",
    message="{p} may hang on delete",
    remedy="find the controller of its finalizer, or what the kubelet of its node waits for",
    check=check,
    failures=(17,),
    reads=("pods",),
)
