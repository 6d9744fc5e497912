"""A flow of a cube is one that can be: an address outside the cluster is no pod's and no node's."""

from __future__ import annotations

import pytest

from translators.algebra.cidrs import parse_address, parse_cidr
from translators.algebra.space import AddressAtom, AtomKind, SideName, Space, Vocabulary
from translators.flows import Direction, PeerKind
from translators.proof.witness import witnesses
from translators.world import AddressPlan, Node, Pod, World

PLAN = AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), nodes=(parse_cidr("10.0.0.0/24"),), stated=True)
WORLD = World(
    pods=(Pod("a", "web", {}, addresses=(parse_address("10.244.1.4"), parse_address("2001:db8::9"))),),
    nodes={"n1": Node("n1", {}, (parse_address("10.0.0.11"),))},
    plan=PLAN,
)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("203.0.113.0/24", "203.0.113.0"),
        ("10.244.1.4/31", "10.244.1.5"),
        ("10.244.1.4/32", None),
        ("10.0.0.11/32", None),
        ("10.0.0.12/32", "10.0.0.12"),
    ],
)
def test_an_outsider_has_an_address_that_is_nobodys(network: str, address: str | None) -> None:
    interval = parse_cidr(network).interval
    space = Space(Vocabulary(networks={interval}), WORLD)
    outside = space.peer.where(
        lambda a: isinstance(a, AddressAtom) and a.kind is AtomKind.WORLD and a.intervals[:1] == (interval,)
    )
    flows = [flow for _, flow in witnesses(space, space.only(space.peer, outside), Direction.INGRESS, WORLD)]
    assert {str(f.source.address) for f in flows} == ({address} if address else set())
    assert {f.source.kind for f in flows} <= {PeerKind.WORLD}


def test_two_ends_in_namespaces_that_nobody_names_may_want_different_labels_of_them() -> None:
    """World 20261281: with one namespace for both no flow was found, and a difference was lost."""
    vocabulary = Vocabulary()
    for side in SideName:
        vocabulary.namespace_labels[side]["env"] = {"dev"}
    space = Space(vocabulary, World(plan=PLAN))
    labels = {side: space.field(side, "nslabel", "env") for side in SideName}
    cube = space.peers(lambda a: a.kind is AtomKind.POD)
    cube &= space.only(labels[SideName.PEER], labels[SideName.PEER].of_label("dev"))
    cube &= space.only(labels[SideName.SUBJECT], labels[SideName.SUBJECT].of_label(None))
    world, flow = next(witnesses(space, cube, Direction.INGRESS, World(plan=PLAN)))
    assert flow.source.pod is not None
    assert flow.destination.pod is not None
    ends = (flow.source.pod.namespace, flow.destination.pod.namespace)
    assert [world.namespaces[name].labels for name in ends] == [{"env": "dev"}, {}]
