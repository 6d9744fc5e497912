"""Rehearsals of the healthy cluster: to the end and back again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from migrate.driver.books import played_back
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.plan_file import plan_document, plan_of
from migrate.engine.planner import make_plan
from migrate.model.draft import Policies
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeStatus, Phase, RunStatus
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import MOST_TURNS, Ended, Patience, Rehearsal, rehearse
from migrate.simulator.build import world_of
from migrate.simulator.faults import chosen
from migrate.simulator.happenings import happen
from migrate.simulator.probes import SimProber
from migrate.simulator.state import end_state
from migrate.simulator.world import World
from tests import clusters
from tests.films import healthy_snapshot

if TYPE_CHECKING:
    import pytest


def planned(*policies: Mapping[str, Any], **settings: object) -> tuple[Plan, Snapshot]:
    snapshot = healthy_snapshot()
    said = Settings.from_mapping({**clusters.settings(), **settings})
    return make_plan(snapshot, draft(snapshot, said, Policies(objects=policies))), snapshot


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


def test_what_was_written_leads_to_where_the_run_stood() -> None:
    """Plan and records as files give them back: keys of commands, numbers and all."""
    made, snapshot = planned(finalSoak="90s")
    plan = plan_of(json.loads(json.dumps(plan_document(made))))
    ended = rehearse(plan, snapshot)
    stands = played_back(json.loads(json.dumps(ended.records)), plan, ended.run.id)
    assert stands.run == ended.run


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
        assert not [k for k in now["annotations"] if k.startswith("c2c/")]
    assert after["pods"] == before["pods"]
    assert after["ready"] == before["ready"]
    assert after["release"] is None


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
    assert {r["event"]["detail"].get("times") for r in told[1:4]} <= {12, 13}  # every five seconds
    assert all("PDB shop/web lets none go now (owner ReplicaSet web-1)" in r["event"]["text"] for r in told)


def test_an_agent_that_does_not_come_up_sends_its_node_back() -> None:
    plan, snapshot = planned()
    ended = rehearse(plan, snapshot, faults={"agent-never-ready@wrk-1": True})
    assert ended.run.where == "HALTED(node-rolled-back)"
    assert ended.run.nodes["wrk-1"].reason == "agent"
    assert not ended.state["nodes"]["wrk-1"]["unschedulable"]
    assert ended.state["nodes"]["wrk-1"]["files"][0] == "10-calico.conflist"


def test_a_soak_begins_anew_where_the_clock_jumps() -> None:
    plan, snapshot = planned()
    ended = rehearse(plan, snapshot, faults={"clock-jump": 7200})
    assert ended.run.status is RunStatus.DONE
    assert ended.seconds > uninterrupted().seconds
    assert rehearse(plan, snapshot, faults={"clock-jump": -7200}).seconds < uninterrupted().seconds + 3600


class Silence(SimProber):
    """Probe pods that never come up, for a command that has no end of its own."""

    def prepare(self, nodes: Iterable[str], made_for: str = "") -> str:
        del nodes, made_for
        return "probe pods are not Ready"


def test_a_run_that_only_waits_is_given_up_and_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrate.simulator.build.SimProber", Silence)
    monkeypatch.setattr("migrate.rehearsal.MOST_TURNS", 1000)
    ended = rehearse(*planned(deadlines={"commands": {"Probe": "8760h"}}))
    assert ended.run.where == "RUNNING(P3)"
    assert not ended.converged
    assert ended.waits[0][0].startswith("probe pods are not Ready")


def test_patience_counts_turns_where_no_time_passes_and_time_where_nothing_comes_on() -> None:
    plan, _ = planned()
    run = begin("7f3a0000", plan, ["wrk-1"])
    patience = Patience(3600.0)
    assert not any(patience.is_lost(run, 0.0) for _ in range(MOST_TURNS))
    assert patience.is_lost(run, 0.0)
    moved = replace(run, phase=Phase.BACKUP)
    assert not patience.is_lost(moved, 0.0)
    assert not patience.is_lost(moved, 3600.0)
    assert patience.is_lost(moved, 3600.1)


def test_a_node_that_was_deleted_while_the_run_rested_is_waited_for_no_longer() -> None:
    plan, snapshot = planned()
    sim = world_of(snapshot, plan.draft.settings, faults=chosen(["agent-never-ready@wrk-1"]))
    rehearsal = Rehearsal(plan, sim)
    assert rehearsal.begin().where == "HALTED(node-rolled-back)"
    assert rehearsal.resume(Event(Kind.RESUME)).where == "HALTED(nodes-left)"
    happen(sim.world, "node-removed", "wrk-1", value=True)
    run = rehearsal.resume(Event(Kind.RESUME))
    assert run.nodes["wrk-1"].status is NodeStatus.GONE
    assert run.phase.number > Phase.NODE_LOOP.number


def test_nothing_is_changed_outside_the_window_and_the_run_goes_on_when_it_opens() -> None:
    night = {"days": ["mon", "tue", "wed", "thu"], "from": "20:00", "to": "21:30", "timeZone": "UTC"}
    plan, snapshot = planned(waves={**clusters.settings().get("waves", {}), "window": night})
    ended = rehearse(plan, snapshot)
    assert ended.run.status is RunStatus.DONE
    assert ended.seconds > uninterrupted().seconds
    begun = [
        r["time"][11:16]
        for r in ended.records
        if r["kind"] == "intent" and r["command"] in {"Cordon", "HelmUpgrade"}
    ]
    assert len(begun) >= 5
    assert all("20:00" <= time < "21:30" for time in begun)
    told = [r["event"]["text"] for r in ended.records if (r.get("event") or {}).get("kind") == "WindowClosed"]
    assert told
    assert told[0].startswith("the window for changes is closed until Tue 20:00 UTC")


def test_a_node_that_is_out_for_too_long_goes_back() -> None:
    plan, snapshot = planned(deadlines={"node": "5m"})
    ended = rehearse(plan, snapshot, faults={"agent-never-ready@wrk-1": True})
    assert ended.run.where == "HALTED(node-rolled-back)"
    assert ended.run.nodes["wrk-1"].reason == "agent"
    told = [r["event"]["text"] for r in ended.records if (r.get("event") or {}).get("kind") == "TimerFired"]
    assert told == ["wrk-1 is out for longer than 5 min"]


def test_no_node_is_late_where_all_goes_well() -> None:
    kinds = {(r.get("event") or {}).get("kind") for r in uninterrupted().records}
    assert not kinds & {"TimerFired", "WindowClosed"}


def test_a_cluster_whose_nodes_give_addresses_of_their_own_ranges_moves_too() -> None:
    """Canal and IPAM host-local: Calico has no pool. A node that goes back gets such addresses again."""
    snapshot = clusters.snapshot_of(o for o in clusters.healthy() if o["kind"] != "IPPool")
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    ended = rehearse(plan, snapshot)
    assert (ended.run.where, set(ended.state["pods"])) == ("DONE", {"cilium"})
    back = rehearse(plan, snapshot, faults=chosen(["cluster-ip-dead@wrk-1"]))
    assert back.run.where == "HALTED(node-rolled-back)"
    assert back.run.nodes["wrk-1"].status is NodeStatus.ROLLED_BACK


def test_a_chart_that_was_mended_is_given_again_when_the_run_goes_on() -> None:
    """Its values were ours before too, so that nothing of the release itself tells that it may come out otherwise now."""
    plan, snapshot = planned()
    sim = world_of(snapshot, plan.draft.settings, faults=chosen(["watcher-value-lost"]))
    rehearsal = Rehearsal(plan, sim)
    assert rehearsal.begin().where == "HALTED(command)"
    assert rehearsal.resume(Event(Kind.RESUME)).where == "HALTED(command)"
    sim.world.faults.clear()
    assert rehearsal.resume(Event(Kind.RESUME)).where == "DONE"
