"""Judge every class against every class at once: tiers walked with sets of peers as integers.

The second evaluator of this package. It shares the normalised policies with ``point`` and nothing else: labels,
membership and ports are worked out for all peers at once, once per distinct selector (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from translators.algebra.bitsets import positions
from translators.algebra.cidrs import Interval
from translators.algebra.memberships import Memberships
from translators.flows import UDP, Direction, Peer, PeerKind
from translators.selectors.ast import Node
from translators.semantics.calico.columns import Columns
from translators.semantics.calico.ends import NUMBERS, PORTED, Ends, Named
from translators.semantics.calico.facts import Facts
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import ScopedEntity, ScopedRule
from translators.semantics.calico.walk import Row, Walk
from translators.universe import Cuts, Matrix, Universe
from translators.world import NamedPort, Pod

__all__ = ["CalicoSide"]

VXLAN_PORT = 4789

_Marks = dict[int, set[tuple[int, int]]]


class CalicoSide:
    """One set of Calico policies, as the comparison of matrices sees it.

    The built-in drop of tunnel packets (CAL-L514) counts where it counts for the obligations.
    """

    def __init__(self, policies: CalicoPolicies) -> None:
        """Collect every distinct selector, network and port name once."""
        self._tiers = policies.tiers
        self._world = policies.world
        self._encapsulation = policies.encapsulation
        self._named = Named.of(policies.tiers)
        self._ends = Ends(policies.world, self._named)

    def cuts(self) -> Cuts:
        """Give every boundary that the policies, or the sets and services behind them, can tell apart."""
        ports: _Marks = {}
        if self._encapsulation:
            ports[UDP] = {(VXLAN_PORT, VXLAN_PORT)}
        sources: _Marks = {}
        icmp: dict[int, set[tuple[int, int, int]]] = {}
        for rule in self._named.rules:
            _mark(rule, ports, sources, icmp)
        for port in self._listed_ports():
            marks = (ports, sources) if port.name in self._named.source_ports else (ports,)
            for into in marks:
                into.setdefault(NUMBERS[port.protocol], set()).add((port.number, port.number))
        for listed in (listed for item in self._world.slices for listed in item.ports):
            if listed.number is not None and listed.protocol in NUMBERS:
                ports.setdefault(NUMBERS[listed.protocol], set()).add((listed.number, listed.number))
        nets = {net.interval for net in self._named.nets}
        nets |= {net.interval for item in self._world.network_sets for net in item.nets}
        nets |= {Interval(a.family, a.value, a.value) for a in self._ends.addressed}
        numbers = {n for r in self._named.rules for n in (r.protocol, r.not_protocol) if n is not None}
        return Cuts(frozenset(nets), _frozen(ports), _frozen(sources), _frozen(icmp), frozenset(numbers))

    def _listed_ports(self) -> Iterator[NamedPort]:
        """Give the ports, of pods and host endpoints, that rules call by their names."""
        listed = [p.ports for p in self._world.pods]
        listed += [h.ports for h in self._world.host_endpoints.values()]
        for port in (port for ports in listed for port in ports):
            if port.name in self._named.ports and port.protocol in NUMBERS:
                yield port

    def signatures(self, peers: Sequence[Peer]) -> list[Hashable]:
        """Give for each peer everything that some policy can tell of it."""
        labels = _Truths(self._named, self._ends, [p.pod for p in peers if p.pod is not None])
        nets = Memberships([net.interval for net in self._named.nets])
        return [
            (
                peer.kind is PeerKind.HOST,
                peer.address.family if peer.address is not None else 0,
                nets.of(peer.address),
                peer.pod is not None and self._ends.is_placed(peer.pod),
                labels.of(peer.pod, self._ends.behind(peer.address)),
                self._ends.called(peer),
                self._ends.backs(peer),
            )
            for peer in peers
        ]

    def matrix(self, universe: Universe, subjects: Iterable[int] | None = None) -> Matrix:
        """Walk the tiers for every subject; rows stand in the order of ``universe.subjects``."""
        facts = self.facts(universe)
        wanted = range(len(universe.subjects)) if subjects is None else subjects
        indexes = [universe.subjects[i] for i in wanted]
        return {
            direction: self._rows(facts, Walk(facts, self._tiers, direction), indexes, direction)
            for direction in Direction
        }

    def facts(self, universe: Universe) -> Facts:
        """Give what is true of the peers of a universe."""
        peers = [c.representative for c in universe.peers]
        return Facts(self._named, self._ends, peers, universe.atoms)

    def _rows(
        self, facts: Facts, walk: Walk, indexes: Sequence[int], direction: Direction
    ) -> tuple[Row, ...]:
        known: dict[tuple[object, ...], Row] = {}
        rows = []
        steps = walk.steps(indexes)
        for index in indexes:
            if facts.peers[index].pod is None:
                rows.append((facts.everyone,) * len(facts.atoms))
                continue
            placed = bool(facts.placed >> index & 1)
            key = (placed, *(step.number for step in steps[index]))
            if key not in known:
                known[key] = self._dropped(walk.row(steps[index], placed=placed), facts, direction)
            rows.append(known[key])
        return tuple(rows)

    def _dropped(self, row: Row, facts: Facts, direction: Direction) -> Row:
        """Take out the tunnel packets that Felix drops from every pod."""
        if not self._encapsulation or direction is not Direction.EGRESS:
            return row
        tunnel = (VXLAN_PORT, VXLAN_PORT)
        return tuple(
            0 if atom.protocol == UDP and atom.ports == tunnel else allowed
            for allowed, atom in zip(row, facts.atoms, strict=True)
        )


class _Truths:
    """Which selectors hold for pods and for what else stands behind an address: the heart of a signature.

    Pods of equal labels are asked once; a truth is the set of the selectors that hold, as a number of its own.
    """

    def __init__(self, named: Named, ends: Ends, pods: Iterable[Pod]) -> None:
        self._place: dict[Hashable, int] = {}
        sets: dict[tuple[tuple[str, str], ...], int] = {}
        self._numbers: dict[Hashable, int] = {}
        for pod in pods:
            key = _key(pod)
            if key not in self._place:
                kept = tuple(sorted(ends.of_pod(pod).items()))
                self._place[key] = sets.setdefault(kept, len(sets))
        distinct = [dict(labels) for labels in sets]
        self._subjects = _held(named.subjects, distinct)
        self._peers = _held(named.peers, distinct)
        self._others = _held(named.peers, ends.others)
        self._hosts = ends.hosts
        self._naming = frozenset(i for i, node in enumerate(named.peers) if node in named.naming)

    def of(self, pod: Pod | None, behind: Sequence[int]) -> int:
        """Give the number of what holds for a peer of this pod and of what is ``behind`` its address."""
        place = self._place[_key(pod)] if pod is not None else None
        subjects = self._subjects[place] if place is not None else ()
        chosen = self._peers[place] if place is not None else ()
        own = set(chosen).union(*(self._others[other] for other in behind if other < self._hosts))
        if behind:
            chosen = tuple(sorted({*chosen, *(i for other in behind for i in self._others[other])}))
        named = frozenset(own & self._naming)
        return self._numbers.setdefault((subjects, chosen, named), len(self._numbers))


def _mark(
    rule: ScopedRule, ports: _Marks, sources: _Marks, icmp: dict[int, set[tuple[int, int, int]]]
) -> None:
    """Add the boundaries that one rule draws."""
    protocols = PORTED if rule.protocol is None else {rule.protocol}
    for protocol in protocols & PORTED:
        ports.setdefault(protocol, set()).update(_numbers(rule.destination))
        sources.setdefault(protocol, set()).update(_numbers(rule.source))
    for wanted in (rule.icmp, rule.not_icmp):
        if wanted is not None and rule.protocol is not None:
            low, high = (0, 255) if wanted[1] is None else (wanted[1], wanted[1])
            icmp.setdefault(rule.protocol, set()).add((wanted[0], low, high))


def _key(pod: Pod) -> Hashable:
    return (pod.namespace, pod.service_account, frozenset(pod.labels.items()))


def _held(nodes: Sequence[Node], label_sets: Sequence[Mapping[str, str]]) -> list[tuple[int, ...]]:
    """Give for each label set the places of the selectors that match it, ascending."""
    columns = Columns(label_sets)
    found: list[list[int]] = [[] for _ in label_sets]
    for number, node in enumerate(nodes):
        for place in positions(columns.holding(node)):
            found[place].append(number)
    return [tuple(listed) for listed in found]


def _numbers(entity: ScopedEntity) -> set[tuple[int, int]]:
    return {p for p in (*entity.ports, *entity.not_ports) if isinstance(p, tuple)}


def _frozen[T](marks: Mapping[int, set[T]]) -> dict[int, frozenset[T]]:
    return {protocol: frozenset(values) for protocol, values in marks.items()}
