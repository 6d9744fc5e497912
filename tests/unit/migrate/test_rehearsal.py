"""Rehearsals of the healthy cluster: to the end, back again, and killed in between."""

from __future__ import annotations

from functools import cache

import pytest

from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeStatus, RunStatus
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import Ended, Rehearsal, killed_everywhere, rehearse
from migrate.simulator.build import world_of
from migrate.simulator.faults import chosen
from migrate.simulator.state import end_state
from migrate.simulator.world import World
from tests import clusters
from tests.films import healthy_snapshot


def planned(**settings: object) -> tuple[Plan, Snapshot]:
    snapshot = healthy_snapshot()
    return make_plan(
        snapshot, draft(snapshot, Settings.from_mapping({**clusters.settings(), **settings}))
    ), snapshot


def world(*faults: str) -> World:
    """Give the healthy cluster's world with these faults, as the command line names them."""
    plan, snapshot = planned()
    return world_of(snapshot, plan.draft.settings, faults=chosen(faults)).world


@cache
def uninterrupted() -> Ended:
    return rehearse(*planned())


def test_every_pod_ends_on_cilium_and_no_mark_is_left() -> None:
    ended = uninterrupted()
    assert ended.run.status is RunStatus.DONE
    assert set(ended.state["pods"]) == {"cilium"}
    for node in ended.state["nodes"].values():
        assert node["files"][0] == "05-cilium.conflist"
        assert not node["unschedulable"]
        assert not [t for t in node["taints"] if t.startswith("c2c/")]
        assert {k for k in node["annotations"] if k.startswith("c2c/")} <= {"c2c/migrated-at"}
        assert node["config"]["enable-policy"] == "default"
        assert node["config"]["policy-audit-mode"] == "false"
    assert ended.broken == ()


def test_the_way_back_from_the_end_leads_to_where_it_began() -> None:
    plan, snapshot = planned()
    sim = world_of(snapshot, plan.draft.settings)
    before = end_state(sim.world)
    rehearsal = Rehearsal(plan, sim)
    assert rehearsal.begin().status is RunStatus.DONE
    run = rehearsal.resume(Event(Kind.ROLLBACK_REQUESTED, by="alice"))
    assert run.status is RunStatus.ROLLED_BACK
    after = end_state(sim.world)
    for name, node in before["nodes"].items():
        now = after["nodes"][name]
        assert (now["files"], now["labels"], now["taints"]) == (node["files"], node["labels"], node["taints"])
    assert after["pods"] == before["pods"]
    assert after["ready"] == before["ready"]
    assert after["release"] is None


@pytest.mark.parametrize(
    "settings", [{}, {"nodes": {"move": "recycle"}}, {"nodes": {"reboot": "always"}}], ids=str
)
def test_a_run_that_is_killed_anywhere_comes_to_the_same_end(settings: dict[str, object]) -> None:
    plan, snapshot = planned(**settings)
    whole = rehearse(plan, snapshot)
    assert whole.run.status is RunStatus.DONE
    kills = list(killed_everywhere(plan, snapshot, every=23))
    assert len(kills) >= 15
    for number, kind, ended in kills:
        assert ended is not None, (number, kind)
        assert ended.state == whole.state, (number, kind)
        assert ended.run.status is RunStatus.DONE
        assert not ended.broken


def test_a_budget_that_never_frees_halts_the_run_before_its_node_is_cordoned() -> None:
    plan, snapshot = planned()
    ended = rehearse(plan, snapshot, faults={"pdb-never-frees@shop/web": True})
    assert ended.run.where == "HALTED(drain)"
    assert ended.run.nodes["wrk-3"].came_from is NodeStatus.PENDING
    assert not any(n["unschedulable"] for n in ended.state["nodes"].values())
    commands = {r["command"] for r in ended.records if r["kind"] == "intent"}
    assert "Cordon" not in commands


def test_a_refusal_in_the_same_words_is_told_once_a_minute() -> None:
    plan, snapshot = planned()
    ended = rehearse(plan, snapshot, faults={"pdb-never-frees@shop/web": True})
    told = [r for r in ended.records if r["kind"] == "gate" and r["event"]["gate"] == "G-24"]
    minutes = plan.draft.settings.deadlines.drain_s / 60
    assert 2 <= len(told) <= minutes + 2
    assert [r["event"]["detail"].get("times") for r in told[1:4]] == [12, 12, 12]
    assert all("PDB shop/web lets none go now (owner ReplicaSet web-1)" in r["event"]["text"] for r in told)


def test_an_agent_that_crashes_sends_its_node_back() -> None:
    plan, snapshot = planned()
    ended = rehearse(plan, snapshot, faults={"agent-crash-loop@wrk-1": True})
    assert ended.run.status is RunStatus.HALTED
    assert ended.state["nodes"]["wrk-1"]["files"][0] == "10-calico.conflist"
