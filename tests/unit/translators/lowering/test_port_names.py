"""Port names beside network sets: a name belongs to the pods that a selector matches by their own labels.

Confirmed by Calico's data plane: the set behind a named port holds (address, protocol, number) of the endpoints that
match the selector; a pod that only a network set brings in has no name there.
"""

from __future__ import annotations

from typing import Any

import pytest

from translators import Options, Translation, translate
from translators.algebra.cidrs import parse_cidr
from translators.report import Report
from translators.world import AddressPlan

PLAN = AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), stated=True)
PG = [{"name": "pg", "containerPort": 5432, "protocol": "TCP"}]


def pod(name: str, address: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": PG}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address}]},
    }


def network_set(name: str, *nets: str) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkSet",
        "metadata": {"name": name, "namespace": "a", "labels": {"role": "db"}},
        "spec": {"nets": list(nets)},
    }


CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
    pod("labelled", "10.244.1.1", role="db"),
    pod("listed", "10.244.2.1", app="x"),
    pod("neither", "10.244.3.1", app="y"),
    network_set("all-pods", "10.244.0.0/16"),
]


def report(direction: str, **destination: Any) -> Report:
    rules = [
        {"action": "Allow", "protocol": "TCP", "destination": {"selector": "role == 'db'", **destination}}
    ]
    spec = {"selector": "all()", "types": [direction.capitalize()], direction: rules}
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": spec,
    }
    return translate([policy], cluster=CLUSTER, plan=PLAN).report


@pytest.mark.parametrize("direction", ["egress", "ingress"])
@pytest.mark.parametrize(
    "ports",
    [{"ports": ["pg"]}, {"ports": ["pg", 80]}, {"notPorts": ["pg"]}, {"notPorts": ["pg", 80]}],
    ids=str,
)
def test_both_engines_agree_wherever_nothing_is_named(direction: str, ports: dict[str, Any]) -> None:
    found = report(direction, **ports)
    assert found.method.open_obligations == 0
    assert not {"CAL-V808", "CAL-V809"} & {f.code for f in found.findings}
    assert found.method.compared["differ"] == 0 or found.differences


def test_names_alone_reach_only_pods_that_match_by_label() -> None:
    found = report("egress", ports=["pg"])
    assert not found.differences
    assert found.method.compared["differ"] == 0


def with_ports(name: str, address: str, number: int, **labels: str) -> dict[str, Any]:
    found = pod(name, address, **labels)
    found["spec"] = {"containers": [{"name": "c", "ports": [{"name": "pg", "containerPort": number}]}]}
    return found


def old(*pods: dict[str, Any], action: str = "Allow") -> Translation:
    """Translate C31 for a target that skips a rule for a name of several numbers."""
    rules = [
        {"action": action, "protocol": "TCP", "destination": {"selector": "role == 'db'", "ports": ["pg"]}}
    ]
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "selector": "all()",
            "types": ["Egress"],
            "egress": [*rules, {"action": "Allow"}][: 1 + (action == "Deny")],
        },
    }
    around = [CLUSTER[0], *pods]
    return translate([policy], cluster=around, options=Options(cilium_version=(1, 19)), plan=PLAN)


V1, V2 = (
    with_ports("v1", "10.244.1.1", 5432, role="db", v="1"),
    with_ports("v2", "10.244.2.1", 15432, role="db", v="2"),
)


@pytest.mark.parametrize("action", ["Allow", "Deny"])
def test_before_1_20_each_class_gets_its_own_number(action: str) -> None:
    result = old(V1, V2, action=action)
    entry = result.report.policies[0]
    assert result.report.method.open_obligations == 0
    assert (entry.grade, result.report.differences) == ("S1", ())
    assert "CAL-L508" in entry.codes
    text = "".join(f.text for f in result.files)
    assert "pg" not in text.partition("spec:")[2]
    assert "15432" in text


def test_pods_of_one_class_that_disagree_get_each_number_and_that_is_named() -> None:
    result = old(V1, with_ports("v1b", "10.244.2.1", 15432, role="db", v="1"))
    assert result.report.method.open_obligations == 0
    assert result.report.policies[0].grade == "A"
    assert result.report.differences


def test_a_name_of_one_number_stays_a_name_while_that_holds() -> None:
    result = old(V1)
    assert "port name pg" in result.report.policies[0].conditions
    assert "port: pg" in "".join(f.text for f in result.files)
