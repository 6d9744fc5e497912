"""Claims about Cilium's policy engine as data: each row one or more objects, and what becomes of flows under them.

The rows (``claims/*.yaml``) are statements about the engine at v1.20.2, section by section of its description, and
written from that and not from the evaluators. What a row may hold:

* ``spec`` (one object), ``specs`` (an object each) or ``objects`` (each with ``kind``, ``namespace``, ``name`` and
  ``spec`` or ``specs``); ``kind`` of the first two: cnp (the default), ccnp, np, kcnp. A CNP's or CCNP's subject
  is ``app=db`` where the row writes none, unless it is ``raw``. ``groups``, ``config``, ``apiServers`` are the
  CIDR groups, keys of ``cilium-config`` and addresses around it.
* ``flows``: ``SOURCE > DESTINATION PROTOCOL/PORT or type`` and the verdict at ``at``, else at ``a/db``;
  ``proxied``: those of them that must go through a proxy, where the row speaks of that.
* ``of``: which statements of the description the row decides: topics of ``statements.yaml``.
* ``refused``: the object is not enforced. ``agent`` and ``schema`` say ``takes`` or ``refuses`` where they differ,
  ``because`` is part of what the agent says then. With ``judged: agent`` the schema does not keep the object out.
* ``warns``: whether the parser warns; ``logged``: the text for the log that a flow's verdict carries.
* ``constants``: numbers and defaults of the version; such a row has no objects.
* ``each``: values of ``$NAMES`` in the row, which then stands for several claims.
* ``alone``: why the evaluators are not asked; then the engine is asked alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from translators import CiliumConfig
from translators.algebra.cidrs import parse_address, parse_cidr
from translators.flows import PROTOCOLS, Direction, Flow, Peer, PeerKind
from translators.source import Document, from_object
from translators.world import AddressPlan, EndpointSlice, NamedPort, Namespace, Node, Pod, Service, World

FOLDER = Path(__file__).parent / "claims"
API = "cilium.io/v2"
KINDS = {
    "cnp": (API, "CiliumNetworkPolicy"),
    "ccnp": (API, "CiliumClusterwideNetworkPolicy"),
    "np": ("networking.k8s.io/v1", "NetworkPolicy"),
    "kcnp": ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"),
}
NAMESPACED = frozenset({"cnp", "np"})
SUBJECT = "a/db"
NODES = {"n1": "10.0.0.11", "n2": "10.0.0.12"}
NODE_KINDS = {"n1": PeerKind.HOST, "n2": PeerKind.REMOTE}
MESH = "mesh:"
ENTITIES = frozenset({"health", "ingress", "init", "unmanaged"})
EXCLUDED = ("pod-template-hash", "io.kubernetes.x", "kubernetes.io/x", "statefulset.kubernetes.io/pod-name",
            "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
            "batch.kubernetes.io/controller-uid", "x.beta.kubernetes.io", "k8s.io/x", "pod-template-generation",
            "controller-revision-hash", "controller-uid", "annotation-x", "etcd_node",
            "topology.kubernetes.io/zone", "beta.kubernetes.io/arch", "k8s.io.x/y", "annotations")  # fmt: skip
PORTS = {
    "a/db": (NamedPort("http", "TCP", 8080), NamedPort("dns", "UDP", 53)),
    "b/db": (NamedPort("http", "TCP", 8080), NamedPort("dns", "UDP", 53)),
    "b/db2": (NamedPort("http", "TCP", 15432),),
}


def _pod(namespace: str, name: str, addresses: str, labels: Mapping[str, str]) -> Pod:
    return Pod(namespace, name, labels, node="n1", addresses=tuple(map(parse_address, addresses.split())), service_account=name,
               ports=PORTS.get(f"{namespace}/{name}", ()))  # fmt: skip


WORLD = World(
    namespaces={"a": Namespace("a", {"env": "prod"}), "b": Namespace("b", {"env": "dev"})},
    pods=(
        _pod("a", "web", "10.244.1.1", {"app": "web", "app.kubernetes.io/name": "web", "role": "x", **dict.fromkeys(EXCLUDED, "x1")}),
        _pod("a", "db", "10.244.1.2", {"app": "db"}),
        _pod("b", "web", "10.244.2.1", {"app": "web"}),
        _pod("b", "db", "10.244.2.2", {"app": "db"}),
        _pod("b", "db2", "10.244.2.3 fd00:10:244::3", {"app": "db"}),
    ),
    nodes={n: Node(n, {"role": n}, (parse_address(a),)) for n, a in NODES.items()},
    services={
        ("a", "db"): Service("a", "db", {"app": "db"}),
        ("b", "db"): Service("b", "db", {"app": "db"}),
        ("a", "bare"): Service("a", "bare"),
        ("a", "outside"): Service("a", "outside"),
        ("a", "inside"): Service("a", "inside"),
    },
    slices=(
        EndpointSlice("a", "outside", "outside", addresses=(parse_address("198.51.100.7"),)),
        EndpointSlice("a", "inside", "inside", addresses=(parse_address("10.244.2.1"),)),
    ),
    plan=AddressPlan(
        pods=(parse_cidr("10.244.0.0/16"), parse_cidr("fd00:10:244::/48")),
        nodes=(parse_cidr("10.0.0.0/24"),),
        api_servers=(parse_cidr("203.0.113.9/32"),),
        stated=True,
    ),
    is_cluster=True,
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One row, its ``$NAMES`` filled in."""

    name: str
    row: Mapping[str, Any]

    @property
    def flows(self) -> Mapping[str, str]:
        """Give the flows, each with the verdict that the engine must give."""
        found: Mapping[str, str] = self.row.get("flows", {})
        return found

    @property
    def topics(self) -> tuple[str, ...]:
        """Give what the row decides, each topic with its section before the point."""
        found = self.row.get("of", ())
        return (found,) if isinstance(found, str) else tuple(found)

    @property
    def alone(self) -> str:
        """Give why the evaluators are not asked; empty where they are."""
        return str(self.row.get("alone", ""))

    @property
    def world(self) -> World:
        """Give the world of the row."""
        if "apiServers" not in self.row:
            return WORLD
        servers = tuple(parse_cidr(f"{a}/32") for a in self.row["apiServers"])
        return replace(WORLD, plan=replace(WORLD.plan, api_servers=servers))

    @property
    def config(self) -> CiliumConfig:
        """Give the agent's configuration, both families on unless the row says otherwise."""
        return CiliumConfig.from_map({k: str(v) for k, v in self.row.get("config", {}).items()}, ipv6=True)

    @property
    def documents(self) -> list[Document]:
        """Give the objects, CIDR groups last."""
        found = [from_object(self._object(item, i)) for i, item in enumerate(self._listed())]
        for name, group in self.row.get("groups", {}).items():
            metadata = {"name": name, "labels": group.get("labels", {})}
            spec = {"externalCIDRs": group["cidrs"]}
            body = {"apiVersion": API, "kind": "CiliumCIDRGroup", "metadata": metadata, "spec": spec}
            found.append(from_object(body))
        return found

    def _listed(self) -> list[Mapping[str, Any]]:
        if "constants" in self.row:
            return []
        if "objects" in self.row:
            return list(self.row["objects"])
        specs = self.row["specs"] if "specs" in self.row else [self.row["spec"]]
        return [{"spec": spec} for spec in specs]

    def _object(self, item: Mapping[str, Any], index: int) -> dict[str, Any]:
        short = item.get("kind", self.row.get("kind", "cnp"))
        version, kind = KINDS[short]
        metadata = {"name": item.get("name", f"p{index}")}
        if short in NAMESPACED:
            metadata["namespace"] = item.get("namespace", "a")
        body: dict[str, Any] = {"apiVersion": version, "kind": kind, "metadata": metadata}
        add = short in {"cnp", "ccnp"} and not self.row.get("raw")
        if "spec" in item:
            body["spec"] = _with_subject(item["spec"]) if add else item["spec"]
        if "specs" in item:
            body["specs"] = [_with_subject(spec) if add else spec for spec in item["specs"]]
        return body

    def ingress_at(self, text: str) -> bool:
        """Say whether a flow is judged where it comes in."""
        return text.split()[2] == self.row.get("at", SUBJECT)

    def flow(self, text: str) -> Flow:
        """Read ``SOURCE > DESTINATION PROTOCOL[/PORT or type]``."""
        source, _, destination, traffic = text.split()
        protocol, _, number = traffic.partition("/")
        ends = self._end(source), self._end(destination)
        named = PROTOCOLS.get(protocol)
        value = int(number or 0)
        is_icmp = named in {1, 58}
        return Flow(
            *ends,
            named if named is not None else int(protocol),
            port=0 if is_icmp else value,
            icmp_type=value if is_icmp else 0,
            family=6 if any(p.address and p.address.family == 6 for p in ends) else 4,
        )

    def _end(self, text: str) -> Peer:
        """Give a peer; the node that a row is about is an end whose own policies are asked."""
        found = peer(text)
        if text == self.row.get("at") and found.node is not None:
            return replace(found, kind=PeerKind.HOST_ENDPOINT)
        return found

    def direction(self, text: str) -> Direction:
        """Give the direction in which a flow is judged."""
        return Direction.INGRESS if self.ingress_at(text) else Direction.EGRESS


def _with_subject(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **({} if "nodeSelector" in spec else {"endpointSelector": {"matchLabels": {"app": "db"}}}),
        **spec,
    }


def peer(text: str) -> Peer:
    """Give an end by its word: a pod, its twin in another cluster, a node, an entity or an address outside."""
    if text.startswith(MESH):
        return Peer(PeerKind.ENTITY, entity=text)
    if text in ENTITIES:
        return Peer(PeerKind.ENTITY, entity=text)
    if text in NODES:
        return Peer(NODE_KINDS[text], parse_address(NODES[text]), node=WORLD.nodes[text])
    for found in WORLD.pods:
        if text == f"{found.namespace}/{found.name}":
            return Peer(PeerKind.POD, found.addresses[0], pod=found)
    return Peer(PeerKind.WORLD, parse_address(text))


COUNTED = re.compile(r"\$(ports|types)\((?:(\d+)-)?(\d+)\)")
LISTS: Mapping[str, Callable[[range], list[dict[str, Any]]]] = {
    "ports": lambda numbers: [{"port": str(n), "protocol": "TCP"} for n in numbers],
    "types": lambda numbers: [{"type": n, "family": "IPv4"} for n in numbers],
}


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Put values for ``$NAMES``: a string that is only a name becomes the value as it is.

    ``$ports(N)`` and ``$types(N)`` become TCP ports and ICMP types from 1 to N, ``$types(M-N)`` those from M.
    """
    if isinstance(value, dict):
        return {_filled(k, names): _filled(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    if counted := COUNTED.fullmatch(value):
        return LISTS[counted[1]](range(int(counted[2] or 1), int(counted[3]) + 1))
    if value.removeprefix("$") in names:
        return names[value.removeprefix("$")]
    for name in sorted(names, key=len, reverse=True):
        value = value.replace(f"${name}", str(names[name]))
    return value


def load() -> Iterator[Claim]:
    """Give every claim of every file, rows with ``each`` written out."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for row in yaml.safe_load(path.read_text(encoding="utf-8")):
            each = row.pop("each", [{}])
            for number, names in enumerate(each, 1):
                filled = _filled(row, names)
                told_apart = len(each) == 1 or filled["claim"] != row["claim"]
                place = "" if told_apart else f" ({number})"
                yield Claim(f"{path.stem}: {filled['claim']}{place}", filled)


CLAIMS = tuple(load())
