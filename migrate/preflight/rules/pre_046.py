"""PRE-046: pods of DaemonSets are not drained: they keep Calico's addresses until step 8 restarts them. Always said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_owners import maker_of

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count them by DaemonSet."""
    pods = [p for p in case.snapshot.pods if p.of_daemon_set and not p.host_network and not p.finished]
    counts = Counter(maker_of(case, pod).label for pod in pods)
    yield Hit("cluster/daemonsets", {"k": len(pods)}, {"daemonSets": dict(sorted(counts.items()))})


RULE = Rule(
    number=46,
    group=Group.EVICTION,
    severity=Severity.INFO,
    title="DaemonSet pods restart later",
    message="{k} DaemonSet pods keep Calico addresses until restarted",
    remedy="step 8 restarts them, one DaemonSet at a time",
    check=check,
    failures=(34,),
    reads=("pods",),
)
