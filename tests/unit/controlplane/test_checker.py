"""Each assertion of the checker holds of a sound cluster and catches the fault that it is there for."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.controlplane import audit, checker
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object

CLUSTER_WIDE = ""


def named(name: str, namespace: str = CLUSTER_WIDE, **rest: object) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "labels": {}}, **rest}


def pod(name: str, node: str, address: str, **spec: object) -> Object:
    return named(name, "shop", spec={"nodeName": node, **spec}, status={"podIP": address, "phase": "Running"})


def snapshot(**objects: list[Object]) -> Snapshot:
    """Give a snapshot by resource; ``__`` stands for the first dot of a group."""
    found = {}
    for resource, items in objects.items():
        plural = resource.replace("__", ".", 1).replace("_", ".")
        for obj in items:
            found[plural, obj["metadata"]["namespace"], obj["metadata"]["name"]] = obj
    return Snapshot(found)


def sound() -> dict[str, list[Object]]:
    return {
        "pods": [
            pod("a", "n1", "10.245.0.3"),
            pod("b", "n2", "10.245.1.3"),
            pod("h", "n1", "192.0.2.1", hostNetwork=True),
        ],
        "nodes": [named("n1", spec={}), named("n2", spec={"unschedulable": True})],
        "ciliumnodes__cilium_io": [
            named("n1", spec={"ipam": {"podCIDRs": ["10.245.0.0/24"]}}),
            named("n2", spec={"ipam": {"podCIDRs": ["10.245.1.0/24"]}}),
        ],
        "ippools__crd_projectcalico_org": [named("default")],
        "ipamblocks__crd_projectcalico_org": [named("192-168-0-0-26")],
        "daemonsets__apps": [named("calico-node", "kube-system")],
        "ciliumnetworkpolicies__cilium_io": [named("p", "shop", spec={"endpointSelector": {}})],
    }


POLICY = {
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "p", "namespace": "shop"},
    "spec": {"endpointSelector": {}},
}


def every_assertion(before: Snapshot, now: Snapshot) -> None:
    checker.pods_are_on_cilium(now)
    checker.cordons_are_kept(before, now)
    checker.nothing_of_the_run_is_left(now)
    checker.calico_is_whole(before, now)
    checker.policies_equal(now, [POLICY])


def test_a_sound_cluster_passes() -> None:
    every_assertion(snapshot(**sound()), snapshot(**sound()))


def change(resource: str, number: int, path: str, value: object) -> Callable[[dict[str, list[Object]]], None]:
    def apply(objects: dict[str, list[Object]]) -> None:
        target = objects[resource][number]
        *parents, last = path.split(".")
        for part in parents:
            target = target.setdefault(part, {})
        target[last] = value

    return apply


def drop(resource: str) -> Callable[[dict[str, list[Object]]], None]:
    return lambda objects: objects[resource].clear()


FAULTS: dict[str, Callable[[dict[str, list[Object]]], None]] = {
    "a pod kept its old address": change("pods", 0, "status.podIP", "192.168.0.7"),
    "a pod has the address of another node's range": change("pods", 0, "status.podIP", "10.245.1.9"),
    "a pod has no address": change("pods", 0, "status.podIP", ""),
    "a node has no range": change("ciliumnodes__cilium_io", 0, "spec.ipam", {}),
    "a node stayed cordoned": change("nodes", 0, "spec.unschedulable", True),
    "a person's cordon is gone": change("nodes", 1, "spec.unschedulable", False),
    "a guard taint is left": change(
        "nodes", 0, "spec.taints", [{"key": "c2c/guard-1f", "effect": "NoSchedule"}]
    ),
    "a probe is left": change("pods", 1, "metadata.labels", {"c2c/owned": "true"}),
    "a pool of Calico is gone": drop("ippools__crd_projectcalico_org"),
    "the workload of Calico is gone": drop("daemonsets__apps"),
    "a policy is gone": drop("ciliumnetworkpolicies__cilium_io"),
    "a policy differs": change(
        "ciliumnetworkpolicies__cilium_io", 0, "spec", {"endpointSelector": {"a": "b"}}
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_caught(fault: str) -> None:
    objects = copy.deepcopy(sound())
    FAULTS[fault](objects)
    with pytest.raises(AssertionError):
        every_assertion(snapshot(**sound()), snapshot(**objects))


def test_two_pods_with_one_address_are_caught() -> None:
    objects = sound()
    objects["pods"].append(pod("c", "n1", "10.245.0.3"))
    with pytest.raises(AssertionError, match="given twice"):
        checker.pods_are_on_cilium(snapshot(**objects))


def test_allocations_of_calico_come_and_go_but_must_be_gone_in_the_end() -> None:
    objects = sound()
    objects["ipamblocks__crd_projectcalico_org"].clear()
    checker.calico_is_whole(snapshot(**sound()), snapshot(**objects))
    objects = {"ipamblocks__crd_projectcalico_org": sound()["ipamblocks__crd_projectcalico_org"]}
    with pytest.raises(AssertionError, match="ipamblocks"):
        checker.calico_is_gone(snapshot(**objects))


def test_annotations_on_nodes_are_a_part_of_calico() -> None:
    node = named("n1", spec={})
    node["metadata"]["annotations"] = {"projectcalico.org/IPv4Address": "192.0.2.1/24"}
    with pytest.raises(AssertionError, match="IPv4Address"):
        checker.calico_is_gone(snapshot(nodes=[node]))


def entry(verb: str, resource: str, code: int = 200, *, dry: bool = False) -> audit.Entry:
    return audit.Entry("c2c", verb, resource, "", "x", code, dry)


def test_writes_are_held_against_the_plan() -> None:
    calls = [
        entry("get", "secrets"),
        entry("patch", "nodes"),
        entry("create", "secrets", dry=True),
        entry("create", "pods", 403),
    ]
    checker.writes_are_of(calls, ["nodes"])
    assert [call.resource for call in audit.denials(calls)] == ["pods"]
    with pytest.raises(AssertionError, match="nodes"):
        checker.writes_are_of(calls, ["pods/eviction"])


def test_two_runs_are_equal_but_for_what_no_two_runs_share() -> None:
    def ended(uid: str, suffix: str, address: str) -> Snapshot:
        made = pod(f"web-7c9d8b6f5d-{suffix}", "n1", address)
        made["metadata"]["uid"] = uid
        return snapshot(pods=[made])

    first = ended("6f1f1b1e-0000-4000-8000-000000000001", "x2x4z", "10.245.0.3")
    second = ended("6f1f1b1e-0000-4000-8000-000000000002", "bb8cd", "10.245.0.9")
    moved = ended("6f1f1b1e-0000-4000-8000-000000000002", "bb8cd", "10.245.1.9")
    assert checker.masked(first) == checker.masked(second)
    assert checker.masked(first) != checker.masked(moved)
