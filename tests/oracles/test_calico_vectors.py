"""Calico's own data plane is the judge: every verdict of the vectors by both evaluators, every deciding rule."""

from __future__ import annotations

import pytest

from tests.oracles import worlds
from translators.flows import ICMP, ICMPV6, Direction, Flow, Peer, PeerKind
from translators.proof.compare import atoms_of
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator
from translators.universe import PeerClass, TrafficAtom, Universe

VERSION = (3, 34)
FEWEST = {"worlds": 29_854, "edges": 1_271}


@pytest.mark.parametrize("edges", [False, True], ids=["worlds", "edges"])
def test_the_point_evaluator_gives_the_verdict_and_the_deciding_rule(edges: bool) -> None:
    judged, wrong = 0, []
    for data, is_edge in worlds.lines():
        if is_edge is not edges:
            continue
        world = worlds.load(data, edges=edges)
        evaluator = PointEvaluator(CalicoPolicies.build(world.world, world.documents, VERSION))
        for expected in world.flows:
            judged += 1
            found = evaluator.judge(expected.flow)
            ends = expected.flow.source, expected.flow.destination
            for own, decision, verdict, by in (
                (ends[0], found.egress, expected.egress, expected.egress_by),
                (ends[1], found.ingress, expected.ingress, expected.ingress_by),
            ):
                if verdict is None and decision is not None and is_elsewhere(own, expected.text):
                    continue
                got = decision.verdict.value if decision else None
                if got != verdict or (by and decision and decision.by != by):
                    wrong.append((world.id, got, decision and decision.by, verdict, by))
    assert not wrong, wrong[:5]
    assert judged == FEWEST["edges" if edges else "worlds"]


def is_elsewhere(peer: Peer, text: str) -> bool:
    """Say whether a pod is given by its address alone: it runs on a node that was not asked."""
    return peer.pod is not None and f'"{peer.pod.namespace}/{peer.pod.name}"' not in text


def holds(atom: TrafficAtom, flow: Flow) -> bool:
    """Say whether a flow is of an atom's traffic; a protocol that no policy names is of the last atom."""
    if atom.protocol != flow.protocol:
        return False
    if flow.protocol in {ICMP, ICMPV6}:
        codes = atom.codes[0] <= flow.icmp_code <= atom.codes[1]
        return codes and atom.types[0] <= flow.icmp_type <= atom.types[1]
    sources = atom.source_ports[0] <= flow.source_port <= atom.source_ports[1] or atom.source_ports == (0, 0)
    return sources and atom.ports[0] <= flow.port <= atom.ports[1]


def universe_of(side: CalicoSide, flows: list[Flow]) -> Universe:
    """Give a universe whose peers are the ends of these flows, each a class of its own."""
    ends: dict[tuple[object, ...], Peer] = {}
    for flow in flows:
        for peer in (flow.source, flow.destination):
            ends.setdefault(key(peer), peer)
    peers = tuple(PeerClass(p, 1) for p in ends.values())
    subjects = tuple(i for i, p in enumerate(peers) if p.representative.kind is PeerKind.POD)
    return Universe(peers, subjects, tuple(atoms_of([side.cuts()])))


def key(peer: Peer) -> tuple[object, ...]:
    return (peer.kind, peer.address, peer.entity)


def test_the_matrix_gives_every_verdict() -> None:
    """A tunnel packet is dropped before any policy is asked: the matrix leaves that to its caller."""
    judged, wrong = 0, []
    for data, is_edge in worlds.lines():
        world = worlds.load(data, edges=is_edge)
        side = CalicoSide(CalicoPolicies.build(world.world, world.documents, VERSION))
        universe = universe_of(side, [e.flow for e in world.flows])
        places = {key(p.representative): i for i, p in enumerate(universe.peers)}
        matrix = side.matrix(universe)
        for expected in world.flows:
            flow = expected.flow
            atom = next((i for i, a in enumerate(universe.atoms) if holds(a, flow)), len(universe.atoms) - 1)
            for direction, own, other, verdict, by in (
                (Direction.EGRESS, flow.source, flow.destination, expected.egress, expected.egress_by),
                (Direction.INGRESS, flow.destination, flow.source, expected.ingress, expected.ingress_by),
            ):
                if own.kind is not PeerKind.POD or verdict is None or by == "Encap#drop":
                    continue
                judged += 1
                row = matrix[direction][universe.subjects.index(places[key(own)])][atom]
                if bool(row >> places[key(other)] & 1) is not (verdict == "allow"):
                    wrong.append((world.id, str(direction), verdict, by, expected.text))
    assert not wrong, (len(wrong), wrong[:3])
    assert judged > 40_000
