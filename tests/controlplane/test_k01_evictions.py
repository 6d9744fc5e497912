"""K01-K09: what the API server says to evictions and cordons; the adapters must read these answers as they are."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.controlplane import instance, workloads
from tests.controlplane.client import Answer, Api, Object, eventually, throughout
from tests.controlplane.conftest import Space, new_space
from tests.controlplane.evictions import evict, guarded, ready_template, running
from tests.controlplane.instance import ControlPlane

AT_ONCE_S = 3.0


@pytest.fixture
def cluster(shared: ControlPlane, workers: None) -> ControlPlane:
    """A control plane with two workers and one control-plane node."""
    return shared


@pytest.fixture
def room(cluster: ControlPlane) -> Space:
    return new_space(cluster)


@pytest.fixture
def without_controllers(cluster: ControlPlane) -> Iterator[ControlPlane]:
    cluster.kill(instance.MANAGER)
    yield cluster
    cluster.restart(instance.MANAGER)


def test_k01_a_used_up_budget_refuses_with_its_numbers_and_no_time_to_come_back(room: Space) -> None:
    pods = guarded(room.api, room.name, "web", 2, minAvailable=2)
    answer = evict(room.api, pods[0])
    assert answer.status == 429
    assert "retry-after" not in answer.headers
    [cause] = answer.causes
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"] == "The disruption budget web needs 2 healthy pods and has 2 currently"


def test_k02_a_budget_that_nobody_has_looked_at_says_when_to_come_back(
    room: Space, without_controllers: ControlPlane
) -> None:
    room.api.create(workloads.budget(room.name, "web", "web", minAvailable=1))
    pod = workloads.bare_pod(room.name, "web", "wrk-01")
    pod["metadata"]["annotations"] = {"sim/pod-ip": "10.0.0.9"}
    room.api.create(pod)
    running(room.api, room.name, "web", 1)
    answer = evict(room.api, pod)
    assert (answer.status, answer.headers["retry-after"]) == (429, "10")
    [cause] = answer.causes
    assert cause["message"] == "The disruption budget web is still being processed by the server."


def test_k03_a_dry_run_says_what_the_eviction_would_say_and_evicts_nothing(room: Space) -> None:
    free, kept = (
        guarded(room.api, room.name, "web", 2, minAvailable=2),
        guarded(room.api, room.name, "db", 1, minAvailable=0),
    )
    assert evict(room.api, free[0], dryRun="All").status == 429
    assert evict(room.api, kept[0], dryRun="All").status == 201
    assert running(room.api, room.name, "db", 1)[0]["metadata"]["uid"] == kept[0]["metadata"]["uid"]


def test_k04_another_uid_is_a_conflict_but_the_budget_is_asked_first(room: Space) -> None:
    blocked, free = (
        guarded(room.api, room.name, "web", 1, minAvailable=1),
        guarded(room.api, room.name, "db", 1, minAvailable=0),
    )
    assert evict(room.api, blocked[0], uid="another").status == 429
    answer = evict(room.api, free[0], uid="another")
    assert answer.status == 409
    assert "UID in the precondition" in answer.message


def test_k05_a_pod_that_is_gone_is_not_found(room: Space) -> None:
    assert evict(room.api, workloads.bare_pod(room.name, "gone")).status == 404


def test_k06_two_budgets_on_a_pod_are_an_internal_error_that_no_retry_heals(room: Space) -> None:
    pods = guarded(room.api, room.name, "web", 1, minAvailable=0)
    room.api.create(workloads.budget(room.name, "second", "web", minAvailable=0))
    eventually(
        lambda: evict(room.api, pods[0], dryRun="All").status == 500,
        10,
        "the second budget is seen by evictions",
    )
    answer = evict(room.api, pods[0])
    assert answer.status == 500
    assert "more than one PodDisruptionBudget" in answer.message
    assert not answer.causes
    assert not answer.json.get("reason")


def test_k07_the_api_evicts_pods_of_daemon_sets_and_mirror_pods(room: Space) -> None:
    room.api.create(ready_template(workloads.daemon_set(room.name, "logs")))
    pod = running(room.api, room.name, "logs", 3)[0]
    assert evict(room.api, pod).status == 201
    room_pods = room.path("pods")
    eventually(
        lambda: _is_gone(room.api, room_pods, str(pod["metadata"]["uid"])), 10, "the daemon's pod is gone"
    )
    mirror = room.api.get("/api/v1/namespaces/kube-system/pods/etcd-cp-1")
    assert evict(room.api, mirror).status == 201


def _is_gone(api: Api, path: str, uid: str) -> bool:
    return all(pod["metadata"]["uid"] != uid for pod in api.items(path))


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a server that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize("call", ["create", "evict"])
def test_k08_a_dead_webhook_that_must_be_asked_refuses_at_once(
    room: Space, cluster: ControlPlane, call: str
) -> None:
    with forced(room, workloads.dead_webhook(f"dead-{room.name}", room.name), call) as ask:
        started = time.monotonic()
        answer = ask()
        assert time.monotonic() - started < AT_ONCE_S
        assert (answer.status, answer.json["reason"]) == (500, "InternalError")
        assert f'failed calling webhook "dead-{room.name}.example.com"' in answer.message


def test_k08_a_webhook_that_hangs_refuses_when_its_own_time_is_up(
    room: Space, cluster: ControlPlane, silent: str
) -> None:
    with forced(
        room, workloads.dead_webhook(f"slow-{room.name}", room.name, url=silent, timeout_s=1), "evict"
    ) as ask:
        started = time.monotonic()
        answer = ask()
        assert 1 <= time.monotonic() - started < 1 + AT_ONCE_S
        assert answer.status == 500
        assert "failed calling webhook" in answer.message


def test_k08_a_dead_webhook_that_may_fail_lets_everything_pass(room: Space, cluster: ControlPlane) -> None:
    hook = workloads.dead_webhook(f"lax-{room.name}", room.name, policy="Ignore")
    room.api.create(hook)
    pod = workloads.bare_pod(room.name, "new")
    throughout(lambda: room.api.call("POST", room.path("pods"), pod, dryRun="All").ok, 1, "pods are taken")
    room.api.delete(room.api.path(hook))


@contextmanager
def forced(room: Space, hook: Object, call: str) -> Iterator[Callable[[], Answer]]:
    """Put a webhook in force over a namespace with one running pod, and give the call that it stands in the way of."""
    room.api.create(ready_template(workloads.deployment(room.name, "web", 1)))
    pod = running(room.api, room.name, "web", 1)[0]

    def ask() -> Answer:
        if call == "evict":
            return evict(room.api, pod, dryRun="All")
        return room.api.call("POST", room.path("pods"), workloads.bare_pod(room.name, "new"), dryRun="All")

    room.api.create(hook)
    try:
        eventually(lambda: ask().status == 500, 10, "the webhook is in force")
        yield ask
    finally:
        room.api.delete(room.api.path(hook))


def test_k09_a_cordon_becomes_a_taint_by_the_controller(cluster: ControlPlane) -> None:
    api, path = cluster.api(), "/api/v1/nodes/wrk-02"
    api.patch(path, {"spec": {"unschedulable": True}})
    assert api.get(path)["spec"]["unschedulable"] is True
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}

    def is_tainted() -> bool:
        return any(taint.items() <= found.items() for found in api.get(path)["spec"].get("taints") or [])

    eventually(is_tainted, 10, "the controller taints the node")
    api.patch(path, {"spec": {"unschedulable": None}})
    eventually(lambda: not is_tainted(), 10, "the controller removes the taint")


def test_k15_a_pod_waits_for_the_default_account_of_a_new_namespace(
    cluster: ControlPlane, without_controllers: ControlPlane
) -> None:
    """The refusal reads like one of rights and is none: the controller makes the account a moment later."""
    fresh = Space(cluster.api(), "fresh")
    fresh.api.create(workloads.namespace(fresh.name))
    answer = fresh.api.call("POST", fresh.path("pods"), workloads.bare_pod(fresh.name, "early"))
    assert (answer.status, answer.json["reason"]) == (403, "Forbidden")
    assert (
        'error looking up service account fresh/default: serviceaccount "default" not found' in answer.message
    )
    cluster.restart(instance.MANAGER)
    late = workloads.bare_pod(fresh.name, "late")
    eventually(lambda: fresh.api.call("POST", fresh.path("pods"), late).ok, 20, "a pod is taken")
