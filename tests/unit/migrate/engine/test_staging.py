"""What a plan stages of a translation: everything once, what opens before what closes, nothing secret."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from migrate.engine.sides import path_of
from migrate.engine.staging import assumed_keys, digest_of, in_order, objects_of, staged
from translators import CiliumConfig, Options, translate
from translators.source import from_object

CALICO = "projectcalico.org/v3"


def calico(name: str, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    kind = "NetworkPolicy" if namespace else "GlobalNetworkPolicy"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": CALICO, "kind": kind, "metadata": metadata, "spec": spec}


WEB_TO_DB = calico(
    "db",
    selector="app == 'db'",
    types=["Ingress"],
    ingress=[
        {
            "action": "Allow",
            "protocol": "TCP",
            "source": {"selector": "app == 'web'"},
            "destination": {"ports": [5432]},
        }
    ],
)
CLOSED = calico("closed", "", selector="all()", types=["Ingress", "Egress"], order=2000)
GUARD = calico(
    "guard", "", selector="app == 'db'", types=["Ingress"], order=1,
    ingress=[
        {"action": "Allow", "source": {"namespaceSelector": "kubernetes.io/metadata.name == 'ops'"}},
        {"action": "Deny", "protocol": "TCP", "destination": {"ports": [22]}},
        {"action": "Pass"},
    ],
)  # fmt: skip
KEPT = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "native", "namespace": "shop"},
    "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
}
SETS = {"kind": "GlobalNetworkSet", "apiVersion": CALICO, "metadata": {"name": "bad", "labels": {"bad": "x"}},
        "spec": {"nets": ["198.51.100.0/24"]}}  # fmt: skip
WITH_SET = calico("sets", "", selector="all()", types=["Egress"], egress=[
    {"action": "Deny", "destination": {"selector": "bad == 'x'"}}, {"action": "Allow"}])  # fmt: skip


def staging(*policies: dict[str, Any], **more: Any) -> Any:
    result = translate(policies, options=Options(cilium=more.get("config") or CiliumConfig()))
    kept = [from_object(p) for p in policies]
    return staged(result, kept=kept, **more)


def test_every_object_of_the_files_is_staged_once() -> None:
    policies = (WEB_TO_DB, CLOSED, SETS, WITH_SET)
    result = translate(policies)
    found = staged(result)
    assert sorted(path_of(o) for o in found.objects) == sorted(path_of(o) for o in objects_of(result))
    assert found.allowance == ()
    assert found.deferred == ()
    assert found.report["kind"] == "TranslationReport"


def test_what_opens_comes_before_what_closes_and_groups_before_both() -> None:
    found = staging(WEB_TO_DB, CLOSED, SETS, WITH_SET)
    kinds = [path_of(o).split("/")[0] for o in found.objects]
    assert kinds[0] == "CiliumCIDRGroup"
    order = [path_of(o) for o in found.objects]
    assert order.index("CiliumNetworkPolicy/shop/db") < order.index("CiliumClusterwideNetworkPolicy/closed")


def test_an_object_that_isolates_nobody_comes_first_of_all_policies() -> None:
    spec = {
        "endpointSelector": {},
        "enableDefaultDeny": {"ingress": False},
        "ingress": [{"fromEntities": ["all"]}],
    }
    free = {"kind": "CiliumNetworkPolicy", "metadata": {"name": "z", "namespace": "z"}, "spec": spec}
    isolating = {
        **free,
        "metadata": {"name": "a", "namespace": "a"},
        "spec": {**spec, "enableDefaultDeny": {}},
    }
    closing = {
        **free,
        "metadata": {"name": "0", "namespace": "0"},
        "spec": {"endpointSelector": {}, "ingress": [{}]},
    }
    assert [path_of(o) for o in in_order([closing, isolating, free])] == [
        "CiliumNetworkPolicy/z/z",
        "CiliumNetworkPolicy/a/a",
        "CiliumNetworkPolicy/0/0",
    ]


def test_the_order_does_not_hang_on_the_input() -> None:
    one, other = staging(WEB_TO_DB, CLOSED, SETS, WITH_SET), staging(WITH_SET, SETS, CLOSED, WEB_TO_DB)
    assert [path_of(o) for o in one.objects] == [path_of(o) for o in other.objects]


def test_each_object_has_its_hash_and_a_change_changes_it() -> None:
    found = staging(WEB_TO_DB, CLOSED, bridged=True)
    assert set(found.hashes) == {path_of(o) for o in (*found.objects, *found.allowance)}
    item = found.objects[0]
    assert found.hashes[path_of(item)] == digest_of(json.loads(json.dumps(item)))
    assert digest_of({**item, "spec": {}}) != digest_of(item)


def test_bridged_policies_come_with_their_allowance() -> None:
    found = staging(WEB_TO_DB, CLOSED, bridged=True)
    (allowance,) = found.allowance
    assert path_of(allowance) == "CiliumNetworkPolicy/shop/db-window"
    assert allowance["spec"]["ingress"] == [
        {"fromEntities": ["unmanaged"], "toPorts": [{"ports": [{"port": "5432", "protocol": "TCP"}]}]}
    ]


def test_a_deny_of_a_complement_waits_and_stands_last() -> None:
    found = staging(GUARD, CLOSED, bridged=True, config=None)
    assert found.deferred == ("CiliumClusterwideNetworkPolicy/guard-unmanaged",)
    assert path_of(found.objects[-1]) == found.deferred[0]
    assert "unmanaged" not in json.dumps(found.objects[:-1])


def test_without_enforcement_in_the_window_nothing_waits() -> None:
    found = staging(GUARD, CLOSED)
    assert found.deferred == ()
    assert "unmanaged" in json.dumps(found.objects)


def test_native_policies_that_stay_are_named_and_bridged() -> None:
    found = staging(WEB_TO_DB, KEPT, bridged=True)
    assert found.kept == ("NetworkPolicy/shop/native",)
    assert "CiliumNetworkPolicy/shop/native-window" in [path_of(o) for o in found.allowance]
    assert "NetworkPolicy/shop/native" not in [path_of(o) for o in found.objects]


def test_a_native_policy_that_is_absorbed_does_not_stay() -> None:
    result = translate([KEPT], options=Options(kubernetes_policies="absorb"))
    assert staged(result, kept=[from_object(KEPT)]).kept == ()


def test_what_the_translation_assumed_is_said_in_the_keys_of_the_config_map() -> None:
    config = CiliumConfig(cidr_match_mode=frozenset({"pods", "nodes"}), enable_sctp=True)
    found = staging(WEB_TO_DB, config=config)
    assert found.assumed["policy-cidr-match-mode"] == "nodes pods"
    assert found.assumed["enable-sctp"] == "true"


@pytest.mark.parametrize(
    "change",
    [
        {"cidr_match_mode": frozenset({"nodes"})},
        {"enable_sctp": True},
        {"allow_localhost": "policy"},
        {"host_firewall": True},
        {"node_selector_labels": True},
        {"default_local_cluster": False},
        {"non_default_deny": False},
        {"cluster_network_policy": True},
        {"enable_extended_ip_protocols": True},
        {"lockdown_on_overflow": True},
        {"policy_map_max": 32768},
        {"labels": "k8s:app"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_the_keys_read_back_are_the_same_assumptions(change: dict[str, Any]) -> None:
    config = replace(CiliumConfig(), **change)
    assert CiliumConfig.from_map(assumed_keys(config)) == config


def test_nothing_of_others_and_no_secret_is_inside() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "c2VjcmV0"}}
    noted = {**KEPT, "metadata": {**KEPT["metadata"], "annotations": {"password": "hunter2"}}}
    result = translate([WEB_TO_DB, noted], cluster=[secret])
    found = staged(result, kept=[from_object(noted)], bridged=True, unread=["tiers", "hostendpoints"])
    text = json.dumps([found.objects, found.allowance, found.report])
    assert "c2VjcmV0" not in text
    assert "hunter2" not in text
    assert found.unread == ("hostendpoints", "tiers")
