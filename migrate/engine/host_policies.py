"""Which host endpoints would drop what Cilium's nodes say to each other, and the policy that lets it through (F-40).

Each flow is judged by the evaluator that also proves translations, so tiers, orders, profiles and failsafes mean what
they mean to Felix. Host endpoints that the same policies select are judged by one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.addresses import Address, address
from migrate.model.cilium_ports import ICMP, Port, node_ports
from migrate.model.fields import items, number, text
from migrate.model.nodes import Node
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import Variant
from translators.algebra.cidrs import parse_address
from translators.errors import TranslatorError
from translators.flows import PROTOCOLS, Decision, Direction, Flow, Peer, PeerKind, Verdict
from translators.semantics.calico.labels import host_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator
from translators.source import Document, from_object
from translators.world import HostEndpoint
from translators.worldbuilder import build_world

__all__ = ["Drop", "HostTraffic", "calico_policies", "host_traffic"]

KINDS = ("hostendpoints", "globalnetworksets", "networksets", "profiles", "tiers", "globalnetworkpolicies")
ECHO = {4: ("ICMP", 8), 6: ("ICMPv6", 128)}
FAILSAFES = {Direction.INGRESS: "failsafeInboundHostPorts", Direction.EGRESS: "failsafeOutboundHostPorts"}


@dataclass(frozen=True, slots=True)
class Drop:
    """What one host endpoint would drop in one direction, and what decides it (``Tier:default#end``, …)."""

    endpoint: str
    node: str
    direction: Direction
    ports: tuple[Port, ...]
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostTraffic:
    """Every drop, and what could not be judged: endpoints by name with the reason, or the whole set under an empty name."""

    drops: tuple[Drop, ...] = ()
    unjudged: Mapping[str, str] = field(default_factory=dict)


def host_traffic(
    snapshot: Snapshot, settings: Settings, variant: Variant, more: Iterable[Mapping[str, Any]] = ()
) -> HostTraffic:
    """Judge what every node sends to every other on Cilium's ports, in both families, at each host endpoint.

    ``more``: policies beside the cluster's, as if they were there.
    """
    if not snapshot.calico("hostendpoints"):
        return HostTraffic()
    try:
        policies = calico_policies(snapshot, variant, more)
    except (TranslatorError, ValueError, TypeError, KeyError, AttributeError) as error:
        return HostTraffic((), {"": f"a host policy cannot be read: {error}"})
    return _Judge(snapshot, settings, policies).traffic()


def calico_policies(
    snapshot: Snapshot, variant: Variant, more: Iterable[Mapping[str, Any]] = ()
) -> CalicoPolicies:
    """Give the policies that can speak of hosts, with the world they speak of; ``more``: objects beside the cluster's.

    Raises what the translator's readers raise for objects that Calico itself could not read.
    """
    documents = [from_object(item.data, item.path) for kind in KINDS for item in snapshot.calico(kind)]
    documents += [from_object(item) for item in more]
    around = [from_object(item.data, item.path) for item in snapshot.of("namespaces")]
    around += [_node_document(node) for node in snapshot.nodes]
    world, _ = build_world([*around, *documents])
    return CalicoPolicies.build(world, documents, variant.minor if variant.minor > (0, 0) else (3, 31))


def _node_document(node: Node) -> Document:
    addresses = [{"type": kind, "address": a} for kind, found in node.addresses.items() for a in found]
    metadata = {"name": node.name, "labels": dict(node.labels), "annotations": dict(node.annotations)}
    return from_object(
        {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"addresses": addresses}}
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One flow between two nodes, without its ends."""

    port: Port
    family: int
    protocol: int
    number: int


class _Judge:
    """Asks the evaluator; the world's addresses are indexed once."""

    def __init__(self, snapshot: Snapshot, settings: Settings, policies: CalicoPolicies) -> None:
        self._snapshot = snapshot
        self._ports = node_ports(settings)
        self._policies = policies
        self._evaluator = PointEvaluator(policies)
        self._addresses = {n.name: _by_family(n) for n in snapshot.nodes}
        every = sorted(policies.world.host_endpoints.values(), key=lambda h: h.name)
        self._hosts = [h for h in every if self._stands_in_the_way(h)]
        self._by_node = {h.node: h for h in reversed(self._hosts)}

    def traffic(self) -> HostTraffic:
        """Give the answer for every host endpoint that stands between nodes.

        Of those with the same policies two are judged: the second one has the first as a peer.
        """
        unjudged = {h.name: why for h in self._hosts if (why := self._untracked(h))}
        alike: dict[tuple[object, ...], list[HostEndpoint]] = {}
        for host in self._hosts:
            alike.setdefault(self._kind(host), []).append(host)
        drops = []
        for hosts in alike.values():
            for direction in Direction:
                ports, by = self._dropped(hosts[:2], direction)
                if ports:
                    drops += [Drop(f"HostEndpoint/{h.name}", h.node, direction, ports, by) for h in hosts]
        return HostTraffic(tuple(sorted(drops, key=lambda d: (d.endpoint, d.direction))), unjudged)

    def _stands_in_the_way(self, host: HostEndpoint) -> bool:
        """Say whether traffic between nodes passes it: it is of all interfaces, or of the one with the node's address.

        Without facts of the node an interface by name counts, as it may be the one.
        """
        own = self._addresses.get(host.node)
        if own is None:
            return False
        if host.interface in {"", "*"}:
            addresses = {str(a) for a in own.values()}
            return not host.addresses or any(str(a) in addresses for a in host.addresses)
        facts = self._snapshot.facts.get(host.node)
        listed = items(facts.data, "addresses") if facts is not None else ()
        if not listed:
            return True
        held = {
            text(a, "local")
            for entry in listed
            if text(entry, "ifname") == host.interface
            for a in items(entry, "addr_info")
        }
        return any(str(a) in held for a in own.values())

    def _untracked(self, host: HostEndpoint) -> str:
        labels = host_labels(host, self._policies.world)
        special = [
            p.label
            for t in self._policies.tiers
            for p in t.policies
            if p.special and selects(p.subject, labels)
        ]
        return f"untracked or preDNAT policies apply: {', '.join(special)}" if special else ""

    def _kind(self, host: HostEndpoint) -> tuple[object, ...]:
        """Give what two host endpoints have in common whose answers are the same."""
        chosen = self._policies.selecting(host)
        own = any(
            _names_own_side(p.rules) for t in self._policies.tiers for p in t.policies if p.label in chosen
        )
        return (chosen, host.profiles, host.name if own else "")

    def _dropped(
        self, hosts: Iterable[HostEndpoint], direction: Direction
    ) -> tuple[tuple[Port, ...], tuple[str, ...]]:
        """Give the ports that some other node's traffic would be dropped on, and what decides; one drop a port is enough."""
        by: dict[Port, str] = {}
        for host in hosts:
            for case in self._cases():
                if case.port in by or self._is_failsafe(case, direction):
                    continue
                denied = (d.by for d in self._decisions(host, direction, case) if d.verdict is Verdict.DENY)
                if (decider := next(denied, None)) is not None:
                    by[case.port] = decider
        return tuple(p for p in self._ports if p in by), tuple(dict.fromkeys(by.values()))

    def _cases(self) -> Iterator[_Case]:
        for family in (4, 6):
            for port in self._ports:
                protocol = ECHO[family][0] if port.protocol == ICMP else port.protocol
                for number_ in port.numbers:
                    yield _Case(port, family, PROTOCOLS[protocol], number_)

    def _decisions(self, host: HostEndpoint, direction: Direction, case: _Case) -> Iterator[Decision]:
        own = self._peer(host.node, case.family, host)
        for name in self._addresses:
            other = self._peer(name, case.family, self._by_node.get(name)) if name != host.node else None
            if own is None or other is None:
                continue
            ingress = direction is Direction.INGRESS
            flow = Flow(
                source=other if ingress else own,
                destination=own if ingress else other,
                protocol=case.protocol,
                port=case.number,
                icmp_type=ECHO[case.family][1] if case.port.protocol == ICMP else 0,
                family=case.family,
            )
            verdict = self._evaluator.judge(flow)
            decision = verdict.ingress if ingress else verdict.egress
            if decision is not None:
                yield decision

    def _peer(self, node: str, family: int, host: HostEndpoint | None) -> Peer | None:
        found = self._addresses[node].get(family)
        if found is None:
            return None
        known = self._policies.world.nodes.get(node)
        kind = PeerKind.REMOTE if host is None else PeerKind.HOST_ENDPOINT
        return Peer(kind, parse_address(str(found)), node=known, host_endpoint=host)

    def _is_failsafe(self, case: _Case, direction: Direction) -> bool:
        """Say whether a FelixConfiguration of the whole cluster opens this port to everybody."""
        for item in self._snapshot.calico("felixconfigurations"):
            for entry in items(item.data, "spec", FAILSAFES[direction]) if item.name == "default" else ():
                same = text(entry, "protocol", default="TCP").upper() == case.port.protocol
                if same and number(entry, "port") == case.number and not text(entry, "net"):
                    return True
        return False


def _by_family(node: Node) -> dict[int, Address]:
    found: dict[int, Address] = {}
    for value in node.internal_addresses:
        if (read := address(value)) is not None:
            found.setdefault(read.version, read)
    return found


def _names_own_side(rules: Mapping[Direction, Iterable[Any]]) -> bool:
    """Say whether a policy tells its own subjects apart: by the destination on ingress, the source on egress."""
    for direction, listed in rules.items():
        for rule in listed:
            own = rule.destination if direction is Direction.INGRESS else rule.source
            if own.nets or own.not_nets or own.positive is not None or own.negative is not None:
                return True
    return False
