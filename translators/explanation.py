"""Judge flows given as plain data under either engine: the batch contract of ``c2c explain``.

The form of a flow and of an answer is stable (``cli.md`` §8): a bad flow gives an ``error``, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from translators.algebra.cidrs import Address, parse_address
from translators.flows import PROTOCOLS, Decision, Direction, Flow, FlowVerdict, Peer, PeerKind
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.settings import Options
from translators.source import Document
from translators.world import HostEndpoint, Node, Pod, World

__all__ = ["Explainer", "number_of", "protocol_of", "told"]

OUTSIDE = {4: "198.51.100.77", 6: "2001:db8::77"}
NODE = {4: "192.0.2.10", 6: "2001:db8:1::10"}
"""Addresses of documentation, which stand for an unnamed peer of that kind."""

_NUMBERS = {name.lower(): number for name, number in PROTOCOLS.items()}


class _Judge(Protocol):
    def judge(self, flow: Flow) -> FlowVerdict: ...


class Explainer:
    """Answers flows over one world and one set of policies."""

    def __init__(self, world: World, documents: Iterable[Document], engine: str, options: Options) -> None:
        """``engine`` is ``calico`` or ``cilium``; objects that only the other reads are ignored."""
        self._world = world
        self._judge: _Judge
        if engine == "calico":
            self._judge = CalicoPoint(CalicoPolicies.build(world, documents, options.calico_version))
        else:
            self._judge = CiliumPoint(CiliumPolicies.build(world, documents, options.cilium))
        self._pods = {(p.namespace, p.name): p for p in world.pods}
        self._by_address = {a: p for p in world.pods if not p.finished for a in p.addresses}
        self._nodes = {a: n for n in world.nodes.values() for a in n.addresses}
        for host in world.host_endpoints.values():
            node = world.nodes.get(host.node, Node(host.node, host.labels))
            self._nodes.update({a: node for a in host.addresses if a not in self._nodes})

    def answer(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the answer to one flow, or an ``error`` with what is wrong with it."""
        try:
            verdict = self.verdict(data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"id": data.get("id"), "error": {"message": str(error) or type(error).__name__}}
        return {
            "id": data.get("id"),
            "verdict": str(verdict.verdict),
            "egress": told(verdict.egress),
            "ingress": told(verdict.ingress),
        }

    def verdict(self, data: Mapping[str, Any]) -> FlowVerdict:
        """Give the verdict with its trace; raises ``ValueError`` or ``TypeError`` for a flow that is none."""
        flow = self._flow(data)
        found = self._judge.judge(flow)
        return FlowVerdict(
            egress=found.egress or self._of_node(flow, Direction.EGRESS),
            ingress=found.ingress or self._of_node(flow, Direction.INGRESS),
        )

    def _of_node(self, flow: Flow, direction: Direction) -> Decision | None:
        """Judge the end that is a node by what polices nodes: a host endpoint, or the host firewall."""
        own = flow.source if direction is Direction.EGRESS else flow.destination
        if own.node is None or own.pod is not None:
            return None
        stand_in = replace(own, kind=PeerKind.HOST_ENDPOINT, host_endpoint=self._host_at(own))
        if direction is Direction.EGRESS:
            return self._judge.judge(replace(flow, source=stand_in)).egress
        return self._judge.judge(replace(flow, destination=stand_in)).ingress

    def _host_at(self, peer: Peer) -> HostEndpoint | None:
        """Give the host endpoint of an address, else of its node; of several the lowest name counts."""
        hosts = [h for _, h in sorted(self._world.host_endpoints.items())]
        by_address = [h for h in hosts if peer.address in h.addresses]
        by_node = [h for h in hosts if peer.node is not None and h.node == peer.node.name != ""]
        return next(iter([*by_address, *by_node]), None)

    def _flow(self, data: Mapping[str, Any]) -> Flow:
        protocol = protocol_of(data.get("protocol"))
        family = number_of(data.get("family"), "family", 6) or self._family(data)
        if family not in OUTSIDE:
            message = f"family {family} is neither 4 nor 6"
            raise ValueError(message)
        source = self.peer(data.get("src"), family)
        destination = self.peer(data.get("dst"), family)
        return Flow(
            source=_seen_from(source, destination),
            destination=_seen_from(destination, source),
            protocol=protocol,
            port=number_of(data.get("port"), "port", 65535),
            source_port=number_of(data.get("src_port"), "src_port", 65535),
            icmp_type=number_of(data.get("icmp_type"), "icmp_type", 255),
            icmp_code=number_of(data.get("icmp_code"), "icmp_code", 255),
            family=family,
        )

    def _family(self, data: Mapping[str, Any]) -> int:
        for end in (data.get("src"), data.get("dst")):
            if isinstance(end, Mapping) and "ip" in end:
                return parse_address(str(end["ip"])).family
        return 6 if str(data.get("protocol")).lower() == "icmpv6" else 4

    def peer(self, end: object, family: int) -> Peer:
        """Give the peer that one end of a flow names, as if the other end were nowhere near; raises ``ValueError``."""
        if not isinstance(end, Mapping):
            message = "src and dst are maps with pod, ip, node or entity"
            raise ValueError(message)  # noqa: TRY004  # an odd value of the input, not a wrong call
        if "pod" in end:
            namespace, _, name = str(end["pod"]).partition("/")
            pod = self._pods.get((namespace, name))
            if pod is None:
                message = f"pod {end['pod']} is not in the cluster"
                raise ValueError(message)
            return self._of_pod(pod, _first(pod.addresses, family))
        if "ip" in end:
            return self._of_address(parse_address(str(end["ip"])))
        if "node" in end:
            node = self._world.nodes.get(str(end["node"]))
            if node is None:
                message = f"node {end['node']} is not in the cluster"
                raise ValueError(message)
            return Peer(PeerKind.REMOTE, _first(node.addresses, family), node=node)
        if "entity" in end:
            return self._of_entity(str(end["entity"]), family)
        message = f"{dict(end)} names no peer"
        raise ValueError(message)

    def _of_entity(self, name: str, family: int) -> Peer:
        """Give an entity: some address outside, some node (which ``host`` is settled by the other end), or neither."""
        match name:
            case "health" | "ingress" | "init" | "unmanaged":
                return Peer(PeerKind.ENTITY, entity=name)
            case "world":
                return Peer(PeerKind.WORLD, parse_address(OUTSIDE[family]))
            case "host" | "remote-node":
                return Peer(PeerKind.REMOTE, parse_address(NODE[family]), entity=name)
        message = f"entity {name!r} is unknown"
        raise ValueError(message)

    def _of_address(self, address: Address) -> Peer:
        pod = self._by_address.get(address)
        if pod is not None:
            return self._of_pod(pod, address)
        node = self._nodes.get(address)
        if node is not None or any(cidr.holds(address) for cidr in self._world.plan.nodes):
            return Peer(PeerKind.REMOTE, address, node=node)
        return Peer(PeerKind.WORLD, address)

    def _of_pod(self, pod: Pod, address: Address | None) -> Peer:
        if not pod.host_network:
            return Peer(PeerKind.POD, address, pod=pod)
        return Peer(PeerKind.REMOTE, address, node=self._world.nodes.get(pod.node))


def _seen_from(peer: Peer, other: Peer) -> Peer:
    """A node is the local host of the pods that run on it."""
    if peer.entity == "host":
        return Peer(PeerKind.HOST, peer.address)
    if peer.kind is not PeerKind.REMOTE or peer.node is None or other.pod is None:
        return peer
    if other.pod.node != peer.node.name:
        return peer
    return Peer(PeerKind.HOST, peer.address, node=peer.node)


def _first(addresses: Iterable[Address], family: int) -> Address | None:
    return next((a for a in addresses if a.family == family), None)


def number_of(value: object, name: str, most: int) -> int:
    """Give a number of a flow, 0 for one that is left out or null; raises ``ValueError``."""
    if value is None:
        return 0
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        message = f"{name} {value!r} is no number from 0 to {most}"
        raise ValueError(message)
    return number


def protocol_of(value: object) -> int:
    """Give the number of a protocol as a flow names it; raises ``ValueError``."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return value
    number = _NUMBERS.get(str(value).lower())
    if number is None:
        message = f"protocol {value!r} is unknown"
        raise ValueError(message)
    return number


def told(decision: Decision | None) -> dict[str, Any] | None:
    """Give what an answer says of one direction; None where that end is not policed."""
    if decision is None:
        return None
    place = str(decision.span) if decision.span else None
    return {"verdict": str(decision.verdict), "by": decision.by, "place": place}
