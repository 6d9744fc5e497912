"""One point of the universe as a cube of the proof's space: where a matrix difference lies among the claims."""

from __future__ import annotations

from translators.algebra.cidrs import Address
from translators.algebra.space import (
    AddressAtom,
    AtomKind,
    Field,
    SideName,
    Space,
    TrafficKind,
)
from translators.flows import Direction, Flow, Peer, PeerKind
from translators.world import NamedPort, Pod, World

__all__ = ["cube_of", "pod_cube"]

_KINDS = {
    PeerKind.POD: AtomKind.POD,
    PeerKind.HOST: AtomKind.HOST,
    PeerKind.REMOTE: AtomKind.REMOTE,
    PeerKind.WORLD: AtomKind.WORLD,
    PeerKind.ENTITY: AtomKind.ENTITY,
}
_NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}


def cube_of(space: Space, flow: Flow, direction: Direction, world: World) -> int:
    """Give the smallest cube that holds the flow, seen from the end whose policy is asked."""
    ingress = direction is Direction.INGRESS
    own, other = (flow.destination, flow.source) if ingress else (flow.source, flow.destination)
    cube = space.only(space.peer, _atom_bits(space.peer, other))
    cube &= space.only(space.subject, _atom_bits(space.subject, own))
    cube &= space.only(space.traffic, _traffic_bits(space, flow))
    ports = space.source_port
    inside = ports.where(lambda v: isinstance(v, tuple) and v[0] <= flow.source_port <= v[1])
    cube &= space.only(ports, inside)
    for field in space.fields:
        if field.name[0] == "named":
            cube &= space.only(field, field.bits[_calls(flow, field.name[1], world)])
    for side, peer in ((SideName.SUBJECT, own), (SideName.PEER, other)):
        if peer.pod is not None:
            cube &= _labels(space, side, peer.pod, world)
    return cube


def pod_cube(space: Space, side: SideName, pod: Pod, world: World) -> int:
    """Give the cube of a pod at one end: its labels, and its addresses where it has some."""
    field = space.subject if side is SideName.SUBJECT else space.peer
    peers = [Peer(PeerKind.POD, address, pod=pod) for address in pod.addresses or (None,)]
    bits = 0
    for peer in peers:
        bits |= _atom_bits(field, peer)
    return _labels(space, side, pod, world) & space.only(field, bits)


def _atom_bits(field: Field, peer: Peer) -> int:
    def holds(value: object) -> bool:
        if not isinstance(value, AddressAtom) or value.kind is not _KINDS.get(peer.kind):
            return False
        if value.kind is AtomKind.ENTITY:
            return value.name == peer.entity
        return _inside(value, peer.address)

    return field.where(holds)


def _inside(atom: AddressAtom, address: Address | None) -> bool:
    if address is None or not atom.intervals:
        return address is None or atom.family == address.family
    return any(interval.holds(address) for interval in atom.intervals)


def _traffic_bits(space: Space, flow: Flow) -> int:
    known = {a.protocol for a in space.traffic.bits if isinstance(a, TrafficKind)}
    protocol = flow.protocol if flow.protocol in known else 0

    def holds(value: object) -> bool:
        if not isinstance(value, TrafficKind) or value.protocol != protocol:
            return False
        if protocol in {1, 58}:
            codes = any(a <= flow.icmp_code <= b for a, b in value.codes)
            return codes and value.first <= flow.icmp_type <= value.last
        return protocol not in _NAMES or value.first <= max(flow.port, 1) <= value.last

    return space.traffic.where(holds)


def _calls(flow: Flow, name: str, world: World) -> bool:
    """Say whether the destination has a port of this name there: a pod, or a node through its host endpoint."""
    pod, address = flow.destination.pod, flow.destination.address
    wanted = NamedPort(name, _NAMES.get(flow.protocol, ""), flow.port)
    if pod is not None:
        return wanted in pod.ports
    hosts = world.host_endpoints.values() if address is not None else ()
    return any(address in host.addresses and wanted in host.ports for host in hosts)


def _labels(space: Space, side: SideName, pod: Pod, world: World) -> int:
    namespace = world.namespaces.get(pod.namespace)
    cube = space.full
    for field in space.fields:
        if field.name[0] != side:
            continue
        match field.name[1]:
            case "namespace":
                value: str | None = pod.namespace
            case "account":
                value = pod.service_account
            case "nslabel":
                value = namespace.labels.get(field.name[2]) if namespace else None
            case _:
                value = pod.labels.get(field.name[2])
        cube &= space.only(field, field.of_label(value))
    return cube
