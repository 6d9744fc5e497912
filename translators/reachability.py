"""Who can talk to whom, before and after: the picture of the report, judged flow by flow.

Every cell asks both point evaluators about each kind of traffic that a policy can tell apart, between two
classes of peers. The picture shows what the proof has established for every label set; where it had to leave
peers or traffic out to stay readable, it says how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from translators.algebra.cidrs import Address, to_cidrs
from translators.algebra.space import AddressAtom, AtomKind, Space, TrafficKind, Vocabulary
from translators.errors import InputError
from translators.examples import PodClass, calico_selectors, cilium_selectors, pod_classes
from translators.flows import Flow, FlowVerdict, Peer, PeerKind, Verdict
from translators.policyset import CALICO, CILIUM, engine_of
from translators.proof.vocabulary import cilium_vocabulary, source_vocabulary
from translators.report import Matrix, MatrixLabel
from translators.selectors.ast import Node
from translators.semantics.calico.labels import pod_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.labels import identity_labels
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.settings import Options
from translators.source import Document, iterate
from translators.world import AddressPlan, Pod, World
from translators.worldbuilder import build_world

__all__ = ["reachability"]

MAX_PODS = 24
MAX_NETWORKS = 8
MAX_JUDGED = 16_000
OTHER_PROTOCOL = 99
IPIP, VXLAN_PORT = 4, 4789
_PORTED = {6: "TCP", 17: "UDP", 132: "SCTP"}
_ICMP = {1: "ICMP", 58: "ICMPv6"}
Input = Iterable[Document | Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Party:
    """A row and a column of the picture: one peer for each family, by the words under which it is shown."""

    label: MatrixLabel
    peers: Mapping[int, Peer]


class _Point(Protocol):
    def judge(self, flow: Flow) -> FlowVerdict: ...


class _Set(Protocol):
    """One side of the picture, under its own engine."""

    def vocabulary(self) -> Vocabulary: ...

    def selectors(self) -> Iterable[Node]: ...

    def at(self, pod: Pod, world: World) -> _Point: ...


@dataclass(frozen=True, slots=True)
class _Calico:
    policies: CalicoPolicies

    def vocabulary(self) -> Vocabulary:
        return source_vocabulary(self.policies)

    def selectors(self) -> Iterable[Node]:
        return calico_selectors(self.policies)

    def at(self, pod: Pod, world: World) -> _Point:
        """Give the evaluator of one pod, over the policies alone that select it."""
        labels = pod_labels(pod, world)
        tiers = tuple(
            replace(tier, policies=tuple(p for p in tier.policies if selects(p.subject, labels)))
            for tier in self.policies.tiers
        )
        return CalicoPoint(replace(self.policies, world=world, tiers=tiers))


@dataclass(frozen=True, slots=True)
class _Cilium:
    policies: CiliumPolicies

    def vocabulary(self) -> Vocabulary:
        return cilium_vocabulary(self.policies)

    def selectors(self) -> Iterable[Node]:
        return cilium_selectors(self.policies)

    def at(self, pod: Pod, world: World) -> _Point:
        """Give the evaluator of one pod, over the rules alone that select it."""
        identity = identity_labels(pod, world, self.policies.config)
        rules = tuple(r for r in self.policies.rules if not r.of_nodes and r.subject.holds(identity))
        return CiliumPoint(replace(self.policies, world=world, rules=rules))


@dataclass(frozen=True, slots=True)
class _End:
    """What both sets say of the flows of one class of pods."""

    before: _Point
    after: _Point


@dataclass(frozen=True, slots=True)
class _Traffic:
    """One kind of traffic: what stands for it in a packet, and what it is part of in words."""

    kind: TrafficKind
    name: str = ""


def reachability(
    before: Input,
    after: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> Matrix:
    """Give the matrix of two sets over classes of peers; which engine reads a set follows from its kinds.

    Kubernetes NetworkPolicies count on the side in which they stand, and alone are Calico's before and Cilium's
    after. Objects that Calico could not read are left out. Cost: at most 16,000 flows. Raises ``InputError`` for a
    side that mixes the engines.
    """
    chosen = options or Options()
    old, new = list(iterate(before)), list(iterate(after))
    around = list(iterate(cluster)) if cluster is not None else []
    world, _ = build_world([*around, *old], plan=plan, is_cluster=cluster is not None)
    tiers = [d for d in around if d.kind == "Tier"]
    sides = [
        _side(documents, engine_of(documents, otherwise), (world, tiers, chosen))
        for documents, otherwise in ((old, CALICO), (new, CILIUM))
    ]
    vocabulary = sides[0].vocabulary()
    vocabulary.add(sides[1].vocabulary())
    larger, classes = pod_classes(world, [n for side in sides for n in side.selectors()], vocabulary)
    space = Space(vocabulary, larger)
    parties = [*_pods(classes), *_others(space, larger)]
    traffic = _traffic(space, vocabulary, classes)
    kinds = traffic[: max(1, MAX_JUDGED // max(1, len(parties) ** 2))]
    drawn = _drawn(parties, [_end(party, sides, larger) for party in parties], kinds)
    hidden = max(0, len(classes) - MAX_PODS)
    return replace(drawn, hidden_classes=hidden, hidden_traffic=len(traffic) - len(kinds))


def _side(
    documents: Sequence[Document], engine: str, facts: tuple[World, Sequence[Document], Options]
) -> _Set:
    world, tiers, options = facts
    if engine == CALICO:
        return _Calico(_readable(world, [*tiers, *documents], options=options))
    return _Cilium(CiliumPolicies.build(world, documents, options.cilium))


def _end(party: _Party, sides: Sequence[_Set], world: World) -> _End | None:
    """Give the evaluators of one class; nothing for what is no pod."""
    pod = next((peer.pod for peer in party.peers.values() if peer.pod is not None), None)
    return None if pod is None else _End(sides[0].at(pod, world), sides[1].at(pod, world))


def _readable(world: World, documents: Sequence[Document], *, options: Options) -> CalicoPolicies:
    kept = []
    for document in documents:
        try:
            CalicoPolicies.build(world, [document], options.calico_version)
        except (InputError, ValueError, TypeError, AttributeError, KeyError):
            continue
        kept.append(document)
    return CalicoPolicies.build(world, kept, options.calico_version)


def _pods(classes: Sequence[PodClass]) -> list[_Party]:
    """Give the largest classes in the order of their namespaces, so that two pictures can be laid side by side."""
    shown = sorted(classes[:MAX_PODS], key=lambda c: (c.pod.namespace, -c.size, sorted(c.labels.items())))
    parties = []
    for item in shown:
        named = ", ".join(f"{k.rpartition('/')[2]}={v}" for k, v in sorted(item.labels.items()))
        peers = {a.family: Peer(PeerKind.POD, a, pod=item.pod) for a in item.pod.addresses}
        parties.append(_Party(MatrixLabel(item.pod.namespace, named or "other pods", item.size), peers))
    return parties


def _others(space: Space, world: World) -> list[_Party]:
    """Give the peers that are no pods: other nodes, and the addresses outside by the networks that name them."""
    found = []
    node = next((n for n in world.nodes.values() if n.addresses), None)
    if node is not None:
        peers = {a.family: Peer(PeerKind.REMOTE, a, node=node) for a in reversed(node.addresses)}
        found.append(_Party(MatrixLabel("cluster", "other nodes", len(world.nodes)), peers))
    atoms = [a for a in space.peer.bits if isinstance(a, AddressAtom) and a.kind is AtomKind.WORLD]
    atoms = [a for a in atoms if a.intervals]
    widest: dict[int, AddressAtom] = {}
    for atom in sorted(atoms, key=_width):
        widest[atom.family] = atom
    if widest:
        rest = {family: Peer(PeerKind.WORLD, _inside(atom)) for family, atom in widest.items()}
        found.append(_Party(MatrixLabel("outside", "world", 0), rest))
    for atom in [a for a in atoms if a not in widest.values()][:MAX_NETWORKS]:
        name = _networks(atom)
        found.append(
            _Party(MatrixLabel("outside", name, 0), {atom.family: Peer(PeerKind.WORLD, _inside(atom))})
        )
    return found


def _width(atom: AddressAtom) -> int:
    return sum(i.last - i.first + 1 for i in atom.intervals)


def _inside(atom: AddressAtom) -> Address:
    largest = max(atom.intervals, key=lambda i: i.last - i.first)
    return Address(largest.family, min(largest.first + 9, largest.last))


def _networks(atom: AddressAtom) -> str:
    texts = [str(cidr) for cidr in to_cidrs(atom.intervals)]
    return texts[0] if len(texts) == 1 else f"{texts[0]} +{len(texts) - 1}"


def _traffic(space: Space, vocabulary: Vocabulary, classes: Sequence[PodClass]) -> list[_Traffic]:
    """Give every kind of traffic, the narrowest first; a port name counts at the number of its pods.

    Tunnels (IPIP, VXLAN) are left out: Calico drops them from every pod whatever its policies say (CAL-L514).
    """
    atoms = sorted(a for a in space.traffic.bits if isinstance(a, TrafficKind) and not _is_tunnel(a))
    atoms.sort(key=lambda a: (a.protocol not in {*_PORTED, *_ICMP}, a.last - a.first, a))
    numbers = {
        (port.name, port.number)
        for item in classes
        for port in item.pod.ports
        if port.name in vocabulary.port_names and port.protocol == "TCP"
    }
    named = [_Traffic(TrafficKind(6, n, n), name) for name, n in sorted(numbers)]
    return [*named, *(_Traffic(atom) for atom in atoms)]


def _is_tunnel(kind: TrafficKind) -> bool:
    return kind.protocol == IPIP or (kind.protocol, kind.first) == (17, VXLAN_PORT)


def _drawn(parties: Sequence[_Party], ends: Sequence[_End | None], kinds: Sequence[_Traffic]) -> Matrix:
    cells = [
        [_cell((row, one), (column, two), kinds) for column, two in zip(parties, ends, strict=True)]
        for row, one in zip(parties, ends, strict=True)
    ]
    before, after, marks = ([tuple(cell[i] for cell in row) for row in cells] for i in range(3))
    labels = tuple(party.label for party in parties)
    return Matrix(labels, labels, tuple(before), tuple(after), tuple(marks))


def _cell(
    row: tuple[_Party, _End | None], column: tuple[_Party, _End | None], kinds: Sequence[_Traffic]
) -> tuple[str, str, str]:
    """Give what is allowed before and after in words, and the mark; empty text is nothing, ``-`` not asked."""
    (sender, out), (receiver, into) = row, column
    if out is None and into is None:
        return "-", "-", ""
    flows = [(kind, _flow(sender, receiver, kind.kind)) for kind in kinds]
    asked = [(kind, flow) for kind, flow in flows if flow is not None]
    old = out.before if out else None, into.before if into else None
    new = out.after if out else None, into.after if into else None
    before = [kind for kind, flow in asked if _allows(flow, *old)]
    after = [kind for kind, flow in asked if _allows(flow, *new)]
    opens = any(kind not in before for kind in after)
    closes = any(kind not in after for kind in before)
    mark = "±" if opens and closes else "+" if opens else "–" if closes else ""
    every = [kind for kind, _ in asked]
    return _words(before, every), _words(after, every), mark


def _allows(flow: Flow, out: _Point | None, into: _Point | None) -> bool:
    sent = out.judge(flow).egress if out else None
    if sent is not None and sent.verdict is Verdict.DENY:
        return False
    received = into.judge(flow).ingress if into else None
    return received is None or received.verdict is Verdict.ALLOW


def _flow(row: _Party, column: _Party, kind: TrafficKind) -> Flow | None:
    shared = sorted(set(row.peers) & set(column.peers))
    implied = {1: 4, 58: 6}.get(kind.protocol)
    if not shared or (implied is not None and implied not in shared):
        return None
    family = implied or shared[0]
    is_icmp = kind.protocol in _ICMP
    return Flow(
        source=row.peers[family],
        destination=column.peers[family],
        protocol=kind.protocol or OTHER_PROTOCOL,
        port=kind.first if kind.protocol in _PORTED else 0,
        source_port=33_000 if kind.protocol in _PORTED else 0,
        icmp_type=kind.first if is_icmp else 0,
        icmp_code=kind.codes[0][0] if is_icmp else 0,
        family=family,
    )


def _words(allowed: Sequence[_Traffic], asked: Sequence[_Traffic]) -> str:
    """Say what is allowed: ``all``, nothing, or the traffic by protocol with neighbouring ranges joined."""
    if not allowed:
        return ""
    if len(allowed) == len(asked):
        return "all"
    denied = [item for item in asked if item not in allowed]
    text, without = _listed(allowed, asked), f"all but {_listed(denied, asked)}"
    return min(text, without, key=len)


def _listed(allowed: Sequence[_Traffic], asked: Sequence[_Traffic]) -> str:
    parts = []
    for number in dict.fromkeys(item.kind.protocol for item in allowed if not item.name):
        own = [item.kind for item in allowed if item.kind.protocol == number and not item.name]
        every = [item for item in asked if item.kind.protocol == number and not item.name]
        parts.append(_protocol(number, own, whole=len(own) == len(every)))
    names = sorted({item.name for item in allowed if item.name})
    return "; ".join([*parts, *([f"ports called {', '.join(names)}"] if names else [])])


def _protocol(number: int, kinds: Sequence[TrafficKind], *, whole: bool) -> str:
    name = _PORTED.get(number) or _ICMP.get(number) or (f"protocol {number}" if number else "other protocols")
    if whole or number not in {*_PORTED, *_ICMP}:
        return name
    if number in _ICMP and any(kind.codes != ((0, 255),) for kind in kinds):
        return f"{name} " + ", ".join(_icmp(kind) for kind in sorted(kinds))
    joined: list[list[int]] = []
    for kind in sorted(kinds):
        if joined and kind.first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], kind.last)
        else:
            joined.append([kind.first, kind.last])
    return f"{name} " + ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in joined)


def _icmp(kind: TrafficKind) -> str:
    types = str(kind.first) if kind.first == kind.last else f"{kind.first}–{kind.last}"
    if kind.codes == ((0, 255),):
        return types
    return f"{types}/" + ",".join(str(a) if a == b else f"{a}–{b}" for a, b in kind.codes)
