"""PRE-033: a workload with one replica is down from its eviction until its successor is ready.

Of a controller whose kind is not known here, the pods that name it are counted. Jobs are PRE-038, pods without a
controller PRE-034.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted
from migrate.preflight.views_owners import maker_of

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each such workload once."""
    counts = Counter(
        (p.namespace, p.owner.kind, p.owner.name) for p in case.snapshot.pods if p.owner and not p.finished
    )
    seen = set()
    for pod in evicted(case):
        maker = maker_of(case, pod)
        if pod.owner is None or pod.owner.kind == "Job" or maker.path in seen:
            continue
        replicas = maker.replicas if maker.replicas is not None else counts[_key(pod)]
        if replicas == 1:
            seen.add(maker.path)
            yield Hit(maker.path, {"w": maker.label}, {"replicas": replicas, "pod": pod.label}, pod.node)


def _key(pod: Pod) -> tuple[str, str, str]:
    return pod.namespace, pod.owner.kind if pod.owner else "", pod.owner.name if pod.owner else ""


RULE = Rule(
    number=33,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Single replica",
    message="{w} has one replica: it will be down during its move",
    remedy="scale {w} to 2, or accept that it is down for as long as it takes to start",
    check=check,
    failures=(19,),
    reads=("pods", "replicasets.apps", "statefulsets.apps"),
)
