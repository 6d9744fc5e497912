"""Machines that are replaced: each planned one once, its successor proved before the next one goes, and never again."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.programs import ChildPrograms
from migrate.driver.deeds import Absent, Done, Failed, Look, Waiting, Workshop
from migrate.driver.loop import DEEDS
from migrate.driver.rows import rows_of
from migrate.engine.machine import begin
from migrate.engine.script import node_plan
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeRun, NodeStatus, RunStatus
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import Ended, Intervention, Rehearsal, rehearse
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.faults import chosen
from migrate.simulator.happenings import MIGRATION, join
from tests.scenarios import SHORT
from tests.unit.migrate.test_rehearsal import planned

NODES: dict[str, Any] = {"move": "replace", "replace": {"command": ["./replace-machine"]}}


def replacing(**settings: Any) -> tuple[Plan, Snapshot]:
    return planned(**{**SHORT, "nodes": NODES, **settings})


def deletions(ended: Ended) -> Counter[str]:
    """Give how often each node's machine was asked to be deleted."""
    sent = (r for r in ended.records if r["kind"] == "intent" and r["command"] == "DeleteMachine")
    return Counter(str(r["node"]) for r in sent)


def outs(ended: Ended) -> list[tuple[str, str]]:
    """Give each move of a node between states, in order."""
    return [
        (str(r["node"]), str(r["after"])) for r in ended.records if r["kind"] == "transition" and r["node"]
    ]


@pytest.mark.parametrize(
    "faults",
    [[], ["machine-unlabelled"], ["machine-keeps-name"], ["machine-unlabelled", "machine-keeps-name"]],
    ids=str,
)
@pytest.mark.parametrize("waves", [{}, {"parallel": 2}, {"canary": {"nodes": 2}}], ids=str)
def test_every_machine_is_replaced_once_and_every_successor_is_proved(
    faults: list[str], waves: dict[str, Any]
) -> None:
    plan, snapshot = replacing(waves=waves)
    ended = rehearse(plan, snapshot, faults=chosen(faults))
    assert ended.run.status is RunStatus.DONE
    assert ended.broken == ()
    assert deletions(ended) == Counter(sorted(plan.draft.nodes)), "each once, and no successor"
    assert set(ended.state["pods"]) == {"cilium"}
    keeps = "machine-keeps-name" in faults
    gone = {n for n, node in ended.run.nodes.items() if node.status is NodeStatus.GONE}
    assert gone == (set() if keeps else set(plan.draft.nodes))
    successors = [n for n, node in ended.run.nodes.items() if node.status is NodeStatus.DONE]
    assert len(successors) == len(plan.draft.nodes)
    proved = [n for n, after in outs(ended) if after == "PROBED"]
    assert sorted(proved) == sorted(successors)
    for node in ended.state["nodes"].values():
        assert node["files"][0] == "05-cilium.conflist"
        assert not node["unschedulable"]


def test_a_machine_goes_only_once_the_successor_of_the_last_one_is_done() -> None:
    """The canary's successor is the canary: nobody else is touched before it is proved."""
    plan, snapshot = replacing()
    told = outs(rehearse(plan, snapshot))
    drained = [i for i, (_, after) in enumerate(told) if after == "DRAINED"]
    done = [i for i, (_, after) in enumerate(told) if after == "DONE"]
    assert len(drained) == len(done) == len(plan.draft.nodes)
    assert all(before < after for before, after in zip(done, drained[1:], strict=False))


def test_one_that_is_labelled_from_its_birth_is_not_drained() -> None:
    plan, snapshot = replacing()
    ended = rehearse(plan, snapshot)
    successors = set(ended.run.nodes) - set(plan.draft.nodes)
    for name in successors:
        assert [after for n, after in outs(ended) if n == name][:2] == ["CNI_SWITCHED", "RECYCLED"]
    sent = {(r["node"], r["command"]) for r in ended.records if r["kind"] == "intent"}
    assert not {n for n, command in sent if command in {"Cordon", "Uncordon", "LabelNode"}} & successors


def test_the_plan_says_what_is_done() -> None:
    plan, _ = replacing()
    for name in plan.draft.nodes:
        steps = [s.command for s in plan.steps if s.node == name and s.phase in {"P4", "P5"}]
        place = steps.index("DeleteMachine")
        assert steps[place + 1] == "AwaitMachine"
        assert not {"LabelNode", "RestartAgent", "Uncordon"} & set(steps)
        assert steps.index("Cordon") < place < steps.index("Probe")


@pytest.mark.parametrize("move", ["drain", "recycle", "replace"])
def test_a_node_that_joins_is_never_replaced(move: str) -> None:
    plan, _ = planned(nodes={**NODES, "move": move})
    run = begin("7f3a0000", plan, sorted(plan.draft.nodes))
    assert node_plan(run, "wrk-1").mode == move
    wanted = "drain" if move == "replace" else move
    assert node_plan(run, "joined-later").mode == wanted
    again = replace(run, nodes={**run.nodes, "wrk-1": NodeRun("wrk-1", prior={"successor": True})})
    assert node_plan(again, "wrk-1").mode == wanted


@pytest.mark.parametrize(
    ("fault", "asked", "where", "status"),
    [
        ("machine-not-followed@wrk-1", Kind.RESUME, "DONE", NodeStatus.GONE),
        ("machine-not-followed@wrk-1", Kind.SKIP_REQUESTED, "HALTED(command)", NodeStatus.GONE),
        ("machine-not-followed@wrk-1", Kind.ROLLBACK_REQUESTED, "HALTED(command)", NodeStatus.GONE),
        ("machine-not-followed@wrk-1", Kind.ABORT_REQUESTED, "ABORTED", NodeStatus.GONE),
        ("machine-stays@wrk-1", Kind.ABORT_REQUESTED, "ABORTED", NodeStatus.ROLLED_BACK),
    ],
)
def test_after_a_halt_nothing_is_taken_back_that_is_gone(
    fault: str, asked: Kind, where: str, status: NodeStatus
) -> None:
    plan, snapshot = replacing()
    course = [
        Intervention(
            Event(asked, "" if asked in {Kind.RESUME, Kind.ABORT_REQUESTED} else "wrk-1", by="alice")
        )
    ]
    ended = rehearse(plan, snapshot, faults=chosen([fault]), course=course)
    assert (ended.run.where.partition(" ")[0], ended.run.nodes["wrk-1"].status) == (where, status)
    assert ended.broken == ()


def test_a_pause_while_a_machine_is_awaited_comes_to_rest_and_goes_on() -> None:
    plan, snapshot = replacing()
    sim = world_of(snapshot, plan.draft.settings)
    pause = Intervention(Event(Kind.PAUSE_REQUESTED, by="alice"), "wrk-1", NodeStatus.DRAINED)
    rehearsal = Rehearsal(plan, sim, course=(pause,))
    run = rehearsal.begin()
    assert run.where == "PAUSED(operator)"
    ended = rehearsal.ended(rehearsal.resume(Event(Kind.RESUME, by="alice")))
    assert ended.run.status is RunStatus.DONE
    assert deletions(ended) == Counter(sorted(plan.draft.nodes))


@pytest.mark.parametrize("faults", [[], ["machine-keeps-name"]], ids=str)
@pytest.mark.parametrize("at", ["DeleteMachine", "AwaitMachine"])
def test_a_process_that_dies_while_a_machine_is_replaced_is_followed_by_one_that_goes_on(
    at: str, faults: list[str]
) -> None:
    plan, snapshot = replacing()
    sim = world_of(snapshot, plan.draft.settings, faults=chosen(faults))

    def dies(driver: Any) -> None:
        waits = [o for o in driver.run.open.values() if o.command.name == at and o.owner == "wrk-1"]
        if waits and not died:
            died.append(at)
            sim.ports().clock.sleep(300)  # the machine goes, and another one comes, while nobody looks
            raise Died

    died: list[str] = []
    rehearsal = Rehearsal(plan, sim, looks_on=dies)
    with pytest.raises(Died):
        rehearsal.begin()
    ended = rehearsal.ended(rehearsal.resume())
    assert ended.run.status is RunStatus.DONE
    assert len(ended.run.nodes) == len(plan.draft.nodes) * (1 if faults else 2)


class Died(Exception):
    """The process is gone."""


# With a real program.


class Steady:
    def monotonic(self) -> float:
        return time.monotonic()


COMMAND = Command(Name.DELETE_MACHINE, "wrk-1")


def workshop(folder: Path, text: str) -> tuple[Workshop, Simulation]:
    path = folder / "replace-machine"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    plan, snapshot = planned(nodes={**NODES, "replace": {"command": [str(path)]}})
    sim = world_of(snapshot, plan.draft.settings)
    sim.world.of("nodes")["", "wrk-1"]["spec"]["providerID"] = "aws:///eu/i-1"
    run = begin("7f3a0000", plan, sorted(plan.draft.nodes))
    uid = sim.world.of("nodes")["", "wrk-1"]["metadata"]["uid"]
    run = replace(run, nodes={**run.nodes, "wrk-1": NodeRun("wrk-1", NodeStatus.DRAINED, prior={"uid": uid})})
    ports = replace(sim.ports(), programs=ChildPrograms(Steady()))  # type: ignore[arg-type]
    return Workshop(ports, plan, run), sim


def looked(work: Workshop, wanted: str = "nothing that is said") -> Look:
    """Look until the answer is no wait any more, or waits for what is wanted."""
    end = time.monotonic() + 20
    while (
        isinstance(look := DEEDS[Name.DELETE_MACHINE].look(work, COMMAND), Waiting)
        and wanted not in look.text
    ):
        assert time.monotonic() < end
        time.sleep(0.02)
    return look


def test_it_is_done_once_the_program_has_ended_well_and_the_node_is_gone(tmp_path: Path) -> None:
    work, sim = workshop(tmp_path, 'echo "$C2C_NODE $C2C_NODE_UID $C2C_PROVIDER_ID $C2C_RUN"')
    uid = work.prior("wrk-1", "uid")
    DEEDS[Name.DELETE_MACHINE].act(work, COMMAND)
    assert looked(work, "its Node is still there") == Waiting(
        "wrk-1: its machine was deleted, its Node is still there"
    )
    sim.world.drop("nodes", ("", "wrk-1"))
    look = looked(work)
    assert isinstance(look, Done)
    assert look.detail["deleted"]
    kept = json.loads(sim.store.files["evidence/wrk-1/replace.json"])
    assert kept["last"] == [f"wrk-1 {uid} aws:///eu/i-1 7f3a0000"]


def test_a_program_that_fails_is_a_failure_and_another_machine_is_never_deleted(tmp_path: Path) -> None:
    work, sim = workshop(tmp_path, "echo no such instance; exit 4")
    DEEDS[Name.DELETE_MACHINE].act(work, COMMAND)
    look = looked(work)
    assert isinstance(look, Failed)
    assert look.text.endswith("ended with 4: no such instance")
    sim.world.of("nodes")["", "wrk-1"]["metadata"]["uid"] = "another"
    DEEDS[Name.DELETE_MACHINE].act(work, COMMAND)
    assert isinstance(looked(work), Done), "it came back under its name: nothing is left to be deleted"
    assert work.ports.programs.look(COMMAND.key) is None
    sim.world.of("nodes")["", "wrk-1"]["metadata"]["labels"][MIGRATION] = "true"
    awaited = DEEDS[Name.AWAIT_MACHINE].look(work, Command(Name.AWAIT_MACHINE, "wrk-1"))
    assert awaited == Done({"followed": True, "again": "another", "labelled": True})
    assert not isinstance(awaited, Absent)


# What joins, and what is looked at meanwhile.


@pytest.mark.parametrize("labelled", [True, False])
def test_a_node_that_joins_with_the_label_is_checked_and_one_without_is_moved(labelled: bool) -> None:
    plan, snapshot = planned(**SHORT)
    sim = world_of(snapshot, plan.draft.settings, faults={"slow-pull@nowhere": True})  # at a run's own pace
    joined: list[str] = []

    def joins(driver: Any) -> None:
        if driver.run.nodes["wrk-1"].status is NodeStatus.CORDONED and not joined:
            joined.append("wrk-9")
            like = copy.deepcopy(sim.world.of("nodes")["", "wrk-1"])
            agents = [p for p in sim.world.typed.values() if p.node == "wrk-1" and p.of_daemon_set]
            join(sim.world, "wrk-9", like, sim.world.scheduler.nodes["wrk-1"], agents, labelled)

    rehearsal = Rehearsal(plan, sim, looks_on=joins)
    ended = rehearsal.ended(rehearsal.begin())
    assert ended.run.status is RunStatus.DONE
    assert ended.run.nodes["wrk-9"].status is NodeStatus.DONE
    moves = [after for n, after in outs(ended) if n == "wrk-9"]
    assert moves[0] == ("CNI_SWITCHED" if labelled else "PENDING")
    assert ("CORDONED" in moves) is not labelled
    assert "PROBED" in moves
    assert set(ended.state["pods"]) == {"cilium"}


def test_probes_leave_out_a_machine_that_is_gone_and_know_one_that_is_on_cilium_since_its_birth() -> None:
    plan, snapshot = replacing()
    run = begin("7f3a0000", plan, sorted(plan.draft.nodes))
    states = {
        "cp-1": NodeRun("cp-1", NodeStatus.DRAINED, prior={"deleted": True}),
        "wrk-1": NodeRun("wrk-1", prior={"successor": True, "labelled": True}),
        "wrk-2": NodeRun("wrk-2"),
        "wrk-3": NodeRun("wrk-3", NodeStatus.PROBED),
    }
    work = Workshop(world_of(snapshot, plan.draft.settings).ports(), plan, replace(run, nodes=states))
    rows = rows_of(work, Command(Name.PROBE, "wrk-3", {"rows": "node"}))
    assert {r.target for r in rows if r.kind == "cross-node"} == {"wrk-1", "wrk-2", "wrk-3"}
    mixed = rows_of(work, Command(Name.PROBE, args={"rows": "mixed"}))
    assert {(r.source, r.target) for r in mixed if r.kind == "cross-node"} == {
        ("wrk-1", "wrk-2"), ("wrk-2", "wrk-1"), ("wrk-3", "wrk-2"), ("wrk-2", "wrk-3")
    }  # fmt: skip
