"""The cases of the specification, by number: Calico's verdicts, and the same after translation.

Each case stands in tests/fixtures/cases as YAML: policies, flows with Calico's verdict, expected codes. Form 1
asks the Calico evaluator; form 2 translates, reads the output back, and asks the Cilium evaluator: it must agree
wherever the report names no difference, and differ only where it does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.oracles.worlds import emitted
from translators import CiliumConfig, Options, Translation, translate
from translators.algebra.cidrs import parse_address, parse_cidr
from translators.diagnostics import CODES
from translators.flows import PROTOCOLS, Flow, Peer, PeerKind
from translators.frontends import is_policy
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.semantics.cilium.validate import faults
from translators.source import Document, from_object, read
from translators.world import AddressPlan, Node, Pod, World
from translators.worldbuilder import build_world

CASES = Path(__file__).resolve().parents[1] / "fixtures" / "cases"
NODES = {"N1": parse_address("10.0.0.11"), "N2": parse_address("10.0.0.12")}
OUTSIDE = {"ext": "203.0.113.9", "dns": "8.8.8.8"}
CONFIG = CiliumConfig(
    enable_sctp=True, enable_extended_ip_protocols=True, host_firewall=True, node_selector_labels=True
)


def load(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data


def documents(data: dict[str, Any], path: Path) -> list[Document]:
    fixture = yaml.safe_load((CASES / "_fixture.yaml").read_text(encoding="utf-8"))
    objects = [*fixture["objects"], *data.get("objects", [])]
    text = "---\n".join(yaml.safe_dump(item) for item in [*objects, *data["policies"]])
    return read(path.name, text.encode()).documents


def plan(six: bool) -> AddressPlan:
    pods = [parse_cidr("10.244.0.0/16"), *([parse_cidr("fd00::/64")] if six else [])]
    return AddressPlan(tuple(pods), tuple(parse_cidr(f"{a}/32") for a in NODES.values()), stated=True)


def peer(name: str, world: World, other: Pod | None = None) -> Peer:
    """Read a pod, a node, ``hep:NODE`` (its host endpoint), a name for an address outside, or an address."""
    if name.startswith("hep:"):
        host = next(h for h in world.host_endpoints.values() if h.node == name.removeprefix("hep:"))
        node = Node(host.node, {**host.labels, "kubernetes.io/hostname": host.node})
        return Peer(PeerKind.HOST_ENDPOINT, host.addresses[0], node=node, host_endpoint=host)
    if name in NODES:
        kind = PeerKind.HOST if other is not None and other.node == name else PeerKind.REMOTE
        return Peer(kind, NODES[name], node=Node(name))
    for pod in world.pods:
        if pod.name == name:
            return Peer(PeerKind.POD, pod.addresses[0], pod=pod)
    return Peer(PeerKind.WORLD, parse_address(OUTSIDE.get(name, name)))


def flow(data: list[Any], world: World) -> tuple[Flow, str]:
    """Read ``[from, to, traffic, verdict]``; traffic is TCP/80, UDP/53, ICMP/8/0 or a protocol number."""
    source_name, target_name, traffic, verdict = data
    target = peer(target_name, world)
    source = peer(source_name, world, target.pod)
    target = peer(target_name, world, source.pod)
    name, *numbers = str(traffic).split("/")
    protocol = PROTOCOLS.get(name) or int(name)
    values = [int(n) for n in numbers] + [0, 0]
    icmp = protocol in {1, 58}
    address = source.address or target.address
    return (
        Flow(source, target, protocol, port=0 if icmp else values[0], source_port=0 if icmp else (values[1] or 40000),
             icmp_type=values[0] if icmp else 0, icmp_code=values[1] if icmp else 0,
             family=6 if target.address and target.address.family == 6 else address.family if address else 4),
        verdict,
    )  # fmt: skip


def names() -> list[Path]:
    return sorted(p for p in CASES.glob("C*.yaml"))


@pytest.mark.parametrize("path", [p for p in names() if load(p)["flows"]], ids=lambda p: p.stem)
def test_calico_gives_the_verdicts_of_the_case(path: Path) -> None:
    data = load(path)
    listed = documents(data, path)
    world, _ = build_world(listed, plan=plan(data.get("ipv6", False)), is_cluster=True)
    evaluator = CalicoPoint(CalicoPolicies.build(world, listed, tuple(data.get("calico", [3, 34]))))
    for row in data["flows"]:
        asked, verdict = flow(row, world)
        assert evaluator.judge(asked).verdict.value == verdict, row


@pytest.mark.parametrize("path", [p for p in names() if "cilium_flows" in load(p)], ids=lambda p: p.stem)
def test_cilium_gives_the_verdicts_of_the_trap(path: Path) -> None:
    data = load(path)
    world, _ = build_world(documents(data, path), plan=plan(data.get("ipv6", False)), is_cluster=True)
    config = CiliumConfig.from_map(data.get("config", {}))
    written = [from_object(item) for item in data["cilium"]]
    evaluator = CiliumPoint(CiliumPolicies.build(world, written, config))
    for row in data["cilium_flows"]:
        asked, verdict = flow(row, world)
        assert evaluator.judge(asked).verdict.value == verdict, row


@pytest.mark.parametrize("path", [p for p in names() if "reading" in load(p)], ids=lambda p: p.stem)
def test_what_lies_outside_the_flow_space_has_its_reading_in_a_code(path: Path) -> None:
    reading = load(path)["reading"]
    assert reading["says"] in CODES[reading["code"]].text


@pytest.mark.parametrize("path", [p for p in names() if "never_written" in load(p)], ids=lambda p: p.stem)
def test_the_own_check_refuses_what_schema_or_agent_let_through(path: Path) -> None:
    for row in load(path)["never_written"]:
        ports = [{"port": str(n), "protocol": "TCP"} for n in range(1, row.get("deny_ports", 0) + 1)]
        spec = row.get("spec") or {"ingressDeny": [{"toPorts": [{"ports": ports}]}]}
        item = {"kind": "CiliumNetworkPolicy", "spec": {"endpointSelector": {}, **spec}}
        assert faults(item, CONFIG), row["what"]


@pytest.mark.parametrize("path", [p for p in names() if "target_refuses" in load(p)], ids=lambda p: p.stem)
def test_a_target_that_cannot_enforce_it_is_asked_to_change(path: Path) -> None:
    data = load(path)
    listed = documents(data, path)
    policies = [d for d in listed if is_policy(d)]
    target = CiliumConfig.from_map(data["target_refuses"]["config"])
    around = [d for d in listed if not is_policy(d)]
    report = translate(policies, cluster=around, options=Options(cilium=target), plan=plan(six=False)).report
    refused = {c for entry in report.policies if entry.disposition == "refused" for c in entry.codes}
    assert set(data["target_refuses"]["codes"]) <= refused


TRANSLATED = [p for p in names() if load(p)["policies"] and not load(p).get("refused")]


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda p: p.stem)
def test_the_translation_agrees_or_names_the_difference(path: Path) -> None:
    data = load(path)
    listed = documents(data, path)
    policies = [d for d in listed if d.kind.endswith("Policy") or d.kind == "Tier"]
    around = [d for d in listed if d not in policies]
    options = Options(cilium=CONFIG, calico_version=tuple(data.get("calico", [3, 34])))
    result = translate(policies, cluster=around, options=options, plan=plan(data.get("ipv6", False)))
    assert not result.report.method.open_obligations
    assert set(data.get("codes", [])) <= {f.code for f in result.report.findings}
    assert bool(data.get("differs")) == bool(result.report.differences)
    check_flows(data, listed, result)


def check_flows(data: dict[str, Any], listed: list[Document], result: Translation) -> None:
    world, _ = build_world(listed, plan=plan(data.get("ipv6", False)), is_cluster=True)
    policies = CiliumPolicies.build(world, emitted(result, listed), CONFIG)
    assert not policies.refused
    evaluator = CiliumPoint(policies)
    differing = {tuple(map(str, row)) for row in data.get("differs", [])}
    for row in data["flows"]:
        if data.get("calico_only"):
            continue
        asked, verdict = flow(row, world)
        changed = tuple(map(str, row[:3])) in differing
        assert (evaluator.judge(asked).verdict.value == verdict) is not changed, row


@pytest.mark.parametrize("path", [p for p in names() if load(p).get("refused")], ids=lambda p: p.stem)
def test_what_calico_refuses_or_nobody_can_know_is_refused_with_its_code(path: Path) -> None:
    data = load(path)
    listed = documents(data, path)
    result = translate([d for d in listed if d.kind.endswith("Policy")], options=Options(cilium=CONFIG))
    codes = {
        code for entry in result.report.policies if entry.disposition == "refused" for code in entry.codes
    }
    assert set(data["refused"]) <= codes


def many_pods(count: int) -> list[dict[str, Any]]:
    """Give pods of as many identities."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{n}", "namespace": "a", "labels": {"app": "db" if not n else f"app-{n}"}},
            "spec": {"containers": []},
            "status": {"phase": "Running", "podIPs": [{"ip": f"10.244.{n // 200 + 1}.{n % 200 + 1}"}]},
        }
        for n in range(count)
    ]


@pytest.mark.parametrize(("version", "codes"), [((1, 20), {"CAL-L503"}), ((1, 19), {"CAL-V802"})])
def test_c77_all_icmp_of_many_pods_takes_the_short_form_or_is_refused(
    version: tuple[int, int], codes: set[str]
) -> None:
    """27,142 entries of 256 listed types for 106 identities do not fit; the short form holds for one release."""
    rule = {"action": "Allow", "protocol": "ICMP", "source": {"namespaceSelector": "all()"}}
    policy = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"selector": "app == 'db'", "types": ["Ingress"], "ingress": [rule]},
    }
    around = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}, *many_pods(106)]
    options = Options(cilium=CONFIG, cilium_version=version)
    report = translate([policy], cluster=around, options=options, plan=plan(six=False)).report
    assert codes <= set(report.policies[0].codes)
    if version == (1, 20):
        assert report.method.sizes["map_entries"] < 300
        assert "Cilium 1.20" in report.policies[0].conditions
