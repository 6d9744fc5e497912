"""Make a concrete flow out of a cube: pods and namespaces that may not exist yet, put into a larger world.

A cube may hold only points that no cluster can have (one namespace with two values of a label); then there is
no witness, and nothing is claimed about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from math import prod

from translators.algebra.cidrs import Address
from translators.algebra.space import (
    ABSENT,
    OTHER,
    AddressAtom,
    AtomKind,
    Field,
    SideName,
    Space,
    TrafficKind,
)
from translators.flows import Direction, Flow, Peer, PeerKind
from translators.world import NamedPort, Namespace, Node, Pod, World

__all__ = ["are_all", "witnesses"]

OTHER_VALUE = "c2c-other"
MAX_CHOICES = 300
MAX_VALUES = 6
_IMPLIED = {1: 4, 58: 6}
_NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}
_DEFAULT = {4: Address(4, 0x0AFE0001), 6: Address(6, 0xFD00 << 112 | 1)}


def witnesses(space: Space, cube: int, direction: Direction, world: World) -> Iterator[tuple[World, Flow]]:
    """Give worlds that hold the needed pods, each with one flow of the cube in it.

    Choices are combined until enough were tried: addresses, traffic, and the namespaces of both ends, which must
    not want two things of one namespace.
    """
    if not space.layout.nonempty(cube):
        return
    for choice in islice(_choices(space, cube), MAX_CHOICES):
        made = _made(space, choice, direction, world)
        if made is not None:
            yield made


def are_all(space: Space, cube: int) -> bool:
    """Say whether ``witnesses`` tries every combination of a cube, so that finding none means that there is none."""
    fields = (space.peer, space.subject, *_places(space), space.traffic)
    counts = [len(f.values(cube)) for f in fields]
    return max(counts) <= MAX_VALUES and prod(counts) <= MAX_CHOICES


def _places(space: Space) -> list[Field]:
    return [space.field(side, "namespace") for side in (SideName.SUBJECT, SideName.PEER)]


def _choices(space: Space, cube: int) -> Iterator[int]:
    """Narrow the cube to single values where a combination may be impossible; the likeliest come first."""
    fields = [space.peer, space.subject, *_places(space), space.traffic]
    values = [_few(f, cube) for f in fields]
    pairs = sorted(product(values[2], values[3]), key=lambda pair: pair[0] == pair[1])
    for peer, own, pair, traffic in product(values[0], values[1], pairs, values[4]):
        if not _of_one_family(peer, own, traffic):
            continue
        chosen = cube
        for field, value in zip(fields, (peer, own, *pair, traffic), strict=True):
            chosen &= space.only(field, field.bits[value])
        if space.layout.nonempty(chosen):
            yield chosen


def _of_one_family(peer: object, own: object, traffic: object) -> bool:
    families = {a.family for a in (peer, own) if isinstance(a, AddressAtom) and a.intervals}
    if isinstance(traffic, TrafficKind) and traffic.protocol in _IMPLIED:
        families.add(_IMPLIED[traffic.protocol])
    return len(families) <= 1


def _few(field: Field, cube: int) -> list[object]:
    return field.values(cube)[:MAX_VALUES]


def _made(space: Space, cube: int, direction: Direction, world: World) -> tuple[World, Flow] | None:
    """Make the flow of a cube that holds one address atom a side and one kind of traffic."""
    atom = next(a for a in space.peer.values(cube) if isinstance(a, AddressAtom))
    traffic = _traffic(space, cube)
    subject = _pod(space, cube, SideName.SUBJECT, "subject")
    own = next(a for a in space.subject.values(cube) if isinstance(a, AddressAtom))
    if own.kind is not AtomKind.POD:
        return None
    family = _family(traffic, atom, own)
    peer_pod = _pod(space, cube, SideName.PEER, "peer") if atom.kind is AtomKind.POD else None
    larger = _extended(space, cube, world, subject, peer_pod)
    if larger is None and peer_pod is not None and peer_pod.namespace == subject.namespace == OTHER_VALUE:
        # Nobody names their namespaces, so they may be two, with labels of their own.
        peer_pod = replace(peer_pod, namespace=f"{OTHER_VALUE}-2")
        larger = _extended(space, cube, world, subject, peer_pod)
    if larger is None:
        return None
    destination_is_subject = direction is Direction.INGRESS
    port = traffic.first or 1
    subject = _with_address(subject, own, family, 1)
    other = _outsider(atom, family, world) if atom.kind is AtomKind.WORLD else _peer(atom, peer_pod, family)
    if other is None:
        return None
    if destination_is_subject:
        subject = _with_ports(space, cube, subject, traffic.protocol, port)
        source, target = other, Peer(PeerKind.POD, subject.addresses[0], pod=subject)
    else:
        if other.pod is not None:
            pod = _with_ports(space, cube, other.pod, traffic.protocol, port)
            other = Peer(PeerKind.POD, other.address, pod=pod)
        source, target = Peer(PeerKind.POD, subject.addresses[0], pod=subject), other
    pods = tuple(p.pod for p in (source, target) if p.pod is not None)
    larger = replace(larger, pods=(*larger.pods, *pods))
    sport = next((v[0] for v in space.source_port.values(cube) if isinstance(v, tuple)), 0)
    is_icmp = traffic.protocol in {1, 58}
    return larger, Flow(
        source=source,
        destination=target,
        protocol=traffic.protocol or 99,
        port=0 if is_icmp else port,
        source_port=sport,
        icmp_type=traffic.first if is_icmp else 0,
        icmp_code=traffic.codes[0][0] if is_icmp else 0,
        family=family,
    )


def _traffic(space: Space, cube: int) -> TrafficKind:
    return next(t for t in space.traffic.values(cube) if isinstance(t, TrafficKind))


def _family(traffic: TrafficKind, atom: AddressAtom, own: AddressAtom) -> int:
    return _IMPLIED.get(traffic.protocol) or atom.family or own.family or 4


def _pod(space: Space, cube: int, side: SideName, name: str) -> Pod:
    labels = {}
    for field in space.fields:
        if field.name[0] == side and field.name[1] == "label":
            value = field.values(cube)[0] if ABSENT not in field.values(cube) else ABSENT
            if value != ABSENT:
                labels[field.name[2]] = OTHER_VALUE if value == OTHER else str(value)
    return Pod(
        namespace=_first(space, cube, side, "namespace"),
        name=f"c2c-witness-{name}",
        labels=labels,
        service_account=_first(space, cube, side, "account"),
    )


def _first(space: Space, cube: int, side: SideName, what: str) -> str:
    values = space.field(side, what).values(cube)
    named = [str(v) for v in values if v != OTHER]
    return named[0] if named else OTHER_VALUE


def _extended(space: Space, cube: int, world: World, subject: Pod, peer: Pod | None) -> World | None:
    """Give the world with the namespaces' labels as the cube wants them; None if it wants two things."""
    namespaces = dict(world.namespaces)
    wanted: dict[tuple[str, str], str] = {}
    for side, pod in ((SideName.SUBJECT, subject), (SideName.PEER, peer)):
        if pod is None:
            continue
        labels = dict(namespaces[pod.namespace].labels) if pod.namespace in namespaces else {}
        for field in space.fields:
            if field.name[0] != side or field.name[1] != "nslabel":
                continue
            key, values = field.name[2], field.values(cube)
            kept = wanted.get((pod.namespace, key), labels.get(key, ABSENT))
            known = kept if kept in field.bits else OTHER
            value = kept if known in values else str(values[0])
            if wanted.setdefault((pod.namespace, key), value) != value:
                return None
            labels.pop(key, None)
            if value != ABSENT:
                labels[key] = OTHER_VALUE if value == OTHER else value
        namespaces[pod.namespace] = Namespace(pod.namespace, labels)
    return replace(world, namespaces=namespaces)


def _address(atom: AddressAtom, family: int, offset: int) -> Address:
    for interval in atom.intervals:
        if interval.family == family:
            return Address(family, min(interval.first + offset, interval.last))
    return _DEFAULT[family]


def _with_address(pod: Pod, atom: AddressAtom, family: int, offset: int) -> Pod:
    return replace(pod, addresses=(_address(atom, family, offset),))


def _peer(atom: AddressAtom, pod: Pod | None, family: int) -> Peer:
    match atom.kind:
        case AtomKind.POD if pod is not None:
            placed = _with_address(pod, atom, family, 2)
            return Peer(PeerKind.POD, placed.addresses[0], pod=placed)
        case AtomKind.ENTITY:
            return Peer(PeerKind.ENTITY, entity=atom.name)
        case AtomKind.HOST:
            return Peer(PeerKind.HOST, _address(atom, family, 0), node=Node("c2c-witness-node"))
        case AtomKind.REMOTE:
            return Peer(PeerKind.REMOTE, _address(atom, family, 0), node=Node("c2c-witness-node"))
    message = f"{atom.kind} is no peer inside the cluster"
    raise ValueError(message)


def _outsider(atom: AddressAtom, family: int, world: World) -> Peer | None:
    """Give an address of the outside world that no pod or node has; None where each is somebody's."""
    held = [interval for interval in atom.intervals if interval.family == family]
    if not held:
        return Peer(PeerKind.WORLD, _DEFAULT[family])
    planned = [cidr.interval for cidr in (*world.plan.pods, *world.plan.nodes)]
    if planned and not any(i.family == family and i.first <= held[0].first <= i.last for i in planned):
        return Peer(PeerKind.WORLD, Address(family, held[0].first))
    listed = [*(p.addresses for p in world.pods), *(n.addresses for n in world.nodes.values())]
    taken = {a.value for addresses in listed for a in addresses if a.family == family}
    values = (v for i in held for v in range(i.first, min(i.last, i.first + len(taken)) + 1))
    free = next((value for value in values if value not in taken), None)
    return None if free is None else Peer(PeerKind.WORLD, Address(family, free))


def _with_ports(space: Space, cube: int, pod: Pod, protocol: int, port: int) -> Pod:
    """Give the destination a port of every name that the cube wants it to have."""
    called = tuple(
        NamedPort(field.name[1], _NAMES[protocol], port)
        for field in space.fields
        if field.name[0] == "named" and protocol in _NAMES and cube & field.mask == field.bits[True]
    )
    return replace(pod, ports=called)
