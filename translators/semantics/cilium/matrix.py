"""Judge every class against every class at once: allow and deny sets of peers as integers.

The second evaluator of this package; it shares the normalised rules with ``point`` and nothing else. Labels are
filtered and selectors asked once per class (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from translators.flows import ICMP, ICMPV6, Direction, Peer, PeerKind
from translators.semantics.cilium.labels import is_relevant
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, NAMESPACE_LABELS, Selector
from translators.semantics.cilium.shapes import Element, PortMatch, Prefix, Rule
from translators.universe import Cuts, Matrix, TrafficAtom, Universe
from translators.world import Pod

__all__ = ["CiliumSide"]

_NAMES = {"TCP": 6, "UDP": 17, "SCTP": 132}
_PORTED = frozenset(_NAMES.values())
_ENTITY_KINDS = {
    "world": frozenset({PeerKind.WORLD}),
    "host": frozenset({PeerKind.HOST}),
    "remote-node": frozenset({PeerKind.REMOTE}),
    "all": frozenset(PeerKind),
    "none": frozenset[PeerKind](),
}


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
        self._asked: dict[Hashable, tuple[int, int]] = {}
        self._subjects = list(dict.fromkeys(r.subject for r in self._rules))
        self._selectors = list(dict.fromkeys(s for e in self._elements for s in e.selectors))
        self._nodes = list(dict.fromkeys(s for e in self._elements for s in e.nodes))
        self._prefixes = list(dict.fromkeys(p for e in self._elements for p in e.prefixes))
        self._entities = sorted({name for e in self._elements for name in e.entities})
        self._matches = [m for e in self._elements for m in e.traffic or ()]
        self._names = {m.name for m in self._matches if m.name}

    def cuts(self) -> Cuts:
        """Give every boundary that the rules, or the named ports of the pods, can tell apart."""
        ports: dict[int, set[tuple[int, int]]] = {}
        icmp: dict[int, set[tuple[int, int, int]]] = {}
        for match in self._matches:
            for protocol in match.protocols & _PORTED:
                if not match.name:
                    ports.setdefault(protocol, set()).add((match.first, match.last))
            for protocol in match.protocols & {ICMP, ICMPV6}:
                icmp.setdefault(protocol, set()).update((t, 0, 255) for t in match.types or ())
        for pod in self._world.pods:
            for port in pod.ports:
                if port.protocol in _NAMES:
                    ends = {m.last for m in self._matches if m.name == port.name}
                    ranges = {(port.number, max(port.number, end)) for end in ends}
                    ports.setdefault(_NAMES[port.protocol], set()).update(ranges)
        nets = {p.cidr.interval for p in self._prefixes}
        nets |= {hole.interval for p in self._prefixes for hole in p.holes}
        numbers = {n for m in self._matches for n in m.protocols}
        return Cuts(
            frozenset(nets),
            {k: frozenset(v) for k, v in ports.items()},
            {},
            {k: frozenset(v) for k, v in icmp.items()},
            frozenset(numbers),
        )

    def signature(self, peer: Peer) -> Hashable:
        """Give everything that some rule can tell of a peer."""
        subject, chosen = self._of_labels(peer)
        called = tuple(sorted(self._called(peer)))
        return (
            peer.kind,
            peer.entity,
            self._is_api_server(peer),
            subject,
            chosen,
            tuple(self._inside(p, peer) for p in self._prefixes),
            tuple(self._is_node(s, peer) for s in self._nodes),
            called,
        )

    def _of_labels(self, peer: Peer) -> tuple[int, int]:
        """Give the subjects and peer selectors that match; peers of equal labels are asked once."""
        pod = peer.pod
        key: Hashable = (peer.kind, peer.entity)
        if pod is not None:
            key = (pod.namespace, pod.service_account, frozenset(pod.labels.items()))
        if key not in self._asked:
            labels = self._labels(pod) if pod is not None else None
            subject = _bits(labels is not None and s.holds(labels) for s in self._subjects)
            self._asked[key] = (subject, _bits(self._selected(s, peer, labels) for s in self._selectors))
        return self._asked[key]

    def subjects_of(self, labels: Mapping[str, str]) -> int:
        """Give, as bits, the distinct subjects of rules that a set of labels meets."""
        return _bits(s.holds(labels) for s in self._subjects)

    def matrix(self, universe: Universe, subjects: Iterable[int] | None = None) -> Matrix:
        """Gather allows and denies for every subject; rows stand in the order of ``universe.subjects``."""
        facts = _Facts(self, universe)
        wanted = range(len(universe.subjects)) if subjects is None else subjects
        indexes = [universe.subjects[i] for i in wanted]
        return {
            direction: tuple(self._row(facts, index, direction) for index in indexes)
            for direction in Direction
        }

    def _row(self, facts: _Facts, subject: int, direction: Direction) -> tuple[int, ...]:
        pod = facts.peers[subject].pod
        count = len(facts.universe.atoms)
        if pod is None or self._config.enforcement == "never":
            return (facts.everyone,) * count
        labels = self._labels(pod)
        rules = [r for r in self._rules if direction in r.applies and r.subject.holds(labels)]
        allow, deny = [0] * count, [0] * count
        for rule in rules:
            self._gather(facts, rule.allows.get(direction, ()), (subject, direction), allow)
            self._gather(facts, rule.denies.get(direction, ()), (subject, direction), deny)
        isolated = self._config.enforcement == "always" or any(direction in r.isolates for r in rules)
        base = 0 if isolated else facts.everyone
        if direction is Direction.INGRESS and self._hosts_enter(rules):
            base |= facts.local_hosts
        return tuple((a | base) & ~d for a, d in zip(allow, deny, strict=True))

    def _hosts_enter(self, rules: Sequence[Rule]) -> bool:
        """The local host always reaches its pods, but for two settings."""
        if self._config.allow_localhost == "policy":
            return False
        return bool(rules) or self._config.enforcement != "always"

    def _gather(
        self,
        facts: _Facts,
        elements: Sequence[Element],
        place: tuple[int, Direction],
        into: list[int],
    ) -> None:
        for element in elements:
            peers = facts.peers_of(element)
            if not peers:
                continue
            for atom in range(len(into)):
                into[atom] |= peers & facts.carried(element, atom, place)

    def _labels(self, pod: Pod) -> dict[str, str]:
        namespace = self._world.namespaces.get(pod.namespace)
        found = {k: v for k, v in pod.labels.items() if is_relevant(k, self._config.labels)}
        found |= {NAMESPACE_LABELS + k: v for k, v in (namespace.labels if namespace else {}).items()}
        found["io.cilium.k8s.policy.serviceaccount"] = pod.service_account
        found[NAMESPACE] = pod.namespace
        found[CLUSTER] = "default"
        return found

    def _selected(self, selector: Selector, peer: Peer, labels: Mapping[str, str] | None) -> bool:
        if any(r.reserved for r in selector.requirements):
            return selector.holds(labels if labels is not None else _reserved(peer))
        if selector.over_selects:
            return True
        return selector.holds(labels) if labels is not None else selector.only_negative

    def _inside(self, prefix: Prefix, peer: Peer) -> bool:
        modes = self._config.cidr_match_mode
        nodes = {PeerKind.HOST, PeerKind.REMOTE}
        if prefix.by_absence and "pods" in modes and peer.kind not in nodes:
            return True
        match peer.kind:
            case PeerKind.WORLD:
                reached = True
            case PeerKind.POD:
                reached = "pods" in modes
            case PeerKind.HOST | PeerKind.REMOTE:
                reached = "nodes" in modes and (prefix.cidr.length > 0 or prefix.by_absence)
            case _:
                reached = False
        holes = any(hole.holds(peer.address) for hole in prefix.holes)
        return reached and prefix.cidr.holds(peer.address) and not holes

    def _is_node(self, selector: Selector, peer: Peer) -> bool:
        on = self._config.node_selector_labels and peer.node is not None
        return on and peer.node is not None and selector.holds(peer.node.labels)

    def _is_api_server(self, peer: Peer) -> bool:
        own = peer.kind in {PeerKind.HOST, PeerKind.REMOTE, PeerKind.WORLD}
        return own and any(c.holds(peer.address) for c in self._world.plan.api_servers)

    def _is_entity(self, name: str, peer: Peer) -> bool:
        if name == "kube-apiserver":
            return self._is_api_server(peer)
        if name == "cluster":
            return peer.kind is not PeerKind.WORLD or self._is_api_server(peer)
        if name in _ENTITY_KINDS:
            return peer.kind in _ENTITY_KINDS[name]
        return peer.kind is PeerKind.ENTITY and peer.entity == name

    def _called(self, peer: Peer) -> set[tuple[str, int, int]]:
        """Give (name, protocol, number) of the ports that rules can name; only pods have any."""
        ports = peer.pod.ports if peer.pod is not None else ()
        return {
            (p.name, _NAMES[p.protocol], p.number)
            for p in ports
            if p.name in self._names and p.protocol in _NAMES
        }


class _Facts:
    """What is true of each peer class of one universe, as bits."""

    def __init__(self, side: CiliumSide, universe: Universe) -> None:
        self.side = side
        self.universe = universe
        self.peers = [c.representative for c in universe.peers]
        self.everyone = (1 << len(self.peers)) - 1
        self.local_hosts = _bits(p.kind is PeerKind.HOST for p in self.peers)
        self._labels = [side._labels(p.pod) if p.pod is not None else None for p in self.peers]  # noqa: SLF001
        self._called = [side._called(p) for p in self.peers]  # noqa: SLF001  # the two are one evaluator
        self._known: dict[Hashable, int] = {}

    def _once(self, key: Hashable, values: Iterator[bool]) -> int:
        if key not in self._known:
            self._known[key] = _bits(values)
        return self._known[key]

    def peers_of(self, element: Element) -> int:
        if element.anyone:
            return self.everyone
        found = 0
        for selector in element.selectors:
            found |= self._once(
                selector,
                (
                    self.side._selected(selector, p, own)  # noqa: SLF001
                    for p, own in zip(self.peers, self._labels, strict=True)
                ),
            )
        for prefix in element.prefixes:
            found |= self._once(prefix, (self.side._inside(prefix, p) for p in self.peers))  # noqa: SLF001
        for chosen in element.nodes:
            found |= self._once(("node", chosen), (self.side._is_node(chosen, p) for p in self.peers))  # noqa: SLF001
        for name in element.entities:
            found |= self._once(name, (self.side._is_entity(name, p) for p in self.peers))  # noqa: SLF001
        return found

    def carried(self, element: Element, atom: int, place: tuple[int, Direction]) -> int:
        """Give the peers with which an element carries an atom: on egress a port name depends on the peer."""
        if element.traffic is None:
            return self.everyone
        traffic, found = self.universe.atoms[atom], 0
        for match in element.traffic:
            if traffic.protocol in match.protocols:
                found |= self._through(match, traffic, place)
        return found

    def _through(self, match: PortMatch, atom: TrafficAtom, place: tuple[int, Direction]) -> int:
        if atom.protocol in {ICMP, ICMPV6}:
            low, high = atom.types
            hit = match.types is None or (low == high and low in match.types)
            return self.everyone if hit else 0
        if atom.protocol not in _PORTED:
            return self.everyone
        low, high = atom.ports
        if not match.name:
            return self.everyone if match.first <= low and high <= match.last else 0
        subject, direction = place
        if direction is Direction.INGRESS:
            return self.everyone if _covers(self._called[subject], match, atom) else 0
        key = (match.name, match.last, atom)
        return self._once(key, (_covers(called, match, atom) for called in self._called))


def _covers(called: set[tuple[str, int, int]], match: PortMatch, atom: TrafficAtom) -> bool:
    low, high = atom.ports
    return any(
        name == match.name and protocol == atom.protocol and number <= low and high <= max(number, match.last)
        for name, protocol, number in called
    )


def _reserved(peer: Peer) -> dict[str, str]:
    names = {PeerKind.HOST: "host", PeerKind.REMOTE: "remote-node", PeerKind.WORLD: "world"}
    name = peer.entity or names.get(peer.kind, "")
    return {name: ""} if name else {}


def _bits(values: Iterable[bool]) -> int:
    return sum(1 << index for index, value in enumerate(values) if value)
