"""A simulated pod is kept twice, as the scheduler sees it and as the server gives it: both have to say the same."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.model.pods import Pod
from migrate.model.workloads import path_of, ready_of
from migrate.rehearsal import Conditions, Rehearsal
from migrate.simulator.api import COUNTED
from migrate.simulator.build import Simulation
from tests.unit.migrate.test_rehearsal import planned

EACH = 5
"""So many changes of the run lie between two comparisons."""
FAULTS: dict[str, dict[str, Any]] = {
    "nothing goes wrong": {},
    "agents crash": {"agent-crash-loop": True},
    "agents are never ready": {"agent-never-ready": True},
    "nodes reboot by themselves": {"node-reboots@wrk-2": True},
    "the node is cut from its pods": {"kubelet-cut": True},
    "a pod comes with an address of Calico": {"calico-pod-comes": True},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
def test_both_say_the_same_all_the_time(faults: dict[str, Any]) -> None:
    plan, snapshot = planned()
    sim = Conditions(faults).simulated(plan, snapshot)
    looks = 0

    def look(_: object) -> None:
        nonlocal looks
        looks += 1
        if looks % EACH == 0:
            _compare(sim)

    Rehearsal(plan, sim, looks_on=look).begin()
    assert looks > 2 * EACH


def _compare(sim: Simulation) -> None:
    cluster, world = sim.ports().cluster, sim.world
    plain = {(p.namespace, p.name): p for p in map(Pod.from_dict, world.of("pods").values())}
    assert {key: _said(pod) for key, pod in world.typed.items()} == {k: _said(p) for k, p in plain.items()}
    for node in world.hosts:
        listed = [Pod.from_dict(p).label for p in cluster.list("pods", node=node)]
        assert [p.label for p in cluster.pods(node)] == listed
    for app in ("cilium", "calico-node", "kube-dns"):
        found = {p.label for p in world.typed.values() if p.labels.get("k8s-app") == app}
        assert {Pod.from_dict(p).label for p in cluster.list("pods", labels={"k8s-app": app})} == found
    counted = {path_of(w): ready_of(w) for resource, *_ in COUNTED for w in cluster.list(resource)}
    assert cluster.replicas() == counted


def _said(pod: Pod) -> tuple[object, ...]:
    return (
        pod.uid, pod.node, pod.phase, pod.ready, pod.addresses, pod.deleted_at, pod.host_network, pod.labels,
        pod.mirror, pod.of_daemon_set, pod.grace_s,
    )  # fmt: skip
