"""Hold host policies against each other node by node: both point evaluators over every peer and every atom.

Nothing here is proved for nodes that do not exist yet, so host policies are never better than approximate. A pod
reaches its own node whatever Calico's policies of the node say (``defaultEndpointToHostAction`` Accept, which every
installer sets), while Cilium's host firewall cannot tell it from other pods: that difference shows like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from translators.algebra.cubes import join
from translators.algebra.space import Space, Vocabulary
from translators.flows import Decision, Direction, Flow, Peer, PeerKind, Verdict
from translators.proof.compare import atoms_of, flow_between, peers_of
from translators.proof.points import cube_of
from translators.proof.words import Words, describe
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.universe import Cuts, TrafficAtom
from translators.world import HostEndpoint, Node, World

__all__ = ["HostDifference", "HostsCompared", "compare_hosts"]

MAX_NAMED = 4
HOSTNAME = "kubernetes.io/hostname"
NOBODY = Decision(Verdict.ALLOW, "no host policy")
OWN_PODS = Decision(Verdict.ALLOW, "defaultEndpointToHostAction")


@dataclass(frozen=True, slots=True)
class HostDifference:
    """Traffic of some nodes that the two sets judge differently; ``example`` is one flow of it."""

    direction: Direction
    opens: bool
    source: str
    destination: str
    packets: str
    example: Flow
    calico: Decision
    cilium: Decision


@dataclass(frozen=True, slots=True)
class HostsCompared:
    """How many (node, peer class, atom) points were judged on both sides, and how they differ."""

    points: int
    differences: tuple[HostDifference, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    flow: Flow
    calico: Decision
    cilium: Decision


def compare_hosts(
    calico: CalicoPolicies, cilium: CiliumPolicies, hosts: Sequence[HostEndpoint], space: Space
) -> HostsCompared:
    """Judge all traffic of the nodes of these host endpoints; ``space`` is the compiler's: it has the words."""
    sides = (CalicoSide(calico), CiliumSide(cilium, of_nodes=True))
    cuts = [side.cuts() for side in sides]
    peers = peers_of(calico.world, cuts)
    judges = CalicoPoint(calico), CiliumPoint(cilium)
    atoms = atoms_of(cuts)
    space = _cut_finer(space, cuts, calico.world)
    total, found = 0, list[HostDifference]()
    for group in _alike(hosts, calico, cilium):
        end = _end(group[0], cilium)
        others = _classes(peers, sides, end)
        for direction in Direction:
            flows = (_flow(end, other, atom, direction) for other, atom in product(others, atoms))
            points = [_judged(flow, direction, judges) for flow in flows if flow is not None]
            total += len(points)
            found += _differences(points, direction, group, (space, calico))
    return HostsCompared(total, tuple(found))


def _cut_finer(space: Space, cuts: Sequence[Cuts], world: World) -> Space:
    """Give a space that tells apart whatever the cuts do, so that a region in words is exact."""
    vocabulary = Vocabulary()
    vocabulary.add(space.vocabulary)
    for item in cuts:
        ports = {protocol: set(marks) for protocol, marks in item.ports.items()}
        icmp = {n: {(t, None if (a, b) == (0, 255) else a) for t, a, b in m} for n, m in item.icmp.items()}
        sources = {mark for marks in item.source_ports.values() for mark in marks}
        vocabulary.add(Vocabulary(networks=set(item.cidrs), ports=ports, icmp=icmp,
                                  source_ports=sources, protocols=set(item.protocols)))  # fmt: skip
    return Space(vocabulary, world)


def _end(host: HostEndpoint, cilium: CiliumPolicies) -> Peer:
    node = _node(host, cilium)
    address = next(iter(host.addresses or node.addresses), None)
    return Peer(PeerKind.HOST_ENDPOINT, address, node=node, host_endpoint=host)


def _node(host: HostEndpoint, cilium: CiliumPolicies) -> Node:
    """Give the node; one that was not read carries at least its name."""
    known = cilium.world.nodes.get(host.node)
    return known or Node(host.node, {**host.labels, HOSTNAME: host.node})


def _alike(
    hosts: Sequence[HostEndpoint], calico: CalicoPolicies, cilium: CiliumPolicies
) -> list[list[HostEndpoint]]:
    """Group the host endpoints that no policy of either side can tell apart."""
    side = CiliumSide(cilium, of_nodes=True)
    groups: dict[object, list[HostEndpoint]] = {}
    for host in hosts:
        key = (calico.selecting(host), host.profiles, side.subjects_of(_node(host, cilium).labels))
        groups.setdefault(key, []).append(host)
    return list(groups.values())


def _classes(peers: Iterable[Peer], sides: tuple[CalicoSide, CiliumSide], end: Peer) -> list[Peer]:
    """Give one peer of each class; the node itself is none, and its own pods are apart from others."""
    node = end.node.name if end.node is not None else ""
    found: dict[object, Peer] = {}
    others = [p for p in peers if p.kind is not PeerKind.HOST and (p.node is None or p.node.name != node)]
    for peer, *told in zip(others, *(side.signatures(others) for side in sides), strict=True):
        found.setdefault((peer.kind, _is_own(peer, node), *told), peer)
    return list(found.values())


def _is_own(peer: Peer, node: str) -> bool:
    return peer.pod is not None and peer.pod.node == node


def _flow(end: Peer, other: Peer, atom: TrafficAtom, direction: Direction) -> Flow | None:
    both = (end.address, other.address)
    if None not in both and both[0].family != both[1].family:  # type: ignore[union-attr]  # neither is None
        return None
    ends = (other, end) if direction is Direction.INGRESS else (end, other)
    return flow_between(*ends, atom)


def _judged(flow: Flow, direction: Direction, judges: tuple[CalicoPoint, CiliumPoint]) -> _Point:
    ingress = direction is Direction.INGRESS
    old, new = (v.ingress if ingress else v.egress for v in (judge.judge(flow) for judge in judges))
    node = flow.destination.node
    own = ingress and node is not None and _is_own(flow.source, node.name)
    return _Point(flow, OWN_PODS if own else old or NOBODY, new or NOBODY)


def _differences(
    points: Iterable[_Point],
    direction: Direction,
    group: Sequence[HostEndpoint],
    facts: tuple[Space, CalicoPolicies],
) -> Iterator[HostDifference]:
    """Put what differs into as few sentences as join: one for what opens, one for what closes, per peer kind."""
    space, calico = facts
    differing: dict[tuple[bool, str], list[_Point]] = {}
    for point in points:
        if point.calico.verdict is not point.cilium.verdict:
            opens = point.cilium.verdict is Verdict.ALLOW
            other = point.flow.source if direction is Direction.INGRESS else point.flow.destination
            own = point.calico is OWN_PODS
            differing.setdefault((opens, f"{other.kind}{own}"), []).append(point)
    nodes = _named(group)
    for (opens, _), members in differing.items():
        cubes = join(space.layout, (_cube(space, p.flow, direction, calico) for p in members))
        source, destination, packets = describe(Words(space, direction), cubes)
        if members[0].calico is OWN_PODS:
            source += " on the same node"
        if direction is Direction.INGRESS:
            destination = nodes
        else:
            source = nodes
        yield HostDifference(
            direction,
            opens,
            source,
            destination,
            packets,
            members[0].flow,
            members[0].calico,
            members[0].cilium,
        )


def _cube(space: Space, flow: Flow, direction: Direction, calico: CalicoPolicies) -> int:
    node = Peer(PeerKind.HOST)
    ends = (flow.source, node) if direction is Direction.INGRESS else (node, flow.destination)
    stand_in = Flow(
        *ends, flow.protocol, flow.port, flow.source_port, flow.icmp_type, flow.icmp_code, flow.family
    )
    return cube_of(space, stand_in, direction, calico.world)


def _named(group: Sequence[HostEndpoint]) -> str:
    names = sorted(h.node or h.name for h in group)
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ("node " if len(names) == 1 else "nodes ") + ", ".join(names[:MAX_NAMED]) + more
