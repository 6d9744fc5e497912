"""Compare two matrices over the endpoints that exist: the third voice, beside obligations and points.

Classes are peers that neither side can tell apart, atoms traffic that neither can; what differs is an XOR
(``verification.md`` §4, §5). ICMP of one family with a peer of the other does not exist and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translators.algebra.bitsets import bits_where, positions
from translators.algebra.cidrs import BITS, Address, Interval, cut
from translators.algebra.space import ENTITIES
from translators.flows import ICMP, ICMPV6, SCTP, TCP, UDP, Direction, Flow, Peer, PeerKind
from translators.universe import Cuts, PeerClass, Side, TrafficAtom, Universe
from translators.world import Node, World

__all__ = [
    "Comparison",
    "MatrixDifference",
    "atoms_of",
    "build_universe",
    "classified",
    "compare",
    "flow_between",
    "flow_of",
    "other_protocol",
    "peers_of",
    "pieces_of",
]

MAX_NAMED = 3
OTHER_PROTOCOLS: Sequence[int] = (99, *range(255, 142, -1))


@dataclass(frozen=True, slots=True)
class MatrixDifference:
    """One point at which the matrices differ; indexes of the universe."""

    direction: Direction
    subject: int
    peer: int
    atom: int
    opens: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many (subject class, peer class, atom) points agree, and where the others are."""

    universe: Universe
    agree: int
    differences: tuple[MatrixDifference, ...]


def peers_of(world: World, cuts: Sequence[Cuts]) -> list[Peer]:
    """Give every peer that there is, and one for each piece of the outside world that is told apart."""
    peers = [
        Peer(PeerKind.POD, address, pod=pod)
        for pod in world.pods
        if not pod.host_network and not pod.finished
        for address in pod.addresses
    ]
    named = [(node, a) for node in world.nodes.values() for a in node.addresses]
    planned = [Address(c.family, c.base) for c in world.plan.nodes] if not named else []
    nodes = [*named, *((Node(str(a)), a) for a in planned)]
    for node, address in nodes:
        peers += [Peer(kind, address, node=node) for kind in (PeerKind.HOST, PeerKind.REMOTE)]
    peers += [Peer(PeerKind.ENTITY, entity=name) for name in ENTITIES]
    return [*peers, *_outside(world, cuts, {p.address for p in peers if p.address is not None})]


def pieces_of(world: World, cuts: Sequence[Cuts]) -> list[Interval]:
    """Give the pieces of all addresses, IPv4 first, that neither the cuts nor the API servers tell apart."""
    marks = [interval for c in cuts for interval in c.cidrs]
    marks += [c.interval for c in world.plan.api_servers]
    return [piece for f in (4, 6) for piece in cut(Interval(f, 0, (1 << BITS[f]) - 1), marks)]


def _outside(world: World, cuts: Sequence[Cuts], taken: set[Address]) -> Iterable[Peer]:
    """Give one address of each piece of the outside, none that belongs to a pod or a node."""
    for piece in pieces_of(world, cuts):
        last = min(piece.last, piece.first + len(taken))
        free = (Address(piece.family, value) for value in range(piece.first, last + 1))
        found = next((address for address in free if address not in taken), None)
        if found is not None:
            yield Peer(PeerKind.WORLD, found)


def build_universe(sides: Sequence[Side], world: World) -> Universe:
    """Give the classes and atoms that the sides can tell apart in this world."""
    return classified(sides, world)[0]


def classified(sides: Sequence[Side], world: World) -> tuple[Universe, list[tuple[Peer, int]]]:
    """Give the universe, and every peer of the world with the place of its class there."""
    cuts = [side.cuts() for side in sides]
    classes: dict[object, list[Peer]] = {}
    places: dict[object, int] = {}
    listed = peers_of(world, cuts)
    placed = []
    for peer, *told in zip(listed, *(side.signatures(listed) for side in sides), strict=True):
        key = (peer.kind, *told)
        classes.setdefault(key, []).append(peer)
        placed.append((peer, places.setdefault(key, len(places))))
    peers = tuple(
        PeerClass(members[0], len(members), tuple(_name(m) for m in members[:MAX_NAMED]))
        for members in classes.values()
    )
    subjects = tuple(i for i, c in enumerate(peers) if c.representative.kind is PeerKind.POD)
    return Universe(peers, subjects, tuple(atoms_of(cuts))), placed


def _name(peer: Peer) -> str:
    if peer.pod is not None:
        return f"{peer.pod.namespace}/{peer.pod.name}"
    return peer.entity or f"{peer.kind} {peer.address}"


def atoms_of(cuts: Sequence[Cuts]) -> list[TrafficAtom]:
    """Give the traffic that none of the cuts tells apart."""
    return list(_atoms(cuts))


def _atoms(cuts: Sequence[Cuts]) -> Iterable[TrafficAtom]:
    sources = _pieces((0, 65535), (m for c in cuts for marks in c.source_ports.values() for m in marks))
    for protocol in (TCP, UDP, SCTP):
        marks = [m for c in cuts for m in c.ports.get(protocol, ())]
        for ports in _pieces((1, 65535), marks):
            for low in sources:
                yield TrafficAtom(protocol, ports, low)
    for protocol in (ICMP, ICMPV6):
        named = [m for c in cuts for m in c.icmp.get(protocol, ())]
        for types in _pieces((0, 255), [(0, 0), *((t, t) for t, _, _ in named)]):
            codes = [(low, high) for t, low, high in named if (t, t) == types]
            for piece in _pieces((0, 255), codes):
                yield TrafficAtom(protocol, types=types, codes=piece)
    numbers = {n for c in cuts for n in c.protocols} - {TCP, UDP, SCTP, ICMP, ICMPV6}
    for number in sorted(numbers | {other_protocol(cuts)}):
        yield TrafficAtom(number)


def other_protocol(cuts: Sequence[Cuts]) -> int:
    """Give the number that stands for every protocol that none of the cuts names."""
    named = {n for c in cuts for n in c.protocols}
    return next(number for number in OTHER_PROTOCOLS if number not in named)


def _pieces(whole: tuple[int, int], marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = {whole[0]}
    for first, last in marks:
        starts.update(s for s in (first, last + 1) if whole[0] < s <= whole[1])
    ordered = sorted(starts)
    return list(zip(ordered, [s - 1 for s in ordered[1:]] + [whole[1]], strict=True))


def compare(before: Side, after: Side, world: World) -> Comparison:
    """Evaluate both sides over one universe and give every point at which they differ."""
    universe = build_universe([before, after], world)
    old, new = before.matrix(universe), after.matrix(universe)
    possible = {f: [_possible(universe, atom, f) for atom in universe.atoms] for f in (4, 6)}
    points = {family: sum(mask.bit_count() for mask in masks) for family, masks in possible.items()}
    found: list[MatrixDifference] = []
    total = 0
    for direction in Direction:
        rows = zip(universe.subjects, old[direction], new[direction], strict=True)
        equal: set[tuple[int, int, int]] = set()
        for subject, mine, theirs in rows:
            own = universe.peers[subject].representative.address
            family = own.family if own is not None else 4
            total += points[family]
            key = (id(mine), id(theirs), family)
            if key in equal:
                continue
            differing = list(_differing(mine, theirs, possible[family], (direction, subject)))
            found += differing
            if not differing:
                equal.add(key)
    return Comparison(universe, total - len(found), tuple(found))


def _differing(
    mine: Sequence[int], theirs: Sequence[int], masks: Sequence[int], place: tuple[Direction, int]
) -> Iterable[MatrixDifference]:
    """Give the points at which two rows differ; subjects may share rows, so equal ones are looked at once."""
    for atom, (old, new, mask) in enumerate(zip(mine, theirs, masks, strict=True)):
        if changed := (old ^ new) & mask:
            yield from _points(changed, new, (*place, atom))


def _possible(universe: Universe, atom: TrafficAtom, family: int) -> int:
    """Give the peers with which a subject's address of this family can exchange this traffic at all."""
    implied = {ICMP: 4, ICMPV6: 6}.get(atom.protocol)
    if implied not in {None, family}:
        return 0
    addresses = (item.representative.address for item in universe.peers)
    return bits_where((a.family if a is not None else 4) == family for a in addresses)


def _points(changed: int, allowed: int, place: tuple[Direction, int, int]) -> Iterable[MatrixDifference]:
    direction, subject, atom = place
    for peer in positions(changed):
        yield MatrixDifference(direction, subject, peer, atom, bool(allowed >> peer & 1))


def flow_of(universe: Universe, point: MatrixDifference) -> Flow:
    """Give a flow that stands for one point of the universe."""
    subject = universe.peers[point.subject].representative
    peer = universe.peers[point.peer].representative
    atom = universe.atoms[point.atom]
    ingress = point.direction is Direction.INGRESS
    source, destination = (peer, subject) if ingress else (subject, peer)
    return flow_between(source, destination, atom)


def flow_between(source: Peer, destination: Peer, atom: TrafficAtom) -> Flow:
    """Give a flow between two ends that stands for one atom of traffic."""
    address = source.address or destination.address
    implied = {ICMP: 4, ICMPV6: 6}.get(atom.protocol)
    return Flow(
        source=source,
        destination=destination,
        protocol=atom.protocol,
        port=atom.ports[0],
        source_port=atom.source_ports[0],
        icmp_type=atom.types[0],
        icmp_code=atom.codes[0],
        family=implied or (address.family if address is not None else 4),
    )
