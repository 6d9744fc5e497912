"""Networks over part of the pods or nodes: by address in the target's match mode, else by today's pods, else named."""

from __future__ import annotations

from typing import Any

import pytest

from translators import CiliumConfig, Options, Translation, translate
from translators.algebra.cidrs import parse_cidr
from translators.world import AddressPlan

PLAN = AddressPlan(
    pods=(parse_cidr("10.244.0.0/16"),),
    nodes=(parse_cidr("10.0.0.11/32"), parse_cidr("10.0.0.12/32")),
    stated=True,
)


def pod(name: str, address: str, app: str, node: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "labels": {"app": app}},
        "spec": {"nodeName": node, "containers": []},
        "status": {"phase": "Running", "podIPs": [{"ip": address}]},
    }


def node(name: str, address: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
    node("n1", "10.0.0.11"),
    node("n2", "10.0.0.12"),
    pod("web", "10.244.1.1", "web", "n1"),
    pod("db", "10.244.2.1", "db", "n2"),
]
REPLICA = pod("web-2", "10.244.2.2", "web", "n2")


def translated(
    direction: str,
    *rules: dict[str, Any],
    modes: str = "",
    accept: bool = False,
    cilium: tuple[int, int] = (1, 20),
    more: tuple[dict[str, Any], ...] = (),
) -> Translation:
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"selector": "app == 'db'", "types": [direction.capitalize()], direction: list(rules)},
    }
    options = Options(
        cilium_version=cilium,
        cilium=CiliumConfig(cidr_match_mode=frozenset(modes.split())),
        accepted=frozenset({("CAL-V806", "p")} if accept else ()),
    )
    result = translate([policy], cluster=[*CLUSTER, *more], options=options, plan=PLAN)
    assert result.report.method.open_obligations == 0
    return result


def end(direction: str, **entity: Any) -> dict[str, Any]:
    return {"action": "Allow", "source" if direction == "ingress" else "destination": entity}


BLOCK = end("ingress", nets=["10.244.1.0/24"])


def text(result: Translation) -> str:
    return "".join(f.text for f in result.files)


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_some_pods_are_matched_by_address_in_mode_pods(direction: str) -> None:
    result = translated(direction, end(direction, nets=["10.244.1.0/24"]), modes="pods")
    entry = result.report.policies[0]
    assert (entry.grade, result.report.differences) == ("S1", ())
    assert "CAL-N401" in entry.codes
    assert "10.244.1.0/24" in text(result)


def test_without_the_mode_a_new_target_is_asked_for_it() -> None:
    result = translated("ingress", BLOCK)
    assert result.report.policies[0].disposition == "refused"
    assert [f.text for f in result.report.findings if "policy-cidr-match-mode=pods" in f.text]


def test_accepted_the_pods_are_named_by_the_labels_they_have_today() -> None:
    result = translated("ingress", BLOCK, accept=True)
    entry = result.report.policies[0]
    assert (entry.grade, result.report.differences) == ("S2", ())
    assert "Pod a/web" in entry.conditions
    assert "app: web" in text(result)


def test_an_old_target_is_not_asked_for_a_mode_that_it_does_not_have() -> None:
    assert translated("ingress", BLOCK, cilium=(1, 19)).report.policies[0].grade == "S2"


def test_pods_that_no_label_tells_apart_are_left_out_and_named() -> None:
    result = translated("ingress", BLOCK, accept=True, more=(REPLICA,))
    entry = result.report.policies[0]
    assert entry.grade == "X"
    assert "CAL-N401" in entry.codes
    assert [d.effect for d in result.report.differences] == ["closes"]


@pytest.mark.parametrize(("net", "kept"), [("10.244.1.0/24", True), ("10.244.9.0/24", False)])
def test_networks_beside_a_selector_are_decided_now(net: str, kept: bool) -> None:
    result = translated("ingress", end("ingress", selector="app == 'web'", nets=[net]))
    entry = result.report.policies[0]
    assert (entry.grade, "CAL-N406" in entry.codes) == ("S2", True)
    assert ("app: web" in text(result)) is kept


def test_networks_beside_a_selector_that_cannot_be_decided_are_left_out() -> None:
    rule = end("ingress", selector="app == 'web'", nets=["10.244.1.0/24"])
    result = translated("ingress", rule, modes="pods", more=(REPLICA,))
    assert result.report.policies[0].grade == "X"
    assert "CAL-N405" in result.report.policies[0].codes


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_some_nodes_are_matched_by_address_in_mode_nodes(direction: str) -> None:
    result = translated(direction, end(direction, nets=["10.0.0.12/32"]), modes="nodes")
    entry = result.report.policies[0]
    assert (entry.grade, result.report.differences) == ("S1", ())
    assert "Node n2" in entry.conditions


def test_some_nodes_without_the_mode_are_approximated_once_that_is_accepted() -> None:
    rule = end("egress", nets=["10.0.0.12/32"])
    assert translated("egress", rule).report.policies[0].disposition == "refused"
    result = translated("egress", rule, accept=True)
    assert result.report.policies[0].grade == "A"
    assert "CAL-N403" in result.report.policies[0].codes


def test_no_ingress_deny_reaches_the_local_host_by_its_network() -> None:
    """In mode nodes a network with the node's address in a deny would kill probes: it is cut out."""
    deny = {"action": "Deny", "source": {"nets": ["10.0.0.0/8"]}}
    result = translated("ingress", deny, {"action": "Allow"}, modes="nodes")
    assert not result.report.differences
    denied = text(result).partition("ingressDeny:")[2]
    assert "except" in denied
    assert "remote-node" in denied


def test_networks_that_miss_the_pods_do_not_reach_them_in_mode_pods() -> None:
    rule = end("ingress", notNets=["10.244.0.0/16"])
    result = translated("ingress", rule, modes="pods nodes")
    assert not result.report.differences


def test_all_nodes_need_no_mode() -> None:
    assert translated("egress", end("egress", nets=["10.0.0.0/24"])).report.policies[0].grade == "S1"


def test_renumbered_pods_are_never_written_by_address() -> None:
    """Their addresses change: what a block of the old range means today is said by labels, in any match mode."""
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"selector": "app == 'db'", "types": ["Ingress"], "ingress": [BLOCK]},
    }
    plan = PLAN.renumbered(["10.245.0.0/16"])
    options = Options(cilium=CiliumConfig(cidr_match_mode=frozenset({"pods"})))
    result = translate([policy], cluster=CLUSTER, options=options, plan=plan)
    entry = result.report.policies[0]
    assert result.report.method.open_obligations == 0
    assert entry.grade == "S2"
    assert "CAL-N420" in entry.codes
    assert "app: web" in text(result)
    assert "10.244.1.0/24" not in text(result).partition("endpointSelector")[2]


def test_a_range_that_stays_is_no_renumbering() -> None:
    assert PLAN.renumbered(["10.244.0.0/16"]) == PLAN
