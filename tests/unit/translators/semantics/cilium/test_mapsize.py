"""The estimate against counts made in Cilium's engine (``translation.md`` §6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from translators import CiliumConfig
from translators.semantics.cilium.mapsize import map_sizes, masked_prefixes
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import from_object
from translators.world import Namespace, Pod, World

ALL_PODS = {
    "fromEndpoints": [{"matchExpressions": [{"key": "io.kubernetes.pod.namespace", "operator": "Exists"}]}]
}
ALL = {"fromEntities": ["all"]}
CLUSTER = {"fromEntities": ["cluster"]}
EVERY_TYPE = {
    "icmps": [
        {"fields": [{"family": "IPv4", "type": n} for n in range(start, min(start + 40, 256))]}
        for start in range(0, 256, 40)
    ]
}
SHORT = {"icmps": [{"fields": [{"family": "IPv4", "type": 0}]}]}


def tcp(*ports: tuple[str, int | None]) -> dict[str, Any]:
    listed = [{"port": p, "protocol": "TCP", **({"endPort": end} if end else {})} for p, end in ports]
    return {"toPorts": [{"ports": listed}]}


def size(count: int, ingress: list[dict[str, Any]], deny: list[dict[str, Any]] | None = None) -> int:
    pods = tuple(Pod("a", f"p{n}", {"app": str(n)}) for n in range(count))
    world = World(namespaces={"a": Namespace("a", {})}, pods=pods)
    spec: dict[str, Any] = {"endpointSelector": {"matchLabels": {"app": "0"}}, "ingress": ingress}
    if deny:
        spec["ingressDeny"] = deny
    cnp = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
           "metadata": {"name": "p", "namespace": "a"}, "spec": spec}  # fmt: skip
    policies = CiliumPolicies.build(world, [from_object(cnp)], CiliumConfig())
    assert not policies.refused
    return map_sizes(policies)[0].entries


@pytest.mark.parametrize(
    ("count", "ingress", "deny", "counted"),
    [
        pytest.param(106, [{}], None, 6, id="isolation"),
        pytest.param(306, [ALL], None, 10, id="entity all"),
        pytest.param(306, [CLUSTER], None, 13, id="entity cluster"),
        pytest.param(306, [ALL_PODS], None, 312, id="all pods"),
        pytest.param(106, [{**ALL_PODS, **tcp(("0", None))}], None, 112, id="all pods, one protocol"),
        pytest.param(306, [{**ALL_PODS, **tcp(("80", None), ("443", None), ("53", None))}], None, 924, id="three ports"),
        pytest.param(106, [{**ALL_PODS, **tcp(("1", 65535))}], None, 1702, id="all ports as a range"),
        pytest.param(106, [tcp(("1", 65535))], None, 86, id="any peer, all ports as a range"),
        pytest.param(306, [tcp(("1", 24), ("26", 65535))], None, 101, id="any peer, one hole"),
        pytest.param(106, [{**ALL_PODS, **tcp(("1", 24), ("26", 65535))}], None, 2020, id="all pods, one hole"),
        pytest.param(306, [{**ALL_PODS, **tcp(("1", 24), ("26", 65535))}], None, 5820, id="more pods, one hole"),
        pytest.param(
            106, [{**ALL_PODS, **tcp(("0", None))}], [{**ALL_PODS, **tcp(("25", None))}], 218, id="hole as a deny"
        ),
        pytest.param(106, [{**ALL_PODS, **EVERY_TYPE}], None, 27142, id="all pods, ICMP types listed"),
        pytest.param(106, [{**ALL_PODS, **SHORT}], None, 112, id="all pods, ICMP in the short form"),
        pytest.param(106, [EVERY_TYPE], None, 1286, id="any peer, ICMP types listed"),
        pytest.param(106, [{**CLUSTER, **EVERY_TYPE}], None, 2054, id="cluster, ICMP types listed"),
        pytest.param(
            106, [{"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}], None, 7, id="a network"
        ),
    ],
)  # fmt: skip
def test_the_estimate_is_what_the_engine_needs(
    count: int, ingress: list[dict[str, Any]], deny: list[dict[str, Any]] | None, counted: int
) -> None:
    estimate = size(count, ingress, deny)
    assert counted <= estimate <= counted + 1


@pytest.mark.parametrize(
    ("first", "last", "blocks"), [(1, 65535, 16), (80, 80, 1), (1, 24, 6), (26, 65535, 13), (0, 65535, 1)]
)
def test_a_range_of_ports_becomes_aligned_blocks(first: int, last: int, blocks: int) -> None:
    assert masked_prefixes(first, last) == blocks


def test_a_pod_without_rules_needs_the_fixed_entries_alone() -> None:
    world = World(namespaces={}, pods=(Pod("a", "p"),))
    assert [s.entries for s in map_sizes(CiliumPolicies.build(world, [], CiliumConfig()))] == [6]


def test_networks_of_a_group_that_no_rule_names_are_identities_too() -> None:
    """Counted in the engine: 6 entries, and one for each identity in the element's network."""
    group = {"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "metadata": {"name": "g"},
             "spec": {"externalCIDRs": ["198.51.100.7/32", "203.0.113.0/24"]}}  # fmt: skip
    cnp = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "p", "namespace": "a"},
           "spec": {"endpointSelector": {}, "ingress": [{"fromCIDR": ["0.0.0.0/0"]}]}}  # fmt: skip
    world = World(namespaces={"a": Namespace("a", {})}, pods=(Pod("a", "p", {}),))
    policies = CiliumPolicies.build(world, [from_object(cnp), from_object(group)], CiliumConfig())
    assert map_sizes(policies)[0].entries == 9
