"""How far a script has come, and that remembering its keys changes nothing of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.phase_scripts import phase_script
from migrate.engine.planner import make_plan
from migrate.engine.script import Keyed, moved, pending
from migrate.model.commands import Command, Name
from migrate.model.run import NodeStatus, Phase, Run
from migrate.model.settings import Settings
from tests import clusters
from tests.films import healthy_snapshot

COMMANDS = st.lists(
    st.sampled_from([Command(Name.CORDON, n) for n in "abc"] + [Command(Name.PROBE)]), max_size=8
)


@given(script=COMMANDS, done=st.lists(st.integers(0, 9), max_size=8), prefix=st.integers(0, 8))
def test_a_script_with_keys_has_the_same_left_to_do(
    script: list[Command], done: list[int], prefix: int
) -> None:
    keys = [c.key for c in script]
    for said in (tuple(keys[:prefix]), tuple(keys[i] for i in done if i < len(keys))):
        assert list(pending(Keyed(script), said)) == list(pending(tuple(script), said))


def a_run() -> Run:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    return begin("r", plan, sorted(plan.draft.nodes))


def test_a_script_is_made_anew_when_a_node_leaves_or_the_phase_ends() -> None:
    run = replace(a_run(), phase=Phase.ENFORCE, order=("wrk-3", "wrk-1", "wrk-2", "cp-1"))
    first = phase_script(run)
    assert phase_script(run) is first
    gone = replace(run, nodes={**run.nodes, "wrk-1": replace(run.nodes["wrk-1"], status=NodeStatus.GONE)})
    assert {c.node for c in phase_script(gone)} == {"", "wrk-3", "wrk-2", "cp-1"}
    assert phase_script(replace(run, phase=Phase.FINAL_HELM)) != first
    assert phase_script(run) == first
    assert phase_script(replace(a_run(), phase=Phase.ENFORCE, order=run.order)) == first


def test_nodes_that_joined_later_follow_the_order() -> None:
    run = a_run()
    late = replace(run.nodes["wrk-2"], status=NodeStatus.DONE)
    run = replace(run, order=("wrk-3",), nodes={**run.nodes, "wrk-2": late})
    assert moved(run) == ["wrk-3", "wrk-2"]
