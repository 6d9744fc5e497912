"""Why an agent would refuse an object: one row a reason, and the smallest change that makes it good."""

from __future__ import annotations

from typing import Any

import pytest

from translators import CiliumConfig
from translators.semantics.cilium.validate import reasons

CONFIG = CiliumConfig(enable_extended_ip_protocols=True)
PLAIN: dict[str, Any] = {"endpointSelector": {}, "ingress": [{}]}


def rule(**more: Any) -> dict[str, Any]:
    return {**PLAIN, **more}


def ingress(**element: Any) -> dict[str, Any]:
    return rule(ingress=[element])


def ports(*items: dict[str, Any]) -> dict[str, Any]:
    return ingress(toPorts=[{"ports": list(items)}])


def term(**requirement: Any) -> dict[str, Any]:
    return ingress(fromEndpoints=[{"matchExpressions": [requirement]}])


def network(**entry: Any) -> dict[str, Any]:
    return ingress(fromCIDRSet=[entry])


ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("no subject", {"ingress": [{}]}, "exactly one of endpointSelector"),
    ("two subjects", rule(nodeSelector={}), "exactly one of endpointSelector"),
    ("a long log value", rule(log={"value": "x" * 33}), "longer than 32"),
    ("ports and ICMP", ingress(toPorts=[{"ports": [{"port": "80", "protocol": "TCP"}]}], icmps=[{"fields": [{"type": 8}]}]), "stand in one element"),
    ("41 ICMP types", ingress(icmps=[{"fields": [{"type": n} for n in range(41)]}]), "more than 40 ICMP"),
    ("two members", ingress(fromEndpoints=[{}], fromEntities=["host"]), "one member is possible"),
    ("a member of old", ingress(fromRequires=[{}]), "is no longer there"),
    ("no network", ingress(fromCIDR=["10.0.0.0/33"]), "is no network"),
    ("an unknown entity", ingress(fromEntities=["moon"]), "moon"),
    ("an empty port", ports({"port": "", "protocol": "TCP"}), "a port is empty"),
    ("an octal port that is none", ports({"port": "089", "protocol": "TCP"}), "no octal number"),
    ("a large port", ports({"port": "65536", "protocol": "TCP"}), "is over 65535"),
    ("a large end", ports({"port": "80", "endPort": 65536, "protocol": "TCP"}), "endPort is over"),
    ("41 ports", ports(*[{"port": str(n), "protocol": "TCP"} for n in range(1, 42)]), "40"),
    ("an entry of nothing", network(), "exactly one of cidr"),
    ("an exception that is no network", network(cidr="10.0.0.0/8", **{"except": ["x"]}), "is no network"),
    ("an exception outside", network(cidr="10.0.0.0/8", **{"except": ["192.0.2.0/24"]}), "is not inside"),
    ("a label value that cannot be", ingress(fromEndpoints=[{"matchLabels": {"app": "a b"}}]), "none that Kubernetes accepts"),
    ("an unknown operator", term(key="app", operator="Is"), "operator Is is unknown"),
    ("In without values", term(key="app", operator="In"), "In with 0 values"),
    ("Exists with values", term(key="app", operator="Exists", values=["x"]), "Exists with 1 values"),
    ("a key that cannot be", term(key="a b", operator="Exists"), "a key or value"),
    ("nodes without their labels", ingress(fromNodes=[{}]), "enable-node-selector-labels"),
]  # fmt: skip


def said(*specs: dict[str, Any], kind: str = "CiliumNetworkPolicy") -> list[str]:
    data = {
        "apiVersion": "cilium.io/v2",
        "kind": kind,
        "metadata": {"name": "p", "namespace": "a"},
        "specs": list(specs),
    }
    return reasons(data, CONFIG)


@pytest.mark.parametrize(("spec", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_agent_refuses_it_and_the_reason_says_why(spec: dict[str, Any], words: str) -> None:
    found = said(spec)
    assert any(words in reason for reason in found), found


def test_nodes_are_subjects_of_clusterwide_policies_alone() -> None:
    spec = {"nodeSelector": {}, "ingress": [{}]}
    assert any("belongs to" in reason for reason in said(spec))
    assert not said(spec, kind="CiliumClusterwideNetworkPolicy")


def test_an_object_without_a_rule_is_refused() -> None:
    assert said() == ["the object holds no rule"]


@pytest.mark.parametrize(
    "spec",
    [PLAIN, ports({"port": "80", "protocol": "TCP"}), network(cidr="10.0.0.0/8", **{"except": ["10.1.0.0/16"]}),
     term(key="app", operator="In", values=["web"]), ports({"protocol": "GRE"})],
)  # fmt: skip
def test_a_good_rule_has_no_reason_against_it(spec: dict[str, Any]) -> None:
    assert said(spec) == []


@pytest.mark.parametrize(
    ("port", "words"),
    [({"protocol": "GRE", "port": 80}, "protocol GRE"), ({"protocol": "TCP", "port": "a_b"}, "is no name")],
)
def test_a_native_policy_is_refused_for_its_ports(port: dict[str, Any], words: str) -> None:
    data = {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "a"},
            "spec": {"podSelector": {}, "ingress": [{"ports": [port]}]}}  # fmt: skip
    assert any(words in reason for reason in reasons(data, CONFIG))
