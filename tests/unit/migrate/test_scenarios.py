"""Each failure mode that a simulator can show: found, stopped or repaired as written in ``fixtures/scenarios.yaml``."""

from __future__ import annotations

from functools import cache

import pytest

from migrate.driver.session import Locked
from migrate.model.events import Event, Kind
from migrate.model.run import NodeStatus, Phase, RunStatus
from migrate.rehearsal import Ended, Rehearsal, rehearse
from migrate.simulator.build import world_of
from migrate.simulator.faults import FAULTS, chosen
from tests.scenarios import SHORT, Scenario, failures, modes, of_removal, scenarios
from tests.unit.migrate.test_rehearsal import planned

COME_AND_GO = {"node-added", "node-removed", "node-replaced", "machine-keeps-name", "machine-unlabelled"}


@cache
def undisturbed() -> Ended:
    return rehearse(*planned(**SHORT))


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s.name)
def test_a_fault_is_found_stopped_or_repaired_as_written(scenario: Scenario) -> None:
    plan, snapshot = planned(*scenario.policies, **scenario.settings)
    faults = chosen([scenario.name])
    if scenario.ends == "refused":
        with pytest.raises(Locked, match=scenario.said):
            rehearse(plan, snapshot, faults=faults)
        return
    ended = rehearse(plan, snapshot, faults=faults)
    assert ended.run.where == scenario.ends
    if scenario.said:
        assert scenario.said in failures(ended.records)[-1]
    left = {n: str(s.status) for n, s in ended.run.nodes.items() if s.status in OTHERWISE}
    assert left == scenario.nodes
    assert [n for n, node in ended.state["nodes"].items() if node["unschedulable"]] == list(scenario.cordoned)
    assert not [n for n, node in ended.state["nodes"].items() if any("guard" in t for t in node["taints"])]
    assert ended.broken == ()
    if scenario.ends == "DONE" and scenario.name.partition("@")[0] not in COME_AND_GO:
        swept = {"leaked": {}}  # a veth that a fault leaves: no verb of the API alone takes it away
        assert {**ended.state, **swept} == {**undisturbed().state, **swept}


OTHERWISE = {NodeStatus.HALTED, NodeStatus.ROLLED_BACK, NodeStatus.GONE, NodeStatus.SKIPPED}


@pytest.mark.parametrize("scenario", [s for s in scenarios() if s.nodes], ids=lambda s: s.name)
def test_a_node_that_went_back_is_on_calico_as_it_was(scenario: Scenario) -> None:
    ended = rehearse(*planned(*scenario.policies, **scenario.settings), faults=chosen([scenario.name]))
    for name, status in scenario.nodes.items():
        if status == "ROLLED_BACK":
            assert ended.state["nodes"][name]["files"] == ["10-calico.conflist"]
            assert "io.cilium.migration/cilium-default" not in ended.state["nodes"][name]["labels"]


def test_what_leaked_on_a_node_is_swept_where_hands_reach_it() -> None:
    plan, snapshot = planned(**SHORT, nodes={"access": "ssh"})
    sim = world_of(snapshot, plan.draft.settings, faults=chosen(["veth-leaks"]))
    rehearsal = Rehearsal(plan, sim)
    assert rehearsal.begin().where == "DONE"
    assert {host.leaked for host in sim.world.hosts.values()} == {0}


def test_every_fault_has_its_scenario() -> None:
    assert [s.name.partition("@")[0] for s in scenarios()] == list(FAULTS)


def test_every_mode_is_shown_or_strikes_in_the_removal() -> None:
    assert len(modes()) == 53
    shown = {mode for s in scenarios() for mode in s.modes}
    assert shown | of_removal() == set(modes())
    assert not shown & of_removal()


LASTING = {
    "addresses-move-late", "autodetection-moves", "calico-falls", "calico-not-ready", "dns-restarts", "node-not-ready",
    "node-silent", "node-unreachable", "other-driver",
}  # fmt: skip
"""What of them is still so after the fault is gone, and stops the way back too."""
STOPPED = [s for s in scenarios() if s.ends.startswith(("HALTED", "PAUSED"))]


def stopped(scenario: Scenario) -> Rehearsal:
    """Give a run that was stopped by a fault which is over."""
    plan, snapshot = planned(*scenario.policies, **scenario.settings)
    sim = world_of(snapshot, plan.draft.settings, faults=chosen([scenario.name]))
    rehearsal = Rehearsal(plan, sim)
    rehearsal.begin()
    sim.world.faults.clear()
    sim.world.withdrawn.clear()
    sim.world.down_until = 0.0
    sim.journal.full_after = None
    return rehearsal


@pytest.mark.parametrize(
    "scenario", [s for s in STOPPED if s.name.partition("@")[0] not in LASTING], ids=lambda s: s.name
)
def test_wherever_a_run_was_stopped_everything_can_be_taken_back(scenario: Scenario) -> None:
    """By another process too: what the first one had under way is nobody's any more."""
    run = stopped(scenario).resume(Event(Kind.ROLLBACK_REQUESTED))
    assert run.where == "ROLLED_BACK"


def test_wherever_a_run_was_stopped_one_node_can_be_brought_back() -> None:
    """What was under way at another node waits for nobody: the run rests behind it."""
    ends = {}
    for scenario in (s for s in STOPPED if s.name.partition("@")[0] not in LASTING):
        rehearsal = stopped(scenario)
        run = rehearsal.resume()
        moved = [
            n for n, node in run.nodes.items() if node.on_cilium and node.status is not NodeStatus.PENDING
        ]
        if moved and run.phase in {Phase.CANARY, Phase.NODE_LOOP}:
            run = rehearsal.resume(Event(Kind.ROLLBACK_REQUESTED, moved[0]))
            ends[scenario.name] = (run.status, run.nodes[moved[0]].status)
    assert len(ends) > 30
    assert set(ends.values()) == {(RunStatus.PAUSED, NodeStatus.ROLLED_BACK)}, ends


def test_a_run_that_was_stopped_with_a_command_of_its_own_under_way_can_be_aborted() -> None:
    late = next(s for s in STOPPED if s.name.startswith("node-replaced-late"))
    assert stopped(late).resume(Event(Kind.ABORT_REQUESTED)).where == "ABORTED"
