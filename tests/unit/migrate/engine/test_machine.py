"""The engine as a whole: it comes to the end, goes back from everywhere, and answers every event in every state."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from migrate.engine.machine import step
from migrate.engine.tables import NODE_CELLS, NODE_ROWS, RUN_CELLS, RUN_ROWS
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.run import NodeStatus, RunStatus
from tests.films import Player
from tests.meta.machines import edges, reachable

APPROVED = {"waves": {"canary": {"approval": False}}}


def finished(settings: dict[str, object] | None = None) -> Player:
    player = Player({**APPROVED, **(settings or {})})
    player.send(Event(Kind.START))
    player.play()
    return player


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nodes": {"move": "recycle"}},
        {"nodes": {"move": "recycle", "recycleOrder": "after"}},
        {"nodes": {"reboot": "always"}},
        {"policyInWindow": "bridged"},
        {"waves": {"parallel": 3, "canary": {"approval": False}}},
    ],
    ids=str,
)
def test_a_run_in_which_all_goes_well_ends_with_every_node_done(settings: dict[str, object]) -> None:
    player = finished(settings)
    assert player.run.status is RunStatus.DONE
    assert {n.status for n in player.run.nodes.values()} == {NodeStatus.DONE}
    assert not player.run.open


@pytest.mark.parametrize(
    ("every", "parallel", "asked"), [(1, 1, [1, 2]), (1, 3, [1, 2]), (2, 3, [2]), (3, 2, []), (0, 1, [])]
)
def test_somebody_is_asked_after_every_so_many_nodes(every: int, parallel: int, asked: list[int]) -> None:
    """Of four nodes one is the canary; nobody is asked behind the last, and never are more in hand than were approved."""
    waves = {"parallel": parallel, "approvalEvery": every, "canary": {"approval": False}}
    player = Player({"waves": waves})
    player.send(Event(Kind.START))
    player.play()
    moved = [sum(n.status is NodeStatus.DONE for n in player.run.nodes.values())]
    seen = []
    while player.run.status is RunStatus.PAUSED:
        assert player.run.reason == "approval"
        player.send(Event(Kind.RESUME))
        assert player.run.status is RunStatus.PAUSED, "to resume is not to approve"
        seen.append(player.run.asked)
        player.send(Event(Kind.APPROVE, detail={"id": player.run.asked}))
        player.play()
        moved.append(sum(n.status is NodeStatus.DONE for n in player.run.nodes.values()))
    assert player.run.status is RunStatus.DONE
    assert seen == [f"nodes-{number}" for number in asked]
    assert moved[:-1] == [1 + number for number in asked]


def test_a_finished_run_goes_back_as_a_whole() -> None:
    player = finished()
    player.send(Event(Kind.ROLLBACK_REQUESTED))
    player.play()
    assert player.run.status is RunStatus.ROLLED_BACK
    assert {n.status for n in player.run.nodes.values()} == {NodeStatus.ROLLED_BACK}


@pytest.mark.parametrize(
    ("failure", "halt"),
    [(FailureClass.DENIED, "HALTED(command)"), (FailureClass.PERMANENT, "HALTED(drain)")],
    ids=str,
)
def test_an_eviction_that_is_not_allowed_is_no_matter_of_the_drain(failure: FailureClass, halt: str) -> None:
    player = Player({**APPROVED, "onFailure": "halt"})
    player.send(Event(Kind.START))
    player.play("Evict(")
    evict = player.find("Evict(")
    player.send(Event(Kind.COMMAND_FAILED, evict.node, command=evict, failure=failure))
    player.play("HALTED")
    assert player.run.where == halt


def test_what_is_not_allowed_is_not_undone_either() -> None:
    player = Player({**APPROVED, "onFailure": "rollback-node"})
    player.send(Event(Kind.START))
    player.play("LabelNode(")
    label = player.find("LabelNode(")
    player.send(Event(Kind.COMMAND_FAILED, label.node, command=label, failure=FailureClass.DENIED))
    player.play("HALTED")
    assert player.run.where == "HALTED(command)"
    assert player.run.nodes[label.node].status is NodeStatus.HALTED


def test_a_node_that_somebody_uncordoned_is_cordoned_again_when_the_run_goes_on() -> None:
    player = Player(APPROVED)
    player.send(Event(Kind.START))
    player.play("Evict(")
    node = player.find("Evict(").node
    player.send(Event(Kind.SCHEDULING_CHANGED, node))
    player.play("HALTED")
    assert player.run.where == "HALTED(drift)"
    player.send(Event(Kind.RESUME))
    assert [c.words.partition("(")[0] for c in player.waiting if c.node == node] == ["Cordon"]


def test_a_clean_up_run_goes_forward_only() -> None:
    player = Player(APPROVED, clean_up=True)
    player.send(Event(Kind.START))
    player.send(Event(Kind.ROLLBACK_REQUESTED))
    assert any("R28" in line for line in player.out)
    player.play()
    assert player.run.status is RunStatus.DONE


def test_every_state_answers_every_event_with_rows_that_exist() -> None:
    assert len(RUN_CELLS) == len(RunStatus) * len(Kind)
    for cells, rows in ((RUN_CELLS, RUN_ROWS), (NODE_CELLS, NODE_ROWS)):
        named = {row for cell in cells.values() for row in cell} - {"i", "q", "="}
        assert named == set(rows)


def test_every_state_is_reached_from_the_first_and_every_pair_has_its_cell() -> None:
    runs, nodes = edges(RUN_CELLS, RUN_ROWS, RunStatus), edges(NODE_CELLS, NODE_ROWS, NodeStatus)
    assert reachable(runs, RunStatus.PLANNED) == set(RunStatus)
    assert reachable(nodes, NodeStatus.PENDING) == set(NodeStatus)
    kinds = {kind for _, kind in NODE_CELLS}
    assert set(NODE_CELLS) == {(status, kind) for status in NodeStatus for kind in kinds}


def states() -> list[Player]:
    """Every state on the way of runs of several sorts, each with its commands in flight."""
    return [
        finished(),
        finished({"nodes": {"move": "recycle", "recycleOrder": "after"}}),
        finished({"nodes": {"reboot": "always"}}),
    ]


def test_no_event_in_any_state_on_the_way_is_a_fault() -> None:
    rng = random.Random(7)
    for player in states():
        for run in player.history[:: max(1, len(player.history) // 60)]:
            for kind in Kind:
                for node in ("", *run.nodes):
                    commands = [o.command for o in run.open.values()] or [None]
                    event = Event(
                        kind, node, 5000.0, rng.choice(commands), rng.choice(list(FailureClass)), "G-05",
                        rng.choice(list(GateOutcome)), {"pods": [{"uid": "x", "namespace": "a", "name": "b"}], "id": "canary"},
                    )  # fmt: skip
                    step(run, event)


@pytest.mark.parametrize("seed", range(30))
def test_a_run_among_random_events_can_always_be_brought_to_an_end(seed: int) -> None:
    """Whatever happened, abort, or rollback of everything, or going on leads to rest with nothing cordoned by us."""
    rng = random.Random(seed)
    player = Player(
        rng.choice([APPROVED, {**APPROVED, "onFailure": "halt"}, {**APPROVED, "nodes": {"move": "recycle"}}])
    )
    player.send(Event(Kind.START))
    for _ in range(rng.randint(5, 120)):
        _random_step(player, rng)
    for _ in range(60):
        if player.run.status.terminal or player.run.status is RunStatus.PLANNED:
            break
        if player.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
            player.send(Event(Kind.ROLLBACK_REQUESTED))
        if player.run.status is RunStatus.STOPPING and not player.waiting:
            player.send(Event(Kind.LEASE_ACQUIRED))
        player.play()
    assert player.run.status.terminal, player.run.where


def _random_step(player: Player, rng: random.Random) -> None:
    player.at += rng.choice([1, 1, 1, 60])
    if player.waiting and rng.random() < 0.8:
        command = rng.choice(player.waiting)
        good = player.good(command)
        if rng.random() < 0.85:
            player.send(good)
        elif good.kind is Kind.GATE_RESULT:
            player.send(replace(good, outcome=rng.choice(list(GateOutcome))))
        else:
            failure = rng.choice(list(FailureClass))
            player.send(Event(Kind.COMMAND_FAILED, command.node, command=command, failure=failure))
        return
    kind = rng.choice(
        [k for k in Kind if k not in {Kind.GATE_RESULT, Kind.COMMAND_DONE, Kind.COMMAND_FAILED}]
    )
    node = rng.choice(["", *player.run.nodes])
    player.send(Event(kind, node, detail={"id": "canary", "pods": []}))
