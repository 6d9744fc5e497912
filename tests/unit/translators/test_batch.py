"""What the decision lists leave to the walk, and what they remember."""

from __future__ import annotations

import json
from typing import Any

import pytest

from translators import CiliumConfig, Options, batch
from translators.batch import Batch
from translators.explanation import Explainer
from translators.source import from_object
from translators.worldbuilder import build_world


def pod(name: str, address: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"nodeName": "n1"},
        "status": {"podIPs": [{"ip": address}]},
    }


def policy(name: str, selector: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": name},
        "spec": {"order": 1, "selector": selector, "types": ["Ingress"], **spec},
    }


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n1"},
    "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.11"}]},
}
PODS = [pod("web", "10.1.0.1", app="web"), pod("db", "10.1.0.2", app="db"), pod("old", "10.1.0.3", app="x")]
WEB_ALONE = policy("db", "app == 'db'", ingress=[{"action": "Allow", "source": {"selector": "app == 'web'"}}])
FLOWS = [
    {"id": 1, "src": {"pod": f"shop/{a}"}, "dst": {"pod": f"shop/{b}"}, "protocol": "TCP", "port": port}
    for a in ("web", "db", "old")
    for b in ("web", "db", "old")
    for port in (80, 81)
]


def both(
    objects: list[dict[str, Any]], engine: str = "calico", options: Options | None = None
) -> tuple[Batch, Explainer]:
    documents = [from_object(o) for o in (NAMESPACE, NODE, *objects)]
    world, odd = build_world(documents, is_cluster=True)
    assert not odd
    chosen = options or Options()
    return Batch(world, documents, engine, chosen), Explainer(world, documents, engine, chosen)


def agree(lists: Batch, walk: Explainer, flows: list[dict[str, Any]]) -> None:
    for flow in flows:
        assert lists.answer(flow) == (json.dumps(walk.answer(flow), ensure_ascii=False), True)


def test_pods_of_one_address_are_walked() -> None:
    """Calico finds a peer by its address, so each of them has the labels of both."""
    lists, walk = both([*PODS[:2], pod("old", "10.1.0.1", app="x"), WEB_ALONE])
    agree(lists, walk, FLOWS)
    answer = walk.answer(
        {"src": {"pod": "shop/old"}, "dst": {"pod": "shop/db"}, "protocol": "TCP", "port": 80}
    )
    assert answer["verdict"] == "allow"
    assert 0 < lists.from_lists < len(FLOWS)


def test_profiles_of_other_rules_are_walked() -> None:
    profile = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Profile",
        "metadata": {"name": "kns.shop"},
        "spec": {"ingress": [{"action": "Deny"}], "egress": [{"action": "Allow"}]},
    }
    lists, walk = both([*PODS, profile])
    agree(lists, walk, FLOWS)
    assert walk.answer(FLOWS[1])["verdict"] == "deny"
    assert lists.from_lists == 0


def test_nodes_are_walked_only_where_something_polices_them() -> None:
    flows = [{"id": 1, "src": {"node": "n1"}, "dst": {"pod": "shop/db"}, "protocol": "TCP", "port": 80},
             {"id": 2, "src": {"pod": "shop/db"}, "dst": {"ip": "10.0.0.11"}, "protocol": "TCP", "port": 80}]  # fmt: skip
    host = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "HostEndpoint",
        "metadata": {"name": "h1", "labels": {"app": "db"}},
        "spec": {"node": "n1", "interfaceName": "*", "expectedIPs": ["10.0.0.11"]},
    }
    lists, walk = both([*PODS, WEB_ALONE])
    agree(lists, walk, flows)
    assert lists.from_lists == len(flows)
    lists, walk = both([*PODS, WEB_ALONE, host])
    agree(lists, walk, flows)
    assert lists.from_lists == 0


def test_what_is_remembered_is_bounded_and_forgetting_changes_nothing(monkeypatch):
    monkeypatch.setattr(batch, "_MOST_KEPT", 1)
    lists, walk = both([*PODS, WEB_ALONE])
    agree(lists, walk, [*FLOWS, *FLOWS])
    assert lists.from_lists == 2 * len(FLOWS)


def isolated(*denies: dict[str, Any]) -> dict[str, Any]:
    """Give a Cilium policy that lets web pods reach the database, and denies some of it again."""
    of_web = {"fromEndpoints": [{"matchLabels": {"app": "web"}}]}
    spec = {
        "endpointSelector": {"matchLabels": {"app": "db"}},
        "ingress": [of_web],
        "ingressDeny": list(denies),
    }
    metadata = {"name": "db", "namespace": "shop"}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata,
            "spec": {k: v for k, v in spec.items() if v}}  # fmt: skip


PORT_80 = {"toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}
TO_DB = {"dst": {"pod": "shop/db"}, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("denies", "enforcement", "source", "port", "verdict"),
    [
        pytest.param([], "default", {"pod": "shop/web"}, 80, "allow", id="an allow"),
        pytest.param([], "default", {"pod": "shop/old"}, 80, "deny", id="isolated"),
        pytest.param([PORT_80], "default", {"pod": "shop/web"}, 80, "deny", id="a deny beats an allow"),
        pytest.param([PORT_80], "default", {"pod": "shop/web"}, 81, "allow", id="a deny of another port"),
        pytest.param([], "default", {"node": "n1"}, 80, "allow", id="the local host"),
        pytest.param([], "never", {"pod": "shop/old"}, 80, "allow", id="nothing is enforced"),
    ],
)
def test_lists_of_cilium_say_what_the_walk_says(
    denies: list[dict[str, Any]], enforcement: str, source: dict[str, str], port: int, verdict: str
) -> None:
    options = Options(cilium=CiliumConfig(enforcement=enforcement))
    lists, walk = both([*PODS, isolated(*denies)], "cilium", options)
    agree(lists, walk, FLOWS)
    assert walk.answer({**TO_DB, "src": source, "port": port})["verdict"] == verdict
    agree(lists, walk, [{**TO_DB, "src": source, "port": port}])
