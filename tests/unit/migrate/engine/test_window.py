"""Policies while both CNIs run, judged by the evaluator: pods of Calico get in where some pod may, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.sides import path_of, rules_of, sides_of
from migrate.engine.window import ALLOWANCE, Pods, allowance_of, defeating, lacking, without_unmanaged
from translators import CiliumConfig
from translators.algebra.cidrs import parse_address
from translators.flows import TCP, Flow, Peer, PeerKind
from translators.semantics.cilium import CiliumPolicies, PointEvaluator
from translators.source import from_object
from translators.world import AddressPlan, Namespace, Pod, World

EVERY_POD = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}
NOT_B = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["b"]},
                              {"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}  # fmt: skip
OTHERS = ["world", "remote-node", "health", "ingress", "init", "unmanaged"]
HTTP = [{"ports": [{"port": "80", "protocol": "TCP"}]}]


def pod(namespace: str, name: str, address: str) -> Pod:
    return Pod(namespace, name, {"app": name}, node="n1", addresses=(parse_address(address),))


DB, WEB, FAR = pod("a", "db", "10.245.0.1"), pod("a", "web", "10.245.0.2"), pod("b", "web", "10.245.0.3")
WORLD = World(
    namespaces={"a": Namespace("a"), "b": Namespace("b")},
    pods=(DB, WEB, FAR),
    plan=AddressPlan(stated=True),
    is_cluster=True,
)


def policy(name: str = "p", namespace: str = "a", **rule: Any) -> dict[str, Any]:
    kind = "CiliumNetworkPolicy" if namespace else "CiliumClusterwideNetworkPolicy"
    metadata: dict[str, Any] = {"name": name, "labels": {"app.kubernetes.io/managed-by": "c2c"}}
    if namespace:
        metadata["namespace"] = namespace
    spec = {"endpointSelector": {"matchLabels": {"app": "db"}}, **rule}
    return {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}


def native(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "n", "namespace": "a"}
    whole = {"podSelector": {"matchLabels": {"app": "db"}}, **spec}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": whole,
    }


def end(who: Pod | str) -> Peer:
    if isinstance(who, Pod):
        return Peer(PeerKind.POD, who.addresses[0], pod=who)
    return Peer(PeerKind.ENTITY, entity=who)


def verdict(objects: list[Any], source: Pod | str, port: int = 80, *, egress: bool = False) -> str:
    """Give what the pod ``a/db`` does with a flow from (or to) somebody."""
    policies = CiliumPolicies.build(WORLD, [from_object(o) for o in objects], CiliumConfig())
    assert not policies.refused, policies.refused
    ends = (end(DB), end(source)) if egress else (end(source), end(DB))
    found = PointEvaluator(policies).judge(Flow(*ends, TCP, port=port))
    decision = found.egress if egress else found.ingress
    assert decision is not None
    return str(decision.verdict)


def with_allowance(objects: list[Any], kept: list[Any] | None = None) -> list[Any]:
    return [*objects, *allowance_of(objects, kept or [])]


def test_pods_of_calico_get_in_on_the_ports_on_which_some_pod_does() -> None:
    objects = [policy(ingress=[{"fromEndpoints": [{"matchLabels": {"app": "web"}}], "toPorts": HTTP}])]
    assert verdict(objects, "unmanaged") == "deny"
    assert verdict(with_allowance(objects), "unmanaged") == "allow"
    assert verdict(with_allowance(objects), "unmanaged", 5432) == "deny"
    assert verdict(with_allowance(objects), FAR) == "deny"
    assert verdict(with_allowance(objects), "init") == "deny"


def test_egress_has_its_own_allowance() -> None:
    objects = [policy(egress=[{"toEndpoints": [{}], "toPorts": HTTP}])]
    assert verdict(objects, "unmanaged", egress=True) == "deny"
    assert verdict(with_allowance(objects), "unmanaged", egress=True) == "allow"
    assert verdict(with_allowance(objects), "unmanaged", 53, egress=True) == "deny"


def test_a_network_over_the_old_range_is_no_allowance() -> None:
    objects = [
        policy(ingress=[{"fromEndpoints": [{}], "toPorts": HTTP}]),
        policy("old-range", ingress=[{"fromCIDR": ["10.244.0.0/16"]}]),
    ]
    assert verdict(objects, "unmanaged") == "deny"
    assert len(lacking(objects, [])) == 1


@pytest.mark.parametrize(
    "element",
    [
        {"fromEntities": ["all"]},
        {"fromEntities": ["cluster"]},
        {"toPorts": HTTP},
        {"fromEntities": ["world"]},
        {"fromCIDR": ["198.51.100.0/24"]},
        {},
    ],
    ids=str,
)
def test_nothing_is_added_where_pods_of_calico_are_in_already_or_no_pod_is(element: dict[str, Any]) -> None:
    objects = [policy(ingress=[element])]
    assert allowance_of(objects) == ()
    assert lacking(objects, []) == []


def test_an_allow_of_another_object_that_says_more_is_enough() -> None:
    objects = [
        policy(ingress=[{"fromEndpoints": [{}], "toPorts": HTTP}]),
        policy("wide", "", endpointSelector=EVERY_POD, ingress=[{"fromEntities": ["cluster"]}]),
    ]
    assert allowance_of(objects) == ()
    narrow = [
        objects[0],
        policy("narrow", ingress=[{"fromEntities": ["cluster"], "icmps": [{"fields": []}]}]),
    ]
    assert len(allowance_of(narrow)) == 1


def test_networks_count_as_pods_only_where_they_match_them() -> None:
    from ipaddress import ip_network  # noqa: PLC0415  # of this test alone

    objects = [policy(ingress=[{"fromCIDRSet": [{"cidr": "10.245.0.0/17"}]}])]
    assert allowance_of(objects) == ()
    (found,) = allowance_of(objects, (), Pods(ranges=[ip_network("10.245.0.0/16")]))
    assert found["spec"]["ingress"] == [{"fromEntities": ["unmanaged"]}]


def test_names_of_ports_become_the_numbers_that_pods_give_them() -> None:
    ports = [{"ports": [{"port": "http", "protocol": "TCP"}, {"port": "53", "protocol": "UDP"}]}]
    objects = [
        policy(
            egress=[{"toEndpoints": [{}], "toPorts": ports}],
            ingress=[{"fromEndpoints": [{}], "toPorts": ports}],
        )
    ]
    known = Pods(named_ports={("http", "TCP"): {8080, 80}, ("http", "UDP"): {1}})
    (found,) = allowance_of(objects, (), known)
    listed = [p["port"] for p in found["spec"]["egress"][0]["toPorts"][0]["ports"]]
    assert listed == ["80", "8080", "53"]
    assert found["spec"]["ingress"][0]["toPorts"] == ports
    assert lacking(objects, [found], known) == []
    assert len(lacking(objects, [], known)) == 2


def test_a_name_of_a_port_does_not_reach_pods_of_calico_even_where_everybody_is_meant() -> None:
    ports = [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    known = Pods(named_ports={("http", "TCP"): {8080}})
    objects = [policy(egress=[{"toPorts": ports}], ingress=[{"toPorts": ports}])]
    assert [s.direction for s in lacking(objects, [], known)] == ["egress"]
    (found,) = allowance_of(objects, [], known)
    assert set(found["spec"]) == {"endpointSelector", "egress"}
    (kept,) = allowance_of([], [native(egress=[{"ports": [{"port": "http"}]}])], known)
    assert kept["spec"]["egress"][0]["toPorts"][0]["ports"] == [{"port": "8080", "protocol": "TCP"}]


def test_a_name_that_no_pod_has_lets_nobody_in() -> None:
    ports = [{"ports": [{"port": "nobody", "protocol": "TCP"}]}]
    objects = [policy(egress=[{"toEndpoints": [{}], "toPorts": ports}])]
    assert allowance_of(objects, (), Pods(named_ports={})) == ()
    assert lacking(objects, [], Pods(named_ports={})) == []


def test_an_allowance_is_an_object_of_its_own_that_says_what_it_is() -> None:
    (found,) = allowance_of([policy(ingress=[{"fromEndpoints": [{}]}, {"fromEndpoints": [EVERY_POD]}])])
    assert path_of(found) == "CiliumNetworkPolicy/a/p-window"
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "c2c", ALLOWANCE: ""}
    assert rules_of(found) == [
        {
            "endpointSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"fromEntities": ["unmanaged"]}],
        }
    ]


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    objects = [
        policy(ingress=[{"fromEndpoints": [{}]}]),
        policy("p-window", ingress=[{"fromEndpoints": [{}]}]),
    ]
    assert [path_of(o) for o in allowance_of(objects)] == [
        "CiliumNetworkPolicy/a/p-window-2",
        "CiliumNetworkPolicy/a/p-window-window",
    ]


def test_a_rule_that_isolates_nobody_gets_an_allowance_that_isolates_nobody() -> None:
    switched = {"ingress": False}
    (found,) = allowance_of([policy(enableDefaultDeny=switched, ingress=[{"fromEndpoints": [{}]}])])
    assert found["spec"]["enableDefaultDeny"] == switched


def test_a_policy_of_nodes_gets_one_too() -> None:
    objects = [policy("h", "", nodeSelector={}, ingress=[{"fromEndpoints": [EVERY_POD]}])]
    del objects[0]["spec"]["endpointSelector"]
    (found,) = allowance_of(objects)
    assert found["spec"] == {"nodeSelector": {}, "ingress": [{"fromEntities": ["unmanaged"]}]}


NATIVE = [
    ({"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}]}, [("80", "TCP", None)]),
    ({"ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": "http", "protocol": "UDP"}]}]},
     [("http", "UDP", None)]),
    ({"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80, "endPort": 90}]}]}, [("80", "TCP", 90)]),
    ({"ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "SCTP"}]}]}, [("0", "SCTP", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "ports"), NATIVE, ids=str)
def test_native_policies_that_stay_get_an_allowance_by_their_ports(spec: Any, ports: Any) -> None:
    (found,) = allowance_of([], [native(**spec)])
    (element,) = found["spec"]["ingress"]
    listed = [(p["port"], p["protocol"], p.get("endPort")) for p in element["toPorts"][0]["ports"]]
    assert listed == ports
    assert path_of(found) == "CiliumNetworkPolicy/a/n-window"


def test_a_native_policy_that_lets_everybody_in_needs_none() -> None:
    assert allowance_of([], [native(ingress=[{"ports": [{"port": 80}]}, {"from": []}])]) == ()
    block = {"ipBlock": {"cidr": "10.0.0.0/8"}}
    assert allowance_of([], [native(ingress=[{"from": [block]}], policyTypes=["Ingress", "Egress"])]) == ()


def test_a_native_policy_lets_pods_of_calico_in_with_the_allowance() -> None:
    kept = native(ingress=[{"from": [{"namespaceSelector": {}}]}])
    assert verdict([kept], "unmanaged") == "deny"
    assert verdict([kept, *allowance_of([], [kept])], "unmanaged") == "allow"


def test_forty_ports_fit_into_a_list_and_no_more() -> None:
    ports = [{"port": n} for n in range(1, 100)]
    (found,) = allowance_of([], [native(egress=[{"to": [{"podSelector": {}}], "ports": ports}])])
    assert [len(e["toPorts"][0]["ports"]) for e in found["spec"]["egress"]] == [40, 40, 19]


COMPLEMENT = {"fromEndpoints": [NOT_B], "toPorts": HTTP}
WITH_UNMANAGED = {"fromEntities": OTHERS, "toPorts": HTTP}


def guarded(**more: Any) -> list[dict[str, Any]]:
    """Give a policy that allows everybody of b, and denies everybody else by a complement."""
    return [
        policy(
            "allow", ingress=[{"fromEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "b"}}]}]
        ),
        policy("deny", ingressDeny=[COMPLEMENT, WITH_UNMANAGED], **more),
    ]


def test_a_deny_of_a_complement_defeats_the_allowance_and_waits() -> None:
    objects = guarded()
    assert verdict(with_allowance(objects), "unmanaged") == "deny"
    staged, waiting = without_unmanaged(objects)
    assert [path_of(o) for o in waiting] == ["CiliumNetworkPolicy/a/deny-unmanaged"]
    window = [*staged, *allowance_of(staged)]
    assert verdict(window, "unmanaged") == "allow"
    assert verdict(window, FAR) == "allow"
    assert verdict(window, WEB) == "deny"
    assert verdict(window, "health") == "deny"
    assert [verdict([*staged, *waiting], who) for who in (FAR, WEB, "unmanaged", "init")] == [
        verdict(objects, who) for who in (FAR, WEB, "unmanaged", "init")
    ]


def test_a_deny_of_every_pod_is_right_in_the_window() -> None:
    everyone = policy(ingressDeny=[{"fromEndpoints": [EVERY_POD]}, {"fromEntities": OTHERS}])
    assert defeating([everyone]) == []
    assert without_unmanaged([everyone]) == ([everyone], [])


@pytest.mark.parametrize(
    "element", [{"toPorts": HTTP}, {"fromEntities": ["all"]}, {"fromEntities": ["cluster"]}]
)
def test_so_is_one_that_names_no_peer_or_all_of_them(element: dict[str, Any]) -> None:
    assert defeating([policy(ingressDeny=[element])]) == []


def test_a_deny_of_every_pod_on_other_ports_does_not_make_it_right() -> None:
    other = [{"ports": [{"port": "443", "protocol": "TCP"}]}]
    objects = [policy(ingressDeny=[{"fromEndpoints": [EVERY_POD], "toPorts": other}, WITH_UNMANAGED])]
    assert len(defeating(objects)) == 1


def test_a_direction_that_loses_its_last_deny_stays_isolated() -> None:
    objects = [policy(ingressDeny=[{"fromEntities": ["unmanaged"], "toPorts": HTTP}])]
    staged, waiting = without_unmanaged(objects)
    assert staged[0]["spec"]["ingress"] == [{}]
    assert "ingressDeny" not in staged[0]["spec"]
    assert waiting[0]["spec"]["ingressDeny"] == objects[0]["spec"]["ingressDeny"]
    assert verdict(staged, WEB) == "deny"


def test_nothing_of_what_was_given_is_changed() -> None:
    objects = guarded(log={"value": "a/deny"})
    before = str(objects)
    _, waiting = without_unmanaged(objects)
    allowance_of(objects)
    assert str(objects) == before
    assert waiting[0]["spec"]["log"] == {"value": "a/deny"}


def test_what_lacks_an_allowance_is_named_with_its_element() -> None:
    objects = [
        policy(ingress=[{"fromEndpoints": [{}], "toPorts": HTTP}]),
        policy("q", egress=[{"toEndpoints": [{}]}]),
    ]
    assert [(s.object, s.direction) for s in lacking(objects, [])] == [
        ("CiliumNetworkPolicy/a/p", "ingress"),
        ("CiliumNetworkPolicy/a/q", "egress"),
    ]
    assert lacking(objects, allowance_of(objects)) == []


def test_elements_know_whose_they_are() -> None:
    sides = sides_of([policy(ingress=[{"fromEndpoints": [{}]}], egressDeny=[{"toEntities": ["world"]}])])
    assert [(s.direction, s.deny, s.peers) for s in sides] == [
        ("ingress", False, "from"),
        ("egress", True, "to"),
    ]
