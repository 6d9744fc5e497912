"""Which node goes first, and what is given up where no node has everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migrate.engine.drafting import in_scope
from migrate.engine.placement import choose_canary
from migrate.model.draft import Canary
from tests import clusters

FEW = ("wrk-1", "wrk-2", "wrk-3")


def shaped(change: Callable[[dict[str, Any]], None] = lambda _: None) -> list[dict[str, Any]]:
    """Give a control-plane node and three workers with ever more pods, changed."""
    objects = [clusters.node("cp-1", "10.0.0.10", control_plane=True)]
    for number, name in enumerate(FEW, start=1):
        objects.append(clusters.node(name, f"10.0.0.1{number}"))
        objects += [
            clusters.pod(
                f"web-{number}{i}", "shop", name, f"10.244.{number}.{i}", owner=("ReplicaSet", "web")
            )
            for i in range(number)
        ]
    for item in objects:
        change(item)
    return objects


def chosen(objects: list[dict[str, Any]], own: str = "", no_go: tuple[str, ...] = ()) -> Canary:
    snapshot = clusters.snapshot_of(objects)
    return choose_canary(snapshot, candidates=in_scope(snapshot), own_node=own, no_go=frozenset(no_go))


def cordoned(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(item: dict[str, Any]) -> None:
        if item["metadata"]["name"] in names:
            item["spec"]["unschedulable"] = True

    return change


def test_the_fewest_pods_go_first() -> None:
    found = chosen(shaped())
    assert found.node == "wrk-1"
    assert found.reasons[0] == "1 pod to move, the fewest"
    assert not found.given_up


@pytest.mark.parametrize(
    ("own", "no_go", "node"),
    [("wrk-1", (), "wrk-2"), ("", ("wrk-1",), "wrk-2"), ("wrk-1", ("wrk-2",), "wrk-3")],
)
def test_neither_the_tools_own_node_nor_one_that_is_stopped(
    own: str, no_go: tuple[str, ...], node: str
) -> None:
    assert chosen(shaped(), own, no_go).node == node


def test_a_cordoned_node_goes_first_only_where_every_other_is_worse() -> None:
    assert chosen(shaped(cordoned("wrk-1"))).node == "wrk-2"
    found = chosen(shaped(cordoned(*FEW)))
    assert (found.node, found.given_up) == ("wrk-1", ("not cordoned",))


def test_a_control_plane_node_goes_first_only_where_there_is_no_other() -> None:
    found = chosen(shaped(), no_go=FEW)
    assert found.node == "cp-1"
    assert found.given_up[0] == "no control-plane node"


def test_no_nodes_no_canary() -> None:
    assert chosen([]).node == ""
