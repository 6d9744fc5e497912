"""What is true of each peer of one universe, as ints whose bit *p* speaks of peer *p*; asked by the matrix.

Labels of identities are indexed by value, so that a selector is answered for all peers at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from translators.algebra.bitsets import bits_at, bits_where
from translators.algebra.cidrs import Cidr
from translators.algebra.memberships import Memberships
from translators.flows import ICMP, ICMPV6, Peer, PeerKind
from translators.semantics.cilium.labels import addresses_of, is_relevant
from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, NAMESPACE_LABELS, Requirement, Selector
from translators.semantics.cilium.shapes import Element, PortMatch, Prefix
from translators.settings import CiliumConfig
from translators.universe import TrafficAtom
from translators.world import Pod, World

__all__ = [
    "NUMBERS",
    "PORTED",
    "Columns",
    "Facts",
    "Identities",
    "called",
    "has_own_identity",
    "is_api_server",
    "reserved",
]

NUMBERS: Mapping[str, int] = {"TCP": 6, "UDP": 17, "SCTP": 132}
PORTED = frozenset(NUMBERS.values())
_ENTITY_KINDS = {
    "world": frozenset({PeerKind.WORLD}),
    "host": frozenset({PeerKind.HOST}),
    "remote-node": frozenset({PeerKind.REMOTE}),
    "all": frozenset(PeerKind),
    "none": frozenset[PeerKind](),
}
_ON_NODES = frozenset({PeerKind.HOST, PeerKind.REMOTE})
_RESERVED = {PeerKind.HOST: "host", PeerKind.REMOTE: "remote-node"}


class Columns:
    """An index from label to the label sets that carry it: bit *i* of an answer is label set *i*."""

    def __init__(self, label_sets: Sequence[Mapping[str, str]]) -> None:
        """Index the sets."""
        self._size = len(label_sets)
        self._everyone = (1 << self._size) - 1
        self._places: dict[str, dict[str, list[int]]] = {}
        for place, labels in enumerate(label_sets):
            for key, value in labels.items():
                self._places.setdefault(key, {}).setdefault(value, []).append(place)
        self._known: dict[Requirement, int] = {}

    def holding(self, selector: Selector) -> int:
        """Give the label sets that meet every requirement."""
        found = self._everyone
        for requirement in selector.requirements:
            if requirement not in self._known:
                self._known[requirement] = self._meeting(requirement)
            found &= self._known[requirement]
        return found

    def _meeting(self, requirement: Requirement) -> int:
        values = self._places.get(requirement.key, {})
        match requirement.operator:
            case "In":
                return self._with(values, requirement.values)
            case "NotIn":
                return self._everyone & ~self._with(values, requirement.values)
            case "Exists":
                return self._with(values, values)
        return self._everyone & ~self._with(values, values)

    def _with(self, values: Mapping[str, Sequence[int]], wanted: Iterable[str]) -> int:
        return bits_at((place for value in wanted for place in values.get(value, ())), self._size)


class Identities:
    """Gives the labels that Cilium keeps of a pod, those left out that no selector asks for."""

    def __init__(self, world: World, config: CiliumConfig, selectors: Iterable[Selector]) -> None:
        """``selectors`` are all that will be asked."""
        self._world = world
        self._setting = config.labels
        self._keys = frozenset(r.key for s in selectors for r in s.requirements)

    def of(self, pod: Pod) -> dict[str, str]:
        """Give the labels of a pod's identity, without source prefixes."""
        namespace = self._world.namespaces.get(pod.namespace)
        found = {k: v for k, v in pod.labels.items() if k in self._keys}
        for key, value in (namespace.labels if namespace else {}).items():
            if NAMESPACE_LABELS + key in self._keys:
                found[NAMESPACE_LABELS + key] = value
        found["io.cilium.k8s.policy.serviceaccount"] = pod.service_account
        found[NAMESPACE] = pod.namespace
        found[CLUSTER] = "default"
        return {k: v for k, v in found.items() if k in self._keys and is_relevant(k, self._setting)}


class Facts:
    """Answers about one list of peers and one list of atoms; each distinct question is worked out once."""

    def __init__(
        self,
        world: World,
        config: CiliumConfig,
        elements: Sequence[Element],
        labels: Sequence[Mapping[str, str] | None],
        universe: tuple[Sequence[Peer], Sequence[TrafficAtom]],
        named: Memberships,
    ) -> None:
        """``labels`` are those of each peer's identity, None where the peer is no pod; then peers and atoms.

        ``named``: every network that has an identity of its own.
        """
        peers, atoms = universe
        self.peers = peers
        self.atoms = atoms
        self.everyone = (1 << len(peers)) - 1
        self.local_hosts = bits_where(p.kind is PeerKind.HOST for p in peers)
        self._config = config
        self._world = world
        self._pods = bits_where(own is not None for own in labels)
        self._labels = Columns([own or {} for own in labels])
        self._reserved = Columns(
            [reserved(p, world, config) if own is None else own for p, own in zip(peers, labels, strict=True)]
        )
        self._own = bits_where(has_own_identity(p, world, config, named) for p in peers)
        names = {m.name for e in elements for m in e.traffic or () if m.name}
        self._called = [called(p, names) for p in peers]
        cidrs = dict.fromkeys(c for e in elements for p in e.prefixes for c in (p.cidr, *p.holes))
        self._held = _by_cidr(list(cidrs), peers)
        self._known: dict[Hashable, int] = {}
        self._spoken: dict[Hashable, tuple[int, ...]] = {}

    def _once(self, key: Hashable, values: Iterator[bool]) -> int:
        if key not in self._known:
            self._known[key] = bits_where(values)
        return self._known[key]

    def subjects(self, selector: Selector) -> int:
        """Give the pods that a rule selects."""
        return self._labels.holding(selector) & self._pods

    def peers_of(self, element: Element, *, by_labels: bool = False) -> int:
        """Give the peers that an element speaks of; ``by_labels``: without those that a selector reaches too far."""
        if element.anyone:
            return 0 if by_labels and element.every_group else self.everyone
        found = 0
        for selector in element.selectors:
            found |= self._meant(selector) if by_labels else self._selected(selector)
        for prefix in element.prefixes:
            found |= self._inside(prefix)
        for chosen in element.nodes:
            found |= self._once(("node", chosen), (self._is_node(chosen, p) for p in self.peers))
        for name in element.entities:
            found |= self._once(name, (self._is_entity(name, p) for p in self.peers))
        return found

    def _meant(self, selector: Selector) -> int:
        """Give the pods whose own labels a selector asks for."""
        if any(r.reserved for r in selector.requirements):
            return self._reserved.holding(selector) & self._pods
        return self.subjects(selector)

    def _selected(self, selector: Selector) -> int:
        """Negative namespace terms alone reach whoever has no labels; a reserved key speaks of reserved identities."""
        if any(r.reserved for r in selector.requirements):
            return self._reserved.holding(selector) | (self._own if selector.only_negative else 0)
        nodes = self._nodes_of(selector) if self._config.node_selector_labels else 0
        if selector.over_selects:
            hosts = self.local_hosts if self._config.node_selector_labels else 0
            return self.everyone & ~hosts | nodes
        return self.subjects(selector) | nodes

    def _nodes_of(self, selector: Selector) -> int:
        """Give the nodes, the own one among them, that a selector holds for where nodes are known by their labels."""
        key = ("labels of nodes", selector)
        return self._once(key, (_holds_of_node(selector, p) for p in self.peers))

    def _inside(self, prefix: Prefix) -> int:
        found = self._held[prefix.cidr] & self._reached(prefix)
        for hole in prefix.holes:
            found &= ~self._held[hole]
        if prefix.by_absence and "pods" in self._config.cidr_match_mode:
            kinds = frozenset(PeerKind) - _ON_NODES
            found |= self._of_kinds(kinds | {PeerKind.REMOTE} if self._config.node_selector_labels else kinds)
        return found

    def _reached(self, prefix: Prefix) -> int:
        """Give the peers that a network speaks of at all: the world, and what the match mode adds."""
        modes = self._config.cidr_match_mode
        kinds = {PeerKind.WORLD}
        if "pods" in modes:
            kinds.add(PeerKind.POD)
        if "nodes" in modes and (prefix.cidr.length > 0 or prefix.by_absence):
            kinds |= _ON_NODES
        return self._of_kinds(frozenset(kinds))

    def _of_kinds(self, kinds: frozenset[PeerKind]) -> int:
        return self._once(kinds, (p.kind in kinds for p in self.peers))

    def _is_node(self, selector: Selector, peer: Peer) -> bool:
        return (
            self._config.node_selector_labels
            and peer.kind is PeerKind.REMOTE
            and _holds_of_node(selector, peer)
        )

    def _is_entity(self, name: str, peer: Peer) -> bool:
        if name == "kube-apiserver":
            return is_api_server(peer, self._world)
        if name == "cluster":
            return peer.kind is not PeerKind.WORLD or is_api_server(peer, self._world)
        if name in _ENTITY_KINDS:
            return peer.kind in _ENTITY_KINDS[name]
        return peer.kind is PeerKind.ENTITY and peer.entity == name

    def carried(self, element: Element, subject: int | None) -> Iterator[tuple[int, int]]:
        """Give the atoms that an element carries, each with the peers with which it does.

        ``subject`` is the destination on ingress, None on egress: there a port name depends on the peer, and is
        looked up for those alone whose own labels are meant.
        """
        if element.traffic is None:
            yield from ((place, self.everyone) for place in range(len(self.atoms)))
            return
        yield from ((place, self.everyone) for place in self._numbered(element.traffic))
        if not any(match.name for match in element.traffic):
            return
        meant = self.everyone if subject is not None else self.peers_of(element, by_labels=True)
        for match in element.traffic:
            if match.name:
                yield from ((place, peers & meant) for place, peers in self._named(match, subject))

    def _numbered(self, traffic: tuple[PortMatch, ...]) -> tuple[int, ...]:
        if traffic not in self._spoken:
            self._spoken[traffic] = tuple(
                place
                for place, atom in enumerate(self.atoms)
                if any(atom.protocol in m.protocols and _fits(m, atom) for m in traffic if not m.name)
            )
        return self._spoken[traffic]

    def _named(self, match: PortMatch, subject: int | None) -> Iterator[tuple[int, int]]:
        for place, atom in enumerate(self.atoms):
            if atom.protocol not in match.protocols or atom.protocol not in PORTED:
                continue
            if subject is not None:
                found = self.everyone if _covers(self._called[subject], match.name, atom, match.last) else 0
            else:
                key = (match.name, atom)
                found = self._once(key, (_covers(called, match.name, atom, 0) for called in self._called))
            if found:
                yield place, found


def is_api_server(peer: Peer, world: World) -> bool:
    """Say whether a node or an address outside is one of the API servers."""
    own = peer.kind in _ON_NODES or peer.kind is PeerKind.WORLD
    return own and any(cidr.holds(peer.address) for cidr in world.plan.api_servers)


def called(peer: Peer, names: Iterable[str]) -> frozenset[tuple[str, int, int]]:
    """Give (name, protocol, number) of the ports that rules can name; only pods have any."""
    ports = peer.pod.ports if peer.pod is not None else ()
    return frozenset(
        (p.name, NUMBERS[p.protocol], p.number) for p in ports if p.name in names and p.protocol in NUMBERS
    )


def _by_cidr(cidrs: Sequence[Cidr], peers: Sequence[Peer]) -> dict[Cidr, int]:
    index = Memberships([cidr.interval for cidr in cidrs])
    inside: list[list[int]] = [[] for _ in cidrs]
    for number, peer in enumerate(peers):
        for place in {place for address in addresses_of(peer) for place in index.of(address)}:
            inside[place].append(number)
    return {cidr: bits_at(held, len(peers)) for cidr, held in zip(cidrs, inside, strict=True)}


def _fits(match: PortMatch, atom: TrafficAtom) -> bool:
    if atom.protocol in {ICMP, ICMPV6}:
        low, high = atom.types
        return match.types is None or (low == high and low in match.types)
    low, high = atom.ports
    return atom.protocol not in PORTED or (match.first <= low and high <= match.last)


def _covers(called_ports: frozenset[tuple[str, int, int]], wanted: str, atom: TrafficAtom, last: int) -> bool:
    """Say whether a port of this name holds an atom; ``last`` is the end of a range, which counts on ingress alone."""
    low, high = atom.ports
    return any(
        name == wanted and protocol == atom.protocol and number <= low and high <= max(number, last)
        for name, protocol, number in called_ports
    )


def _holds_of_node(selector: Selector, peer: Peer) -> bool:
    """Ask each requirement of a node's labels and its cluster's name; what is written of pods sees the latter alone."""
    if peer.kind not in _ON_NODES or peer.node is None:
        return False
    known = {**peer.node.labels, CLUSTER: "default"}
    for requirement in selector.requirements:
        seen = known.get(requirement.key)
        if requirement.of_pods and requirement.key != CLUSTER:
            seen = None
        if not requirement.holds({} if seen is None else {requirement.key: seen}):
            return False
    return True


def reserved(peer: Peer, world: World, config: CiliumConfig) -> dict[str, str]:
    """Give the labels of a reserved identity: its name, that it is an API server, and of a node what tells it apart."""
    found = {"kube-apiserver": ""} if is_api_server(peer, world) else {}
    if peer.kind is PeerKind.WORLD and peer.address is not None:
        found[f"world-ipv{peer.address.family}" if config.ipv4 and config.ipv6 else "world"] = ""
    elif name := peer.entity or _RESERVED.get(peer.kind, ""):
        found[name] = ""
    if config.node_selector_labels and peer.kind in _ON_NODES and peer.node is not None:
        found.update(peer.node.labels)
    return found


def has_own_identity(peer: Peer, world: World, config: CiliumConfig, named: Memberships) -> bool:
    """Say whether a peer is none of the reserved identities, which are few and asked one by one."""
    if peer.kind is PeerKind.WORLD:
        return is_api_server(peer, world) or bool(named.of(peer.address))
    told_apart = config.node_selector_labels or "nodes" in config.cidr_match_mode
    return peer.kind is PeerKind.POD or (peer.kind is PeerKind.REMOTE and told_apart)
