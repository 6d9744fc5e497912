"""PRE-045: a component of the tool itself must not be drained in the middle of its work.

Those are the driver's own pod where it runs in the cluster, what it labelled as its own in its namespace, and Hubble's
relay, which the flow gates read. The node of the driver is always last; a component on any wave but the last is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name the tool's pods on nodes of an early wave."""
    early = {node for wave in case.draft.waves[:-1] for node in wave}
    for pod in case.snapshot.pods:
        if pod.node in early and not pod.finished and not pod.of_daemon_set and _ours(case, pod):
            wave = next(place for place, nodes in enumerate(case.draft.waves, start=1) if pod.node in nodes)
            fills = {"p": pod.label, "n": pod.node}
            yield Hit(f"Pod/{pod.label}", fills, {"wave": wave, "waves": len(case.draft.waves)}, pod.node)


def _ours(case: Case, pod: Pod) -> bool:
    relay = "hubble-relay" in {pod.labels.get("k8s-app"), pod.labels.get("app.kubernetes.io/name")}
    own = pod.namespace == case.draft.settings.namespace and pod.labels.get("c2c/owned") == "true"
    return relay or own


RULE = Rule(
    number=45,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="The tool's own pod is drained early",
    message="Tool component {p} runs on {n}",
    remedy="run the driver outside the cluster, or let {n} go last",
    check=check,
    failures=(20,),
    reads=("pods",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
