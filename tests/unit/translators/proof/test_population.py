from __future__ import annotations

import pytest

from translators.algebra.cidrs import parse_address, parse_cidr
from translators.algebra.space import AtomKind, SideName, Space, Vocabulary
from translators.flows import Direction
from translators.proof.fields import kinds
from translators.proof.population import Population
from translators.world import AddressPlan, Namespace, Pod, World


def _pod(name: str, number: int, **more: object) -> Pod:
    labels = {"app": name.partition("-")[0]}
    return Pod("shop", name, labels, addresses=(parse_address(f"10.244.0.{number}"),), **more)  # type: ignore[arg-type]


WORLD = World(
    namespaces={"shop": Namespace("shop", {"env": "prod"})},
    pods=(
        _pod("web-1", 1),
        _pod("web-2", 2),
        _pod("db-1", 3),
        _pod("web-3", 4, host_network=True),
        _pod("web-4", 5, finished=True),
    ),
    plan=AddressPlan(pods=(parse_cidr("10.244.0.0/16"),), stated=True),
    is_cluster=True,
)


def _space() -> Space:
    words = Vocabulary(namespaces={"shop"}, networks={parse_cidr("10.244.0.2/32").interval})
    for side in SideName:
        words.labels[side]["app"] = {"web", "db"}
    words.namespace_labels[SideName.PEER]["env"] = {"prod"}
    return Space(words, WORLD)


SPACE = _space()
COUNTED = Population(SPACE, WORLD)
PODS = SPACE.only(SPACE.peer, kinds(SPACE, AtomKind.POD))


def _labelled(side: SideName, value: str) -> int:
    field = SPACE.field(side, "label", "app")
    return SPACE.only(field, field.of([value]))


@pytest.mark.parametrize(("direction", "counts"), [(Direction.INGRESS, (2, 1)), (Direction.EGRESS, (1, 2))])
def test_pods_are_counted_at_the_end_at_which_they_are(direction: Direction, counts: tuple[int, int]) -> None:
    box = PODS & _labelled(SideName.PEER, "web") & _labelled(SideName.SUBJECT, "db")
    assert COUNTED.of(direction, [box]) == counts


def test_an_end_that_is_not_pods_alone_has_no_number() -> None:
    assert COUNTED.of(Direction.INGRESS, [_labelled(SideName.SUBJECT, "web")]) == (None, 2)


def test_a_pod_in_two_boxes_counts_once() -> None:
    web, db = _labelled(SideName.PEER, "web"), _labelled(SideName.PEER, "db")
    assert COUNTED.of(Direction.INGRESS, [PODS & web, PODS & (web | db)]) == (3, 3)


def test_an_address_tells_pods_of_equal_labels_apart() -> None:
    atom = SPACE.peer.where(
        lambda a: (
            a.kind is AtomKind.POD and len(a.intervals) == 1 and a.intervals[0].first == a.intervals[0].last
        )
    )
    assert COUNTED.of(Direction.INGRESS, [SPACE.only(SPACE.peer, atom)])[0] == 1


def test_where_nobody_is_the_number_is_zero() -> None:
    env = SPACE.field(SideName.PEER, "nslabel", "env")
    other = SPACE.only(env, env.mask & ~env.of(["prod"]))
    assert COUNTED.of(Direction.INGRESS, [PODS & other]) == (0, 3)
