"""What a gate is told where the record of the time before is missing: nothing, so that it cannot pass by blindness."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from migrate.driver.deeds import Workshop
from migrate.driver.measure import measure
from migrate.engine.drafting import draft
from migrate.engine.gates import judge_gate
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.engine.script import CALICO, gate
from migrate.model.events import GateOutcome
from migrate.model.run import Phase, RunStatus
from migrate.model.settings import Settings
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot

ADDRESS = "projectcalico.org/IPv4Address"


def workshop(phase: Phase) -> Workshop:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    run = replace(begin("7f3a0000", plan, [n.name for n in snapshot.nodes]), phase=phase)
    return Workshop(world_of(snapshot, plan.draft.settings).ports(None), plan, run)


def outcome(work: Workshop, number: int, node: str = "") -> GateOutcome:
    command = gate(number, node)
    return judge_gate(
        str(command.args["gate"]), measure(work, command), work.plan.draft.settings.gates
    ).outcome


def keep(work: Workshop, name: str, data: object) -> None:
    work.ports.store.write(name, json.dumps(data).encode())


def test_workloads_are_not_judged_without_the_record_of_before() -> None:
    work = workshop(Phase.NODE_LOOP)
    assert outcome(work, 10) is GateOutcome.INCONCLUSIVE
    keep(work, "evidence/baseline.json", {"workloads": {}, "dns_restarts": 0})
    assert outcome(work, 10) is GateOutcome.PASS
    keep(work, "evidence/baseline.json", {"workloads": {"Deployment/shop/web": 3}, "dns_restarts": 0})
    web = work.ports.cluster.get("deployments.apps", "web", "shop")
    assert web is not None
    web["status"]["readyReplicas"] = 2
    assert outcome(work, 10) is GateOutcome.FAIL
    web["spec"]["replicas"] = 2
    assert outcome(work, 10) is GateOutcome.PASS


def test_a_pod_that_crashes_is_its_own_nodes_affair_and_the_clusters() -> None:
    """Of a node its pods alone are read: a cluster of thousands is not listed after each of its nodes."""
    work = workshop(Phase.NODE_LOOP)
    keep(work, "evidence/baseline.json", {"workloads": {}, "dns_restarts": 0})
    world = work.ports.cluster.world  # type: ignore[attr-defined]  # the simulator's
    key, pod = next((k, p) for k, p in world.of("pods").items() if p["spec"]["nodeName"] == "wrk-1")
    pod["status"]["containerStatuses"] = [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    world.waiting[key] = None
    assert outcome(work, 10) is GateOutcome.FAIL
    assert outcome(work, 10, "wrk-1") is GateOutcome.FAIL
    assert outcome(work, 10, "wrk-2") is GateOutcome.PASS


def test_before_that_record_is_made_there_is_nothing_to_fall_back_from() -> None:
    assert outcome(workshop(Phase.PIN_CALICO), 10) is GateOutcome.PASS


def test_a_moved_address_of_calico_is_seen_at_once_though_it_moved_before_the_baseline() -> None:
    work = workshop(Phase.PIN_CALICO)
    assert outcome(work, 12) is GateOutcome.INCONCLUSIVE
    nodes = [dict(n) for n in work.ports.cluster.list("nodes")]
    keep(work, "backup/nodes.json", nodes)
    assert outcome(work, 12) is GateOutcome.PASS
    moved = {**nodes[0]["metadata"], "annotations": {ADDRESS: "10.244.0.1/32"}}
    keep(work, "backup/nodes.json", [{**nodes[0], "metadata": moved}, *nodes[1:]])
    assert outcome(work, 12) is GateOutcome.FAIL


def test_a_row_that_could_not_be_measured_before_is_held_to_what_it_should_be() -> None:
    row = {"kind": "same-node", "source": "wrk-1", "target": "wrk-1", "outcome": "ok"}
    seen = {"results": [row], "baseline": {"same-node wrk-1 → wrk-1": "unmeasured"}}
    limits = workshop(Phase.NODE_LOOP).plan.draft.settings.gates
    assert judge_gate("G-05", seen, limits).outcome is GateOutcome.PASS
    seen["results"] = [{**row, "outcome": "timeout"}]
    assert judge_gate("G-05", seen, limits).outcome is GateOutcome.FAIL


def test_where_pods_do_not_reach_each_other_their_other_rows_say_nothing_more() -> None:
    """So the gate that is named is the one of the cause; a pair that reaches each other is judged as ever."""
    pair = {"source": "wrk-1", "target": "wrk-2"}
    apart = [{**pair, "kind": kind, "outcome": "timeout"} for kind in ("cross-node", "source-address")]
    limits = workshop(Phase.NODE_LOOP).plan.draft.settings.gates
    seen: dict[str, Any] = {"results": apart, "baseline": {}}
    passed = judge_gate("G-06", seen, limits)
    assert (passed.outcome, passed.text) == (
        GateOutcome.PASS,
        "no such row applies; 1 of pods that do not reach each other: G-05",
    )
    assert judge_gate("G-05", seen, limits).failing == (
        "cross-node wrk-1 → wrk-2: timeout",
        "source-address wrk-1 → wrk-2: timeout",
    )
    back = {"source": "wrk-2", "target": "wrk-1", "kind": "source-address", "outcome": "wrong-source"}
    assert judge_gate("G-06", {**seen, "results": [*apart, back]}, limits).failing == (
        "source-address wrk-2 → wrk-1: wrong-source",
    )


def test_what_an_earlier_move_or_way_back_has_left_is_not_judged_again() -> None:
    """A node that went back and is taken up again has probes of its way back on record, all of them good."""
    row = {"kind": "cross-node", "source": "wrk-1", "target": "wrk-2"}
    work = workshop(Phase.NODE_LOOP)
    keep(work, "evidence/wrk-1/probes-back.json", [{**row, "outcome": "ok"}])
    keep(work, "evidence/wrk-1/probes-node.json", [{**row, "outcome": "timeout"}])
    assert outcome(work, 5, "wrk-1") is GateOutcome.FAIL
    limits = work.plan.draft.settings.gates
    back = gate(5, "wrk-1", expect=CALICO)
    assert judge_gate("G-05", measure(work, back), limits).outcome is GateOutcome.PASS


@pytest.mark.parametrize(
    ("phase", "status", "rows"),
    [
        (3, RunStatus.RUNNING, "baseline-again"),
        (4, RunStatus.RUNNING, "mixed"),
        (5, RunStatus.RUNNING, "mixed"),
        (9, RunStatus.RUNNING, "all"),
        (13, RunStatus.RUNNING, "all"),
        (4, RunStatus.ROLLING_BACK, "baseline-again"),
        (14, RunStatus.ROLLING_BACK, "baseline-again"),
    ],
)
def test_a_phase_is_judged_by_its_own_probes(phase: int, status: RunStatus, rows: str) -> None:
    """And the way back by those that are made at its end, wherever the run had been."""
    row = {"kind": "cross-node", "source": "wrk-1", "target": "wrk-2"}
    work = workshop(next(p for p in Phase if p.number == phase))
    work = replace(work, run=replace(work.run, status=status))
    for kind in ("baseline-again", "mixed", "all"):
        keep(work, f"evidence/probes-{kind}.json", [{**row, "outcome": "timeout" if kind == rows else "ok"}])
    assert outcome(work, 5) is GateOutcome.FAIL
