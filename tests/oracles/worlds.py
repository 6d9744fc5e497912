"""The verdict vectors of Calico's own data plane: worlds, and flows in this project's words.

They lie beside the checkout (``../shared/vectors/calico``, README there) and are never copied into it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.capabilities import shared
from translators import CiliumConfig, Options, Translation
from translators.algebra.cidrs import Address, Cidr, parse_address, parse_cidr
from translators.flows import PROTOCOLS, Flow, Peer, PeerKind
from translators.source import Document, from_object, read
from translators.world import AddressPlan, Node, World
from translators.worldbuilder import build_world

PARTS = ("edges", "worlds-0", "worlds-1", "worlds-2", "worlds-3")
"""All worlds in parts that one test each can judge in time, the edge worlds apart."""
NODES = {f"n{i}": parse_address(f"10.0.0.{10 + i}") for i in (1, 2, 3)}


@dataclass(frozen=True)
class Expected:
    """One flow and what Calico's data plane did with it; ``by`` is empty where nothing was recorded."""

    flow: Flow
    egress: str | None
    ingress: str | None
    egress_by: str
    ingress_by: str
    text: str


@dataclass(frozen=True)
class VectorWorld:
    """One world of the vectors, its objects as documents."""

    id: str
    documents: tuple[Document, ...]
    world: World
    flows: tuple[Expected, ...]


def options(policies: Iterable[Document], config: CiliumConfig) -> Options:
    """Give options that accept what a missing match mode approximates, and the readings of Calico's data plane.

    The vectors' objects went through the API server (CAL-P110), and a service without a namespace matched nothing.
    """
    labels = (f"{d.namespace}/{d.name}" if d.namespace else d.name for d in policies)
    names = [label.removeprefix("default.") for label in labels]
    codes = ("CAL-V806", "CAL-P110", "CAL-N415")
    return Options(cilium=config, accepted=frozenset((code, name) for name in names for code in codes))


def emitted(result: Translation, policies: Iterable[Document]) -> list[Document]:
    """Give what the cluster holds afterwards: the files, and Kubernetes policies that stay."""
    stay = {(p.kind, p.namespace, p.name) for p in result.report.policies if p.disposition == "kept"}
    kept = [d for d in policies if (d.kind, d.namespace, d.name) in stay and d.group == "networking.k8s.io"]
    return [*(d for f in result.files for d in read(f.path, f.text.encode()).documents), *kept]


def plan(*, edges: bool) -> AddressPlan:
    """Give the address plan of the README."""
    six = "fd00::/64" if edges else "fd00:10:244::/48"
    nodes = tuple(Cidr(a.family, a.value, 32) for a in NODES.values())
    pods = (parse_cidr("10.244.0.0/16"), parse_cidr(six))
    return AddressPlan(pods=pods, nodes=nodes, stated=True)


def lines() -> Iterator[tuple[dict[str, Any], bool]]:
    """Give every world as stored, and whether it is one of the edge worlds."""
    vectors = shared("vectors", "calico")
    with gzip.open(vectors / "worlds.jsonl.gz", "rt") as stream:
        for line in stream:
            yield json.loads(line), False
    with (vectors / "edges.jsonl").open() as stream:
        for line in stream:
            yield json.loads(line), True


def part(name: str) -> Iterator[VectorWorld]:
    """Give the worlds of one of ``PARTS``."""
    quarters = len(PARTS) - 1
    for number, (data, edges) in enumerate(lines()):
        if name == ("edges" if edges else f"worlds-{number % quarters}"):
            yield load(data, edges=edges)


def load(data: Mapping[str, Any], *, edges: bool) -> VectorWorld:
    """Give one world; the two stored without defaults are read as objects of the datastore."""
    group = "crd.projectcalico.org/v1" if data.get("stored_without_defaults") else None
    documents = tuple(from_object(_stored(item, group), data["id"]) for item in data["objects"])
    world, found = build_world(documents, plan=plan(edges=edges), is_cluster=True)
    assert not found, (data["id"], found)
    flows = tuple(_expected(item, world) for item in data["flows"])
    return VectorWorld(data["id"], documents, world, flows)


def _stored(item: Mapping[str, Any], group: str | None) -> Mapping[str, Any]:
    policies = {"NetworkPolicy", "GlobalNetworkPolicy"}
    if group and item["kind"] in policies and item["apiVersion"].startswith("projectcalico"):
        return {**item, "apiVersion": group}
    return item


def _expected(item: Mapping[str, Any], world: World) -> Expected:
    protocol = item["proto"]
    source = parse_address(item["src_ip"])
    flow = Flow(
        source=_peer(item["src"], source, world),
        destination=_peer(item["dst"], parse_address(item["dst_ip"]), world),
        protocol=PROTOCOLS[protocol] if protocol in PROTOCOLS else int(protocol),
        port=item.get("dport") or 0,
        source_port=item.get("sport") or 0,
        icmp_type=item.get("icmp_type") or 0,
        icmp_code=item.get("icmp_code") or 0,
        family=item.get("family") or source.family,
    )
    return Expected(flow, item["egress"], item["ingress"], item.get("egress_by") or "",
                    item.get("ingress_by") or "", json.dumps(item))  # fmt: skip


def _peer(name: str, address: Address, world: World) -> Peer:
    if name.startswith("hep:"):
        host = world.host_endpoints[name.removeprefix("hep:")]
        return Peer(PeerKind.HOST_ENDPOINT, address, host_endpoint=host)
    namespace, _, pod_name = name.partition("/")
    for pod in world.pods:
        if (pod.namespace, pod.name) == (namespace, pod_name) and not pod.host_network:
            return Peer(PeerKind.POD, address, pod=pod)
    for pod in world.pods:
        if address in pod.addresses and not (pod.host_network or pod.finished):
            return Peer(PeerKind.POD, address, pod=pod)
    for node_name, node_address in NODES.items():
        if node_address == address:
            return Peer(PeerKind.REMOTE, address, node=Node(node_name))
    return Peer(PeerKind.WORLD, address)
