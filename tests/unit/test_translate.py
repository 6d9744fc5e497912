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
from translators.flows import PROTOCOLS, Flow, Peer, PeerKind
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
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
