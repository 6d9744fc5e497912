"""Hooks before a drain: begun where they name a pod, before the first eviction, again by whoever resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.programs import ChildPrograms
from migrate.driver.deeds import Done, Failed, Look, Waiting, Workshop
from migrate.driver.loop import DEEDS
from migrate.engine.machine import begin
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.run import NodeStatus, RunStatus
from migrate.rehearsal import Ended, Intervention, Rehearsal, rehearse
from migrate.simulator.build import Simulation, world_of
from tests.scenarios import SHORT
from tests.unit.migrate.test_rehearsal import planned

DB = {"namespace": "shop", "selector": "app=db", "command": ["./switch-over", "--wait"]}
ELSEWHERE = {"namespace": "elsewhere", "selector": "app=db", "command": ["./never"]}
HOOKS: dict[str, Any] = {"hooks": [ELSEWHERE, DB]}
COMMAND = Command(Name.RUN_HOOK, "wrk-1", {"hook": 2})


def told(ended: Ended, node: str) -> list[str]:
    """Give the commands that went out for a node, as the journal has them, gates left out."""
    sent = (r for r in ended.records if r["kind"] == "intent" and r["node"] == node)
    return [str(r["command"]) for r in sent if r["command"] != "EvaluateGate"]


@pytest.mark.parametrize(
    "nodes", [{}, {"move": "recycle"}, {"move": "recycle", "recycleOrder": "after"}], ids=str
)
def test_a_hook_runs_once_where_it_names_a_pod_before_anything_is_done_there(nodes: dict[str, str]) -> None:
    plan, snapshot = planned(**SHORT, nodes={**HOOKS, **nodes})
    ended = rehearse(plan, snapshot)
    assert ended.run.status is RunStatus.DONE
    for name in plan.draft.nodes:
        steps = [s.command for s in plan.steps if s.node == name]
        there = any(p.node == name and p.labels.get("app") == "db" for p in snapshot.pods)
        sent = told(ended, name)
        assert sent.count("RunHook") == steps.count("RunHook") == int(there)
        if there:
            assert sent[sent.index("RunHook") - 1] == steps[steps.index("RunHook") - 1] == "Cordon"
    assert {s.args["hook"] for s in plan.steps if s.command == "RunHook"} == {2}


def test_without_hooks_no_plan_has_a_step_of_theirs() -> None:
    assert "RunHook" not in {s.command for s in planned()[0].steps}


def test_a_node_whose_hook_fails_goes_back_into_service_with_the_hooks_words() -> None:
    plan, snapshot = planned(**SHORT, nodes=HOOKS)
    ended = rehearse(plan, snapshot, faults={"hook-fails@wrk-2": True})
    assert ended.run.where == "HALTED(node-rolled-back)"
    assert "Evict" not in told(ended, "wrk-2")
    said = [r["event"]["text"] for r in ended.records if r.get("event", {}).get("kind") == "CommandFailed"]
    assert (
        "RunHook(wrk-2, hook=2): ./switch-over ended with 1: ./switch-over: no replica is fit to take over"
        in said
    )
    assert not ended.state["nodes"]["wrk-2"]["unschedulable"]
    assert ended.run.nodes["wrk-2"].status is NodeStatus.ROLLED_BACK


def test_a_budget_that_a_hook_goes_before_keeps_no_node_from_being_drained() -> None:
    """Without one the node waits uncordoned; with one the hook runs, and then the eviction is asked for."""
    settings: dict[str, Any] = {**SHORT, "onFailure": "halt", "deadlines": {"drain": "5m"}}
    faults = {"pdb-never-frees@shop/db": True}
    for nodes, sent in (({}, False), (HOOKS, True)):
        plan, snapshot = planned(**settings, nodes=nodes)
        ended = rehearse(plan, snapshot, faults=faults)
        assert ended.run.where == "HALTED(drain)"
        (halted,) = (n for n, node in ended.run.nodes.items() if node.status is NodeStatus.HALTED)
        assert ("Cordon" in told(ended, halted)) is sent
        assert ("Evict" in told(ended, halted)) is sent
    passed = [
        json.loads(json.dumps(r["event"])) for r in ended.records
        if r["kind"] == "gate" and r["event"]["gate"] == "G-24" and r["event"]["node"] == halted
    ]  # fmt: skip
    assert "once hooks have gone before shop/db-" in passed[-1]["text"]


def test_the_way_back_lets_hooks_go_before_its_own_evictions() -> None:
    plan, snapshot = planned(**SHORT, nodes=HOOKS)
    back = Intervention(Event(Kind.ROLLBACK_REQUESTED, by="alice"))
    ended = rehearse(plan, snapshot, course=[back])
    assert ended.run.status is RunStatus.ROLLED_BACK
    sent = told(ended, "wrk-1")
    assert sent.count("RunHook") == 2
    again = len(sent) - 1 - sent[::-1].index("RunHook")
    assert sent[again - 1 : again + 2] == ["Cordon", "RunHook", "Evict"]


def test_a_process_that_cannot_know_runs_it_again() -> None:
    plan, snapshot = planned(**SHORT, nodes=HOOKS)
    sim = world_of(snapshot, plan.draft.settings)
    begun: list[str] = []

    class Counting(Rehearsal):
        def _ports(self, journal: Any) -> Any:
            ports = super()._ports(journal)
            whole = ports.programs.begin

            def counted(name: str, *about: Any) -> None:
                begun.append(name)
                whole(name, *about)
                if len(begun) == 1:
                    raise Killed

            return replace(ports, programs=Programs(counted, ports.programs.look))

    rehearsal = Counting(plan, sim)
    with pytest.raises(Killed):
        rehearsal.begin()
    assert rehearsal.resume().status is RunStatus.DONE
    assert begun[0] == begun[1]
    assert len(begun) == len(set(begun)) + 1


class Killed(Exception):
    """The process is gone."""


class Programs:
    """Programs whose begin is another one."""

    def __init__(self, begin: Any, look: Any) -> None:
        self.begin, self.look = begin, look


# With real programs.


class Steady:
    """The simulated clock stands still while a real program works: its limit is measured here."""

    def monotonic(self) -> float:
        return time.monotonic()


def workshop(folder: Path, text: str, **settings: Any) -> tuple[Workshop, Simulation]:
    path = folder / "switch-over"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    hook = {**DB, "command": [str(path), "--wait"]}
    plan, snapshot = planned(nodes={"hooks": [ELSEWHERE, hook]}, **settings)
    sim = world_of(snapshot, plan.draft.settings)
    ports = replace(sim.ports(), programs=ChildPrograms(Steady()))  # type: ignore[arg-type]
    return Workshop(ports, plan, begin("7f3a0000", plan, sorted(plan.draft.nodes))), sim


def carried_out(work: Workshop) -> Look:
    deed = DEEDS[Name.RUN_HOOK]
    deed.act(work, COMMAND)
    end = time.monotonic() + 20
    while isinstance(look := deed.look(work, COMMAND), Waiting):
        assert time.monotonic() < end
        time.sleep(0.02)
    return look


@pytest.mark.parametrize(
    ("text", "settings", "failed"),
    [
        ('echo "$C2C_RUN $C2C_NODE $C2C_NAMESPACE/$C2C_PODS $1"', {}, None),
        ("echo token=abc123; echo no replica; exit 2", {}, "ended with 2: token=<redacted> no replica"),
        (
            "sleep 60",
            {"deadlines": {"commands": {"RunHook": "2s"}}},
            "did not end in its time and was killed",
        ),
    ],
)
def test_what_it_said_is_evidence(
    tmp_path: Path, text: str, settings: Mapping[str, Any], failed: str | None
) -> None:
    work, sim = workshop(tmp_path, text, **settings)
    look = carried_out(work)
    kept = json.loads(sim.store.files["evidence/wrk-1/hook-2.json"])
    if failed is None:
        assert isinstance(look, Done)
        assert kept["last"] == ["7f3a0000 wrk-1 shop/db-0 --wait"]
        assert kept["exit"] == 0
    else:
        assert isinstance(look, Failed)
        assert look.text == f"{tmp_path}/switch-over {failed}"
        assert "abc123" not in json.dumps(kept)


def test_nothing_is_begun_where_its_pods_have_left_meanwhile(tmp_path: Path) -> None:
    work, sim = workshop(tmp_path, "exit 1")
    for key in [k for k, p in sim.world.typed.items() if p.labels.get("app") == "db"]:
        sim.world.forget(key)
    assert isinstance(carried_out(work), Done)
    assert work.ports.programs.look(COMMAND.key) is None
