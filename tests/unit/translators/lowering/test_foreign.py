"""Cilium policies that the cluster holds already: what they allow is denied explicitly, what they deny is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from translators import CiliumConfig, Options, Translation, translate
from translators.algebra.cidrs import parse_cidr
from translators.world import AddressPlan

PLAN = AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), stated=True)


def pod(name: str, address: str, namespace: str = "a") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIPs": [{"ip": address}]},
    }


PODS = [
    *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in "ab"),
    pod("web", "10.244.1.1"),
    pod("db", "10.244.1.2"),
    pod("nol", "10.244.1.3"),
    pod("cli", "10.244.2.1", "b"),
]
POLICY = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {
        "selector": "app == 'db'",
        "types": ["Ingress"],
        "ingress": [{"action": "Allow", "source": {"selector": "app == 'web'"}}],
    },
}


def existing(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": name, "namespace": "a", "labels": labels or {}},
        "spec": {"endpointSelector": {"matchLabels": {"app": "db"}}, **spec},
    }


def term(app: str) -> dict[str, Any]:
    return {"matchLabels": {"app": app}}


def translated(*others: dict[str, Any], explicit: bool = False) -> Translation:
    options = replace(Options(), explicit_denies=explicit)
    result = translate([POLICY], cluster=[*PODS, *others], options=options, plan=PLAN)
    assert result.report.method.open_obligations == 0
    return result


def test_what_it_would_open_is_denied_explicitly() -> None:
    result = translated(existing("opens", ingress=[{"fromEndpoints": [term("nol"), term("web")]}]))
    entry = result.report.policies[0]
    assert not result.report.differences
    assert {"CAL-V807", "CAL-O309"} <= set(entry.codes)
    text = "".join(f.text for f in result.files)
    assert "ingressDeny" in text
    assert "app: nol" in text


def test_what_it_denies_is_a_named_difference_of_the_policy_it_overrides() -> None:
    result = translated(existing("shuts", ingressDeny=[{"fromEndpoints": [term("web")]}]))
    assert [(d.effect, d.direction) for d in result.report.differences] == [("closes", "ingress")]
    assert result.report.policies[0].grade == "A"


def test_pods_that_it_isolates_and_no_policy_selects_are_named_too() -> None:
    other = existing("isolates", endpointSelector=term("nol"), ingress=[{}])
    result = translated(other)
    assert [d.effect for d in result.report.differences] == ["closes"]
    assert result.report.policies[0].grade == "S0"
    assert any(f.code == "CAL-V807" for f in result.report.findings)


def test_an_object_that_changes_nothing_costs_nothing() -> None:
    quiet = existing("quiet", endpointSelector=term("nol"), enableDefaultDeny={"ingress": False},
                     ingress=[{"fromEndpoints": [term("web")]}])  # fmt: skip
    result = translated(quiet)
    assert not result.report.differences
    assert "CAL-V807" not in result.report.policies[0].codes


def test_objects_that_this_program_wrote_are_replaced_and_not_counted() -> None:
    ours = existing("p", {"app.kubernetes.io/managed-by": "c2c"}, ingress=[{"fromEntities": ["all"]}])
    result = translated(ours)
    assert "CAL-V807" not in result.report.policies[0].codes
    assert "ingressDeny" not in "".join(f.text for f in result.files)


def test_explicit_denies_leave_nothing_to_add_to() -> None:
    other = existing("opens", ingress=[{"fromEndpoints": [term("nol")]}])
    assert "CAL-O309" not in translated(other, explicit=True).report.policies[0].codes


@pytest.mark.parametrize(
    ("spec", "construct"),
    [
        ({"ingress": [{"fromEndpoints": [{"matchExpressions": [{"key": "reserved:host", "operator": "DoesNotExist"}]}]}]},
         "reserved"),
        ({"egress": [{"toFQDNs": [], "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}]}, "toFQDNs"),
        ({"egress": [{"toServices": [{"k8sService": {"serviceName": "s", "namespace": "a"}}],
                      "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}]}, "toServices"),
        ({"ingressDeny": [{"fromEntities": ["world"], "toPorts": [{"ports": [{"port": "0", "endPort": 90, "protocol": "TCP"}]}]}]},
         "from 0"),
        ({"ingress": [{"fromEntities": ["world"], "icmps": [{"fields": [{"type": 0}]}]}]}, "type 0"),
        ({"ingress": [{"fromEntities": ["world"], "toPorts": [{"ports": [{"port": "pg", "endPort": 90, "protocol": "TCP"}]}]}]},
         "endPort"),
        ({"ingress": [{"fromCIDRSet": [{"cidrGroupSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}]}]},
         "cidrGroupSelector"),
    ],
)  # fmt: skip
def test_what_selects_more_than_it_says_is_named(spec: dict[str, Any], construct: str) -> None:
    result = translated(existing("odd", **spec))
    assert [f for f in result.report.findings if f.code == "CAL-V814" and construct in f.text]


@pytest.mark.parametrize(("on", "named"), [(True, True), (False, False)])
def test_cluster_wide_kubernetes_policies_that_the_target_enforces_are_named(on: bool, named: bool) -> None:
    item = {
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "there"},
        "spec": {
            "tier": "Admin",
            "priority": 1,
            "subject": {"namespaces": {}},
            "ingress": [{"name": "r", "action": "Deny", "from": [{"namespaces": {"matchExpressions": [
                {"key": "env", "operator": "NotIn", "values": ["prod"]}]}}]}],
        },
    }  # fmt: skip
    options = Options(cilium=CiliumConfig(cluster_network_policy=on))
    result = translate([POLICY], cluster=[*PODS, item], options=options, plan=PLAN)
    assert {"CAL-K709", "CAL-V803"} & {f.code for f in result.report.findings} == (
        {"CAL-K709", "CAL-V803"} if named else set()
    )
    assert result.report.policies[0].disposition == "translated"
