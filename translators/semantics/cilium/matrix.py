"""Judge every class against every class at once: allow and deny sets of peers as integers.

The second evaluator of this package; it shares the normalised rules with ``point`` and nothing else. Labels are
filtered and selectors asked for all peers at once (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from translators.algebra.bitsets import positions
from translators.algebra.memberships import Memberships
from translators.flows import ICMP, ICMPV6, Direction, Peer, PeerKind
from translators.semantics.cilium.facts import (
    NUMBERS,
    PORTED,
    Columns,
    Facts,
    Identities,
    called,
    has_own_identity,
    is_api_server,
    reserved,
)
from translators.semantics.cilium.gather import Applied, Gathering, Row
from translators.semantics.cilium.labels import addresses_of
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import Selector
from translators.universe import Cuts, Matrix, Universe
from translators.world import Pod

__all__ = ["CiliumSide"]


class CiliumSide:
    """One set of Cilium policies, as the comparison of matrices sees it."""

    def __init__(self, policies: CiliumPolicies, *, of_nodes: bool = False) -> None:
        """Collect every distinct selector, prefix and port name once, of rules for pods or for nodes."""
        self._config = policies.config
        self._world = policies.world
        self._rules = [r for r in policies.rules if r.of_nodes is of_nodes]
        self._elements = [
            e
            for r in self._rules
            for section in (r.allows, r.denies)
            for listed in section.values()
            for e in listed
        ]
        self._subjects = list(dict.fromkeys(r.subject for r in self._rules))
        self._selectors = list(dict.fromkeys(s for e in self._elements for s in e.selectors))
        self._nodes = list(dict.fromkeys(s for e in self._elements for s in e.nodes))
        self._identities = Identities(self._world, self._config, (*self._subjects, *self._selectors))
        self._speaks_of_reserved = any(r.reserved for s in self._selectors for r in s.requirements)
        self._named = Memberships([cidr.interval for cidr in sorted(policies.named)])
        self._marks = {cidr.interval for cidr in policies.named} if self._speaks_of_reserved else set()
        self._prefixes = list(dict.fromkeys(p for e in self._elements for p in e.prefixes))
        self._matches = list(dict.fromkeys(m for e in self._elements for m in e.traffic or ()))
        self._names = {m.name for m in self._matches if m.name}

    def cuts(self) -> Cuts:
        """Give every boundary that the rules, or the named ports of the pods, can tell apart."""
        ports: dict[int, set[tuple[int, int]]] = {}
        icmp: dict[int, set[tuple[int, int, int]]] = {}
        for match in self._matches:
            for protocol in match.protocols & PORTED:
                if not match.name:
                    ports.setdefault(protocol, set()).add((match.first, match.last))
            for protocol in match.protocols & {ICMP, ICMPV6}:
                icmp.setdefault(protocol, set()).update((t, 0, 255) for t in match.types or ())
        ends = {name: {m.last for m in self._matches if m.name == name} for name in self._names}
        for pod in self._world.pods:
            for port in pod.ports:
                if port.protocol in NUMBERS and port.name in self._names:
                    ranges = {(port.number, max(port.number, end)) for end in (0, *ends.get(port.name, ()))}
                    ports.setdefault(NUMBERS[port.protocol], set()).update(ranges)
        nets = self._marks | {p.cidr.interval for p in self._prefixes}
        nets |= {hole.interval for p in self._prefixes for hole in p.holes}
        numbers = {n for m in self._matches for n in m.protocols}
        return Cuts(
            frozenset(nets),
            {k: frozenset(v) for k, v in ports.items()},
            {},
            {k: frozenset(v) for k, v in icmp.items()},
            frozenset(numbers),
        )

    def signatures(self, peers: Sequence[Peer]) -> list[Hashable]:
        """Give for each peer everything that some rule can tell of it."""
        truths = _Truths(self._identities, self._subjects, self._selectors, (p.pod for p in peers))
        cidrs = dict.fromkeys(c for p in self._prefixes for c in (p.cidr, *p.holes))
        nets = Memberships([cidr.interval for cidr in cidrs])
        return [
            (
                peer.kind,
                peer.entity,
                is_api_server(peer, self._world),
                truths.of(peer.pod),
                self._networks_of(peer, nets),
                self._of_node(peer),
                self._of_reserved(peer),
                called(peer, self._names),
            )
            for peer in peers
        ]

    def _of_node(self, peer: Peer) -> tuple[bool, ...]:
        """Give what labels of nodes can tell of a peer: which selectors of nodes, and of pods, hold for it."""
        if peer.node is None or not self._config.node_selector_labels:
            return ()
        return tuple(s.holds_of_node(peer.node.labels) for s in (*self._nodes, *self._selectors))

    def _networks_of(self, peer: Peer, nets: Memberships) -> tuple[int, ...]:
        if not self._has_networks(peer):
            return ()
        return tuple(sorted({place for address in addresses_of(peer) for place in nets.of(address)}))

    def _of_reserved(self, peer: Peer) -> Hashable:
        """Give what a reserved key can tell of a peer, where some selector has one."""
        if not self._speaks_of_reserved or peer.pod is not None:
            return ()
        own = has_own_identity(peer, self._world, self._config, self._named)
        return own, frozenset(reserved(peer, self._world, self._config).items())

    def _has_networks(self, peer: Peer) -> bool:
        """Say whether any network of a rule can speak of the peer by its address."""
        mode = {PeerKind.POD: "pods", PeerKind.HOST: "nodes", PeerKind.REMOTE: "nodes"}.get(peer.kind)
        return peer.kind is PeerKind.WORLD or mode in self._config.cidr_match_mode

    def subjects_of(self, labels: Mapping[str, str]) -> frozenset[int]:
        """Give the places of the distinct subjects of rules that a set of labels meets."""
        return frozenset(place for place, subject in enumerate(self._subjects) if subject.holds(labels))

    def matrix(self, universe: Universe, subjects: Iterable[int] | None = None) -> Matrix:
        """Gather allows and denies for every subject; rows stand in the order of ``universe.subjects``."""
        facts = self.facts(universe)
        wanted = range(len(universe.subjects)) if subjects is None else subjects
        indexes = [universe.subjects[i] for i in wanted]
        return {
            d: self._rows(facts, Gathering(facts, self._rules, self._config, d), indexes) for d in Direction
        }

    def facts(self, universe: Universe) -> Facts:
        """Give what is true of the peers of a universe."""
        peers = [c.representative for c in universe.peers]
        labels = [self._identities.of(p.pod) if p.pod is not None else None for p in peers]
        universe_of = (peers, universe.atoms)
        return Facts(self._world, self._config, self._elements, labels, universe_of, self._named)

    def _rows(self, facts: Facts, gathering: Gathering, indexes: Sequence[int]) -> tuple[Row, ...]:
        known: dict[tuple[int, ...], Row] = {}
        rows = []
        applied: Mapping[int, Sequence[Applied]] = gathering.applied(indexes)
        for index in indexes:
            if facts.peers[index].pod is None:
                rows.append((facts.everyone,) * len(facts.atoms))
                continue
            key = tuple(one.number for one in applied[index])
            if key not in known:
                known[key] = gathering.row(applied[index])
            rows.append(known[key])
        return tuple(rows)


class _Truths:
    """Which subjects and peer selectors hold for pods, as a number for each combination.

    Pods of equal labels are asked once.
    """

    def __init__(
        self,
        identities: Identities,
        subjects: Sequence[Selector],
        selectors: Sequence[Selector],
        pods: Iterable[Pod | None],
    ) -> None:
        self._place: dict[Hashable, int] = {}
        sets: dict[tuple[tuple[str, str], ...], int] = {}
        for pod in pods:
            if pod is not None and (key := _key(pod)) not in self._place:
                kept = tuple(sorted(identities.of(pod).items()))
                self._place[key] = sets.setdefault(kept, len(sets))
        columns = Columns([dict(labels) for labels in sets])
        held: list[list[int]] = [[] for _ in sets]
        for number, selector in enumerate((*subjects, *selectors)):
            for place in positions(columns.holding(selector)):
                held[place].append(number)
        numbers: dict[tuple[int, ...], int] = {}
        self._truth = [numbers.setdefault(tuple(listed), len(numbers)) for listed in held]

    def of(self, pod: Pod | None) -> int:
        return -1 if pod is None else self._truth[self._place[_key(pod)]]


def _key(pod: Pod) -> Hashable:
    return (pod.namespace, pod.service_account, frozenset(pod.labels.items()))
