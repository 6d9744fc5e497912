"""PRE-043: a static pod with an address of its own keeps Calico's until the kubelet starts it again on its node."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each mirror pod that is not of the host's network."""
    for pod in case.snapshot.pods:
        if pod.mirror and not pod.host_network and not pod.finished:
            evidence = {"addresses": list(pod.addresses), "node": pod.node}
            yield Hit(f"Pod/{pod.label}", {"p": pod.label}, evidence, pod.node)


RULE = Rule(
    number=43,
    group=Group.EVICTION,
    severity=Severity.INFO,
    title="Static pod on the pod network",
    message="{p} is static: restart on the node needed",
    remedy="step 8 restarts it",
    check=check,
    failures=(34,),
    reads=("pods",),
)
