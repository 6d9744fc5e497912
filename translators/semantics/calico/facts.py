"""What is true of each peer of one universe, as ints whose bit *p* speaks of peer *p*; asked by the matrix walk."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from translators.algebra.bitsets import bits_at, bits_where, positions
from translators.algebra.cidrs import Cidr
from translators.algebra.memberships import Memberships
from translators.flows import ICMP, ICMPV6, Peer, PeerKind
from translators.selectors.ast import Node
from translators.semantics.calico.columns import Columns
from translators.semantics.calico.ends import PORTED, Ends, Named
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedRule
from translators.universe import TrafficAtom

__all__ = ["Facts"]


class Facts:
    """Answers about one list of peers and one list of atoms; each distinct question is worked out once."""

    def __init__(self, named: Named, ends: Ends, peers: Sequence[Peer], atoms: Sequence[TrafficAtom]) -> None:
        """Index labels, networks and ports of the peers."""
        self.peers = peers
        self.atoms = atoms
        self.everyone = (1 << len(peers)) - 1
        self.local_hosts = bits_where(p.kind is PeerKind.HOST for p in peers)
        self.placed = bits_where(p.pod is not None and ends.is_placed(p.pod) for p in peers)
        self._pods = bits_where(p.pod is not None for p in peers)
        self._labels = Columns([ends.of_pod(p.pod) if p.pod is not None else {} for p in peers])
        self._others = Columns(ends.others)
        self._hosts = ends.hosts
        self._behind = _inverted([ends.behind(p.address) for p in peers], len(ends.others))
        self._nets = _by_net(named.nets, peers)
        self._called = [ends.called(p) for p in peers]
        self._backs = [ends.backs(p) for p in peers]
        self._known: dict[Hashable, int] = {}
        self._spoken: dict[Hashable, tuple[int, ...]] = {}

    def _once(self, key: Hashable, values: Iterator[bool]) -> int:
        if key not in self._known:
            self._known[key] = bits_where(values)
        return self._known[key]

    def subjects(self, node: Node) -> int:
        """Give the pods whose own labels a policy selects."""
        return self._labels.holding(node) & self._pods

    def selected(self, node: Node) -> int:
        """Give the peers that have a matching label set behind their address."""
        return self._with(node, len(self._behind))

    def named(self, positive: Node | None) -> int:
        """Give the peers whose named ports count: a set that holds their address does not make them."""
        return self.everyone if positive is None else self._with(positive, self._hosts)

    def _with(self, node: Node, others: int) -> int:
        found = self.subjects(node)
        for place in positions(self._others.holding(node) & (1 << others) - 1):
            found |= self._behind[place]
        return found

    def of(self, entity: ScopedEntity) -> int:
        """Give the peers that an entity matches by selector and network."""
        found = self.everyone
        if entity.positive is not None:
            found &= self.selected(entity.positive)
        if entity.negative is not None:
            found &= ~self.selected(entity.negative)
        if entity.nets:
            found &= self._inside(entity.nets)
        if entity.not_nets:
            found &= ~self._inside(entity.not_nets)
        return found

    def _inside(self, nets: Sequence[Cidr]) -> int:
        found = 0
        for net in nets:
            found |= self._nets[net]
        return found

    def families(self, rule: ScopedRule) -> int:
        """A peer without an address is of no family: only a rule that does not ask for one reaches it."""
        families, asks = rule.families, rule.asks_family
        return self._once(
            ("families", families, asks),
            (not asks if p.address is None else p.address.family in families for p in self.peers),
        )

    def spoken(self, rule: ScopedRule) -> tuple[int, ...]:
        """Give the atoms that a rule can match by protocol, ICMP and source port."""
        key = (
            rule.protocol,
            rule.not_protocol,
            rule.icmp,
            rule.not_icmp,
            rule.source.ports,
            rule.source.not_ports,
        )
        if key not in self._spoken:
            self._spoken[key] = tuple(i for i, atom in enumerate(self.atoms) if _speaks(rule, atom))
        return self._spoken[key]

    def numbered(self, rule: ScopedRule) -> tuple[int, ...]:
        """Give the atoms that a rule matches whose destination ports are all numbers."""
        ports, nots = rule.destination.ports, rule.destination.not_ports
        key = (self.spoken(rule), ports, nots)
        if key not in self._spoken:
            self._spoken[key] = tuple(
                i
                for i in self.spoken(rule)
                if (not ports or self._numbered(ports, i)) and not self._numbered(nots, i)
            )
        return self._spoken[key]

    def _numbered(self, ports: Ports, place: int) -> bool:
        return _in_ranges(ports, self.atoms[place].protocol, self.atoms[place].ports)

    def at_ports(self, rule: ScopedRule, subject: int | None, atom: TrafficAtom) -> int:
        """Give the peers with which the destination's ports fit.

        ``subject`` is the destination on ingress, None on egress: there a name depends on the peer.
        """
        return self._within(rule.destination, subject, atom.protocol, atom.ports)

    def from_ports(self, rule: ScopedRule, subject: int | None, atom: TrafficAtom) -> int:
        """Give the peers with which the source's ports fit; ``subject`` is the source on egress, None on ingress."""
        return self._within(rule.source, subject, atom.protocol, atom.source_ports)

    def _within(
        self, entity: ScopedEntity, subject: int | None, protocol: int, asked: tuple[int, int]
    ) -> int:
        named = self.named(entity.positive)
        wanted = self.everyone
        if entity.ports:
            wanted = self._fits(entity.ports, subject, (protocol, asked), named)
        refused = self._fits(entity.not_ports, subject, (protocol, asked), named) if entity.not_ports else 0
        return wanted & ~refused

    def _fits(
        self, ports: Ports, subject: int | None, traffic: tuple[int, tuple[int, int]], named: int
    ) -> int:
        protocol, (low, high) = traffic
        if _in_ranges(ports, protocol, (low, high)):
            return self.everyone
        if protocol not in PORTED or low != high:
            return 0
        found = 0
        for port in ports:
            if isinstance(port, tuple):
                continue
            asked = (port, protocol, low)
            if subject is None:
                found |= named & self._once(("called", asked), (asked in called for called in self._called))
            elif named >> subject & 1 and asked in self._called[subject]:
                return self.everyone
        return found

    def backing(self, service: tuple[str, str], atom: TrafficAtom, *, egress: bool) -> int:
        """Give the peers behind a service: on egress at the atom's port, on ingress by address alone."""
        if egress and atom.ports[0] != atom.ports[1]:
            return 0
        asked = (service, atom.protocol, atom.ports[0]) if egress else (service, 0, 0)
        return self._once(("backs", asked), (asked in backs for backs in self._backs))


def _inverted(held: Sequence[Sequence[int]], size: int) -> list[int]:
    """Give, for each place below ``size``, the peers that hold it."""
    found: list[list[int]] = [[] for _ in range(size)]
    for peer, places in enumerate(held):
        for place in places:
            found[place].append(peer)
    return [bits_at(peers, len(held)) for peers in found]


def _by_net(nets: Sequence[Cidr], peers: Sequence[Peer]) -> dict[Cidr, int]:
    index = Memberships([net.interval for net in nets])
    inside = _inverted([index.of(p.address) for p in peers], len(nets))
    return dict(zip(nets, inside, strict=True))


def _in_ranges(ports: Ports, protocol: int, asked: tuple[int, int]) -> bool:
    low, high = asked
    return protocol in PORTED and any(
        isinstance(port, tuple) and port[0] <= low and high <= port[1] for port in ports
    )


def _speaks(rule: ScopedRule, atom: TrafficAtom) -> bool:
    """Source ports by name depend on who sends: they are asked apart."""
    if rule.protocol not in {None, atom.protocol} or rule.not_protocol == atom.protocol:
        return False
    if rule.icmp is not None and not _is(rule.icmp, atom):
        return False
    if rule.not_icmp is not None and _is(rule.not_icmp, atom):
        return False
    for ports, inside in ((rule.source.ports, True), (rule.source.not_ports, False)):
        ranges = [p for p in ports if isinstance(p, tuple)]
        low, high = atom.source_ports
        within = atom.protocol in PORTED and any(a <= low and high <= b for a, b in ranges)
        by_name = any(isinstance(p, str) for p in ports)
        if ports and not by_name and within is not inside:
            return False
    return True


def _is(wanted: tuple[int, int | None], atom: TrafficAtom) -> bool:
    if atom.protocol not in {ICMP, ICMPV6} or atom.types != (wanted[0], wanted[0]):
        return False
    return wanted[1] is None or atom.codes == (wanted[1], wanted[1])
