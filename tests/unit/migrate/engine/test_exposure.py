"""What is open in the window, and for how many pods: counted on the healthy cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from migrate.engine.drafting import draft
from migrate.engine.exposure import exposure, protection
from migrate.engine.worlds import world_of
from migrate.model.draft import Canary, Draft, Policies
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests import clusters
from translators import CiliumConfig

HTTP = [{"ports": [{"port": "80", "protocol": "TCP"}]}]
DB = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNetworkPolicy",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {
        "endpointSelector": {"matchLabels": {"app": "db"}},
        "ingress": [{"fromEndpoints": [{}], "toPorts": HTTP}],
    },
}
NATIVE = clusters.thing(
    "NetworkPolicy", "web", "shop", api="networking.k8s.io/v1",
    spec={"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]},
)  # fmt: skip


def snapshot(*more: Any) -> Snapshot:
    builder = SnapshotBuilder()
    for item in (*clusters.healthy(), *more):
        builder.add(item)
    return builder.snapshot()


def drafted(found: Snapshot, policies: Policies, **more: Any) -> Draft:
    made = draft(found, Settings.from_mapping({**clusters.settings(), **more}), policies)
    return replace(made, canary=Canary("wrk-1"))


def test_only_what_a_policy_isolates_is_protected() -> None:
    (found,) = protection(snapshot(), [DB], CiliumConfig())
    assert (found.namespace, found.direction, found.total) == ("shop", "ingress", 8)
    assert found.pods == {"db-0": "wrk-1", "db-1": "wrk-2"}
    assert found.policies == ("CiliumNetworkPolicy/shop/db",)


def test_without_enforcement_everything_is_open_from_the_canary_to_the_end_of_p8() -> None:
    found = snapshot()
    entries = exposure(found, drafted(found, Policies(objects=(DB,))))
    assert [(e["phase"], e["share"]) for e in entries] == [
        ("P4", 0.5), ("P5", 1.0), ("P6", 1.0), ("P7", 1.0), ("P8", 1.0),
    ]  # fmt: skip
    assert {(e["namespace"], e["direction"], e["pods"], e["why"]) for e in entries} == {
        ("shop", "ingress", 2, "not enforced")
    }


def test_native_policies_that_stay_are_counted_too() -> None:
    found = snapshot(NATIVE)
    entries = exposure(found, drafted(found, Policies(kept=("NetworkPolicy/shop/web",))))
    assert {(e["direction"], e["pods"], *e["policies"]) for e in entries} == {
        ("ingress", 3, "NetworkPolicy/shop/web"),
        ("egress", 3, "NetworkPolicy/shop/web"),
    }


def test_bridged_policies_are_only_weaker_and_only_while_nodes_move() -> None:
    found = snapshot()
    allowance = {**DB, "spec": {**DB["spec"], "ingress": [{"fromEntities": ["unmanaged"]}]}}  # type: ignore[dict-item]  # plain objects
    policies = Policies(objects=(DB,), allowance=(allowance,))
    entries = exposure(found, drafted(found, policies, policyInWindow="bridged"))
    assert [(e["phase"], e["share"], e["why"]) for e in entries] == [
        ("P4", 0.5, "pods on Calico allowed as one class"),
        ("P5", 1.0, "pods on Calico allowed as one class"),
    ]


def test_a_deny_that_waits_is_named_until_p8() -> None:
    found = snapshot()
    waiting = {**DB, "metadata": {"name": "db-unmanaged", "namespace": "shop"}}
    policies = Policies(objects=(DB, waiting), deferred=("CiliumNetworkPolicy/shop/db-unmanaged",))
    entries = exposure(found, drafted(found, policies, policyInWindow="bridged"))
    assert [e["phase"] for e in entries] == ["P4", "P5", "P6", "P7"]


def test_without_policies_nothing_is_exposed() -> None:
    found = snapshot()
    assert exposure(found, drafted(found, Policies())) == ()


def test_the_world_of_a_snapshot_is_the_cluster_s() -> None:
    port = {"name": "main", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}
    extra = clusters.pod("named", "shop", "wrk-1", "10.244.1.99", containers=[port])
    world = world_of(snapshot(extra))
    named = next(p for p in world.pods if p.name == "named")
    assert [(p.name, p.protocol, p.number) for p in named.ports] == [("http", "TCP", 8080)]
    assert len(world.pods) == len(snapshot(extra).pods)
    assert {str(c) for c in world.plan.pods} == {clusters.POOL}
    assert world.nodes["wrk-1"].labels["topology.kubernetes.io/zone"] == "a"
    assert ("shop", "web") in world.services
