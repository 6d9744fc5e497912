"""Connections that are held through a run: what ends with a pod of ours is explained, what else ends counts, what is lost is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from migrate.driver import connections
from migrate.driver.deeds import Workshop
from migrate.driver.measure import measure
from migrate.engine.gates import judge_gate
from migrate.engine.machine import begin
from migrate.model.commands import Command, Name
from migrate.model.events import GateOutcome
from migrate.model.run import NodeStatus
from migrate.model.settings import Gates
from migrate.rehearsal import Rehearsal, rehearse
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.faults import chosen
from tests.unit.migrate.test_rehearsal import planned

GATE = Command(Name.EVALUATE_GATE, args={"gate": "G-28"})


@dataclass
class Bench:
    """A cluster of four nodes that hold in a ring, cp-1 → wrk-1 → wrk-2 → wrk-3 → cp-1."""

    sim: Simulation
    work: Workshop

    def judged(self, limits: Gates | None = None) -> tuple[GateOutcome, str]:
        result = judge_gate("G-28", measure(self.work, GATE), limits or Gates())
        return result.outcome, result.text

    def remade(self, node: str, status: NodeStatus) -> None:
        """Make the probe pods of a node anew, as a step does in whose hand the node is so far."""
        self.is_(node, status)
        connections.note(self.work, node, leaves=True)
        self.work.ports.prober.remove(node)
        connections.hold(self.work, node)

    def is_(self, node: str, status: NodeStatus) -> None:
        nodes = self.work.run.nodes
        self.work.run = replace(self.work.run, nodes={**nodes, node: replace(nodes[node], status=status)})

    def restarted(self, node: str) -> None:
        """Let the pod of a node come again by itself, without what it had noted."""
        self.sim.world.held.pop(node)
        self.sim.world.now += 60
        connections.hold(self.work, node)


def bench(**probes: object) -> Bench:
    plan, snapshot = planned(gates={"probes": probes})
    sim = world_of(snapshot, plan.draft.settings)
    work = Workshop(sim.ports(), plan, begin("7f3a0000", plan, sorted(plan.draft.nodes)))
    connections.hold(work)
    return Bench(sim, work)


HELD = "4 connections held from start to end, but for {} that ended with their pods"
PASS, FAIL, BLIND = GateOutcome.PASS, GateOutcome.FAIL, GateOutcome.INCONCLUSIVE


def cut(node: str) -> Callable[[Bench], None]:
    return lambda on: on.sim.world.cut(node)


def note(node: str) -> Callable[[Bench], None]:
    return lambda on: connections.note(on.work, node)


def moved(node: str) -> Callable[[Bench], None]:
    return lambda on: on.remade(node, NodeStatus.CILIUM_READY)


@pytest.mark.parametrize(
    ("course", "outcome", "says"),
    [
        ([], PASS, HELD.format(0)),
        ([moved("wrk-1")], PASS, HELD.format(1)),
        ([moved("wrk-1"), moved("wrk-2"), moved("wrk-3"), moved("cp-1")], PASS, HELD.format(4)),
        ([cut("wrk-1")], FAIL, "cp-1: 1 held connections ended, 0 may; wrk-1: 1 held connections ended, 0 may"),
        ([cut("wrk-1"), moved("wrk-1")], PASS, HELD.format(3)),
        ([cut("wrk-1"), note("wrk-1"), moved("wrk-1")], FAIL, "wrk-1: 1 held connections ended, 0 may"),
        ([moved("wrk-1"), cut("wrk-1"), note("cp-1"), note("wrk-1")], FAIL,
         "cp-1: 1 held connections ended, 0 may; wrk-1: 1 held connections ended, 0 may"),
        ([cut("cp-1"), note("wrk-3"), moved("cp-1")], PASS, HELD.format(3)),
        ([lambda on: on.restarted("wrk-2")], PASS, HELD.format(0)),
        ([note("wrk-2"), lambda on: on.restarted("wrk-2")], BLIND,
         "wrk-2: what its probe pod noted from 2026-01-05T20:00:00Z on is lost"),
        ([lambda on: on.sim.world.held.pop("wrk-2")], BLIND, "wrk-2: its probe pod holds no connection"),
        ([cut("wrk-2"), lambda on: on.remade("wrk-2", NodeStatus.DONE)], FAIL, "wrk-2: 1 held connections ended, 0 may"),
        ([cut("wrk-3"), lambda on: on.is_("wrk-3", NodeStatus.GONE)], PASS,
         "3 connections held from start to end, but for 1 that ended with their pods"),
    ],
)  # fmt: skip
def test_what_ended_is_judged(
    course: list[Callable[[Bench], object]], outcome: GateOutcome, says: str
) -> None:
    on = bench()
    for happens in course:
        happens(on)
    assert on.judged() == (outcome, says)
    assert on.judged() == (outcome, says)  # asked again, nothing is counted twice


def test_as_many_may_end_as_the_budget_says() -> None:
    on = bench(cuts=1)
    on.sim.world.cut("wrk-1")
    limits = on.work.plan.draft.settings.gates
    assert on.judged(limits) == (PASS, f"{HELD.format(0)}, 2 ended as may be")
    on.sim.world.cut("wrk-1")
    assert on.judged(limits)[0] is FAIL


def test_nothing_is_held_where_it_is_not_wanted() -> None:
    on = bench(longLived=False)
    assert on.sim.world.held == {}
    assert on.judged() == (PASS, "no connection was to be held")


def test_the_evidence_names_each_end_that_counts() -> None:
    on = bench()
    on.remade("wrk-2", NodeStatus.CILIUM_READY)
    on.sim.world.cut("wrk-1")
    seen = measure(on.work, GATE)
    assert seen["ended"] == [
        "2026-01-05T20:00:00Z cp-1 → wrk-1: reset",
        "2026-01-05T20:00:00Z wrk-1 → wrk-2: reset",
    ]
    assert seen["moved"] == {"wrk-1": 1}


def test_a_whole_run_explains_what_ended_with_its_own_steps() -> None:
    plan, snapshot = planned()
    sim = world_of(snapshot, plan.draft.settings)
    ended = Rehearsal(plan, sim)
    assert ended.begin().where == "DONE"
    (told,) = [r["event"]["text"] for r in sim.journal.kept if r.get("event", {}).get("gate") == "G-28"]
    assert told.startswith("G-28(window=final): 4 connections held from start to end, but for ")
    assert " 0 that ended" not in told
    assert len([name for name in sim.store.files if name.endswith("connections.json")]) == len(snapshot.nodes)


def test_a_budget_lets_a_run_end_whose_agents_cut_connections() -> None:
    plan, snapshot = planned(gates={"probes": {"cuts": 2}}, audit="1h", finalSoak="1h")
    assert rehearse(plan, snapshot, faults=chosen(["connections-cut@wrk-1"])).run.where == "DONE"
