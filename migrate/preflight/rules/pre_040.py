"""PRE-040: a volume that one node at a time can use is detached and attached while its pod waits."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_waves import cluster_state, leaving

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every pod that leaves with such a volume; local ones are PRE-039."""
    state = cluster_state(case)
    for node, pods in leaving(case).items():
        for pod in pods:
            moved = [c for c in state.volumes(pod) if c.single_node and not c.local and c.volume]
            if moved:
                evidence = {
                    c.name: {"volume": c.volume, "driver": c.driver, "modes": list(c.modes)} for c in moved
                }
                yield Hit(f"Pod/{pod.label}", {"p": pod.label}, evidence, node)


RULE = Rule(
    number=40,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Volume moves with its pod",
    message="{p}: volume move takes time",
    remedy="raise deadlines.drain, and drain such nodes one at a time",
    check=check,
    failures=(35,),
    reads=("pods", "persistentvolumeclaims", "persistentvolumes"),
)
