"""Policies of nodes: failsafes first, profiles last, everything that differs on a node named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from translators import CiliumConfig, Options, Translation, translate
from translators.algebra.cidrs import parse_cidr
from translators.world import AddressPlan

FIREWALL = CiliumConfig(host_firewall=True, node_selector_labels=True)
PLAN = AddressPlan((parse_cidr("10.244.0.0/16"),), (parse_cidr("10.0.0.0/24"),), stated=True)
AUTOMATIC = {"projectcalico.org/created-by": "calico-kube-controllers"}
ALLOWS = ["projectcalico-default-allow"]


def node(number: int, role: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": f"n{number}", "role": role}
    addresses = [{"type": "InternalIP", "address": f"10.0.0.{number}"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"n{number}", "labels": labels},
        "status": {"addresses": addresses},
    }


def host(number: int, labels: dict[str, str], **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "HostEndpoint",
        "metadata": {"name": f"n{number}-hep", "labels": labels},
        "spec": {"node": f"n{number}", "interfaceName": "*", "expectedIPs": [f"10.0.0.{number}"], **spec},
    }


def policy(*ingress: dict[str, Any], selector: str = "role == 'edge'") -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "edge"},
        "spec": {"selector": selector, "types": ["Ingress"], "ingress": list(ingress)},
    }


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "a", "labels": {"app": "web"}},
    "spec": {"nodeName": "n1", "containers": []},
    "status": {"phase": "Running", "podIPs": [{"ip": "10.244.0.5"}], "podIP": "10.244.0.5"},
}
CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
    POD,
    node(1, "edge"),
    node(2, "inner"),
]
HTTPS = {"action": "Allow", "protocol": "TCP", "destination": {"ports": [443]}}


def run(hosts: list[dict[str, Any]], *policies: dict[str, Any], **options: Any) -> Translation:
    chosen = Options(**{"cilium": FIREWALL, **options})
    return translate(policies, cluster=[*CLUSTER, *hosts], options=chosen, plan=PLAN)


def specs(done: Translation) -> dict[str, dict[str, Any]]:
    """Give the host policies that were written, by name."""
    documents = [d for f in done.files for d in yaml.safe_load_all(f.text) if d]
    return {d["metadata"]["name"]: d["spec"] for d in documents if "nodeSelector" in d.get("spec", {})}


def automatic(number: int, role: str) -> dict[str, Any]:
    return host(number, {"role": role, **AUTOMATIC}, profiles=ALLOWS)


def test_a_policy_of_automatic_host_endpoints_selects_nodes_by_label() -> None:
    written = specs(run([automatic(1, "edge"), automatic(2, "inner")], policy(HTTPS)))
    assert written["edge-hosts"]["nodeSelector"] == {"matchLabels": {"role": "edge"}}
    assert set(written) == {"edge-hosts", "failsafes-hosts", "c2c-host-infrastructure"}


def test_a_tunnel_on_a_port_of_its_own_is_opened_between_nodes() -> None:
    cilium = replace(FIREWALL, tunnel_port=8473)
    done = run([automatic(1, "edge")], policy(HTTPS), cilium=cilium)
    ports = specs(done)["c2c-host-infrastructure"]["ingress"][0]["toPorts"][0]["ports"]
    assert {"port": "8473", "protocol": "UDP"} in ports
    assert CiliumConfig.from_map({"tunnel-port": "8473"}).tunnel_port == 8473


def test_failsafe_ports_are_allowed_before_a_deny() -> None:
    done = run([automatic(1, "edge")], policy({"action": "Deny"}))
    ports = specs(done)["failsafes-hosts"]["ingress"][0]["toPorts"][0]["ports"]
    assert {"port": "22", "protocol": "TCP"} in ports
    assert not any("ingressDeny" in spec for spec in specs(done).values())
    assert not [d for d in done.report.differences if "TCP 22" in d.packets]


def test_what_nodes_need_of_each_other_is_opened_and_named() -> None:
    done = run([automatic(1, "edge")], policy(HTTPS))
    opened = {d.src: d.packets for d in done.report.differences if d.effect == "opens"}
    assert opened["health"] == "TCP 4240, 4244; UDP 6081, 8472; ICMP 8; ICMPv6 128"
    (entry,) = done.report.policies
    assert (entry.grade, entry.direction) == ("A", "both")


def test_a_nodes_own_pods_are_cut_off_and_named() -> None:
    done = run([automatic(1, "edge")], policy(HTTPS))
    (closed,) = [d for d in done.report.differences if d.effect == "closes"]
    assert (closed.src, closed.dst) == ("any pod on the same node", "node n1")
    assert closed.calico[0:2] == ("allow", "defaultEndpointToHostAction")


def test_the_looser_side_lets_every_pod_reach_the_nodes() -> None:
    done = run([automatic(1, "edge")], policy(HTTPS), approximate={"CAL-H601": "looser"})
    assert not [d for d in done.report.differences if d.effect == "closes"]
    assert not done.report.method.open_obligations


def test_other_host_endpoints_are_named_by_their_node() -> None:
    done = run([host(1, {"role": "edge"}, profiles=ALLOWS)], policy(HTTPS))
    selector = specs(done)["edge-hosts"]["nodeSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/hostname": "n1"}}


def test_a_host_endpoint_without_a_profile_is_denied_what_is_passed() -> None:
    passed = {"action": "Pass", "protocol": "TCP", "destination": {"ports": [8080]}}
    allowed = specs(run([host(1, {"role": "edge"}, profiles=ALLOWS)], policy(passed)))
    shut = specs(run([host(1, {"role": "edge"})], policy(passed)))
    assert allowed["edge-hosts"]["ingress"][0]["toPorts"][0]["ports"] == [{"port": "8080", "protocol": "TCP"}]
    assert shut["edge-hosts"]["ingress"] == [{}]


def test_a_single_interface_is_not_translated() -> None:
    done = run([host(1, {"role": "edge"}, interfaceName="eth0", profiles=ALLOWS)], policy(HTTPS))
    assert not specs(done)
    assert (done.report.policies[0].grade, "CAL-H602" in done.report.policies[0].codes) == ("X", True)


def test_without_the_host_firewall_the_host_half_is_lost_and_said_so() -> None:
    done = run([automatic(1, "edge")], policy(HTTPS), cilium=CiliumConfig())
    assert not specs(done)
    (entry,) = done.report.policies
    assert (entry.grade, entry.direction, entry.disposition) == ("X", "looser", "translated")
    (finding,) = [f for f in done.report.findings if f.code == "CAL-H601"]
    assert "hostFirewall.enabled" in finding.text


@pytest.mark.parametrize(
    ("interface", "grade", "disposition"),
    [pytest.param("*", "S1", "translated", id="nobody to apply to"), pytest.param("eth0", "X", "refused", id="an interface")],
)  # fmt: skip
def test_an_untracked_policy_reaches_host_endpoints_of_single_interfaces_alone(
    interface: str, grade: str, disposition: str
) -> None:
    untracked = policy(
        {"action": "Allow", "protocol": "TCP", "destination": {"ports": [80]}}, selector="all()"
    )
    untracked["spec"] |= {"doNotTrack": True, "applyOnForward": True}
    hosts = [host(1, AUTOMATIC | {"role": "edge"}, interfaceName=interface)]
    result = translate([untracked], cluster=[*CLUSTER, *hosts], options=Options(cilium=FIREWALL), plan=PLAN)
    [line] = result.report.policies
    assert (line.grade, line.disposition, "CAL-H605" in line.codes) == (grade, disposition, True)
    assert [c.object for c in result.report.conditions] == (["host endpoints"] if grade == "S1" else [])
    assert not line.outputs
