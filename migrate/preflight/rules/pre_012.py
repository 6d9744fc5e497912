"""PRE-012: Calico must be whole before it is touched: a fault that was there before would be blamed on the migration.

Whole is: every workload of Calico runs its newest template and is ready, each calico-node pod is Ready (its probe asks
Felix and BIRD), and no part that the operator watches says that it is degraded, unavailable or still progressing.
Conditions are optional: a part without any says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.installs import AGENTS, calico_node
from migrate.model.resources import condition
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

PARTS = AGENTS | {
    "calico-typha", "calico-kube-controllers", "calico-apiserver", "calico-webhooks", "tigera-operator", "goldmane",
    "whisker", "csi-node-driver", "guardian",
}  # fmt: skip


def check(case: Case) -> Iterator[Hit]:
    """Look at workloads, at the agent of each node, and at what the operator says."""
    snapshot = case.snapshot
    agent = calico_node(snapshot)
    if agent is None:
        yield Hit("cluster/calico", {"what": "there is no DaemonSet of calico-node"})
    for workload in snapshot.workloads:
        if (
            workload.name in PARTS
            and workload.kind in {"DaemonSet", "Deployment"}
            and not workload.rolled_out
        ):
            counts = {"replicas": workload.replicas, "updated": workload.updated, "ready": workload.ready}
            told = f"{workload.kind} {workload.label} has {workload.ready} of {workload.replicas} ready"
            if workload.observed < workload.generation:
                told = f"{workload.kind} {workload.label} was changed and the change is not seen yet"
            elif workload.updated < workload.replicas:
                told += f", {workload.updated} of the newest template"
            yield Hit(f"{workload.kind}/{workload.label}", {"what": told}, counts)
    for pod in snapshot.pods:
        mine = agent is not None and pod.owner is not None and pod.owner.name == agent.name
        if mine and pod.of_daemon_set and not pod.ready and not pod.finished:
            what = f"{pod.label} on {pod.node or 'no node'} is not Ready{f' ({pod.waiting})' if pod.waiting else ''}"
            evidence = {"phase": pod.phase, "waiting": pod.waiting, "restarts": pod.restarts}
            yield Hit(
                f"node/{pod.node}" if pod.node else f"Pod/{pod.label}", {"what": what}, evidence, pod.node
            )
    yield from _operators_word(case)


def _operators_word(case: Case) -> Iterator[Hit]:
    for status in case.snapshot.of("tigerastatuses.operator.tigera.io"):
        for kind, wrong in (("Degraded", "True"), ("Available", "False"), ("Progressing", "True")):
            value, reason, message = condition(status.data, kind)
            if value == wrong:
                told = f"TigeraStatus {status.name} is {kind}={value}" + (f": {message}" if message else "")
                yield Hit(status.path, {"what": told}, {"reason": reason, "message": message})


RULE = Rule(
    number=12,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Calico is not healthy",
    message="Calico is not healthy before the start: {what}",
    remedy="repair it first: kubectl get tigerastatus; kubectl get pods -A -o wide | grep -E 'calico|tigera'",
    check=check,
    failures=(1,),
    reads=("daemonsets.apps", "deployments.apps", "pods"),
)
