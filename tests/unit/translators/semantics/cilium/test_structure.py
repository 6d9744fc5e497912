"""What is of another structure than its schema asks for is refused with its place; a null is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from translators import CiliumConfig
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.structure import malformed, without_nulls
from translators.source import from_object
from translators.world import World

CONFIG = CiliumConfig()


def policy(rule: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": rule,
    }


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("x", "spec is no map"),
        ({"endpointSelector": []}, "spec.endpointSelector is no map"),
        ({"endpointSelector": {"matchLabels": {"a": 1}}}, "spec.endpointSelector.matchLabels is not a map"),
        ({"ingress": {}}, "spec.ingress is no list"),
        ({"ingress": [None]}, "spec.ingress[0] is null"),
        ({"ingress": [{"fromCIDR": "10.0.0.0/8"}]}, "spec.ingress[0].fromCIDR is no list"),
        ({"ingress": [{"fromCIDR": [1]}]}, "spec.ingress[0].fromCIDR[0] is not a text"),
        ({"egress": [{"toPorts": [{"ports": [{"port": 80}]}]}]}, "ports[0].port is not a text"),
        ({"egress": [{"toPorts": [{"ports": [{"port": "80", "endPort": "90"}]}]}]}, "endPort is not a whole"),
        ({"egress": [{"icmps": [{"fields": [{"type": 1.5}]}]}]}, "type is not a number or a text"),
        ({"enableDefaultDeny": {"ingress": "no"}}, "ingress is not true or false"),
    ],
)
def test_another_structure_is_named_with_its_place(rule: Any, place: str) -> None:
    assert place in malformed(policy(rule))
    refused = CiliumPolicies.build(World(), [from_object(policy(rule))], CONFIG).refused
    assert place in refused[0][1]


def test_a_null_is_not_there() -> None:
    rule = {
        "endpointSelector": {},
        "ingress": [{"fromEndpoints": None, "fromEntities": ["all"]}],
        "egress": None,
    }
    assert not malformed(policy(rule))
    assert without_nulls(rule) == {"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}]}
    read = CiliumPolicies.build(World(), [from_object(policy(rule))], CONFIG)
    assert not read.refused
    assert [e.entities for r in read.rules for e in next(iter(r.allows.values()))] == [frozenset({"all"})]


@pytest.mark.parametrize(
    "body",
    [
        {"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "spec": {"externalCIDRs": ["10.0.0.0/33"]}},
        {"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "metadata": {"labels": []}, "spec": {}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 0}]}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "x"}}]}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}, "egress": [{"ports": [{"port": 9, "endPort": 8}]}]}},
    ],
)  # fmt: skip
def test_groups_and_policies_of_kubernetes_are_held_to_their_schemas_too(body: dict[str, Any]) -> None:
    assert CiliumPolicies.build(World(), [from_object(body)], CONFIG).refused
