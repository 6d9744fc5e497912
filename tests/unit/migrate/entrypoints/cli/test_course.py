"""How far and how long a run is driven."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.entrypoints.cli.course import Course, course_of, far_enough
from migrate.errors import Failure
from migrate.model.plan import Plan
from migrate.model.run import NodeStatus, Phase, Run
from migrate.model.settings import Settings
from tests import clusters
from tests.films import healthy_snapshot

NOTHING = {"until": "", "wait": False, "deadline": "", "on_hangup": None, "metrics": "", "log_file": ""}


def a_plan() -> Plan:
    snapshot = healthy_snapshot()
    return make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))


def after(run: Run, *done: str, phase: Phase = Phase.NODE_LOOP) -> Run:
    nodes = {n: replace(s, status=NodeStatus.DONE) if n in done else s for n, s in run.nodes.items()}
    return replace(run, nodes=nodes, phase=phase)


def test_a_run_goes_as_far_as_is_said() -> None:
    plan = a_plan()
    run = begin("r", plan, sorted(plan.draft.nodes))
    first, second = plan.draft.waves[0][0], plan.draft.waves[1][0]
    for words in ("canary", "wave-1", first):
        assert not far_enough(plan, words)(run)
        assert far_enough(plan, words)(after(run, first))
    assert not far_enough(plan, second)(after(run, first))
    assert far_enough(plan, "P5")(after(run, phase=Phase.FINAL_HELM))
    assert not far_enough(plan, "P5")(after(run))


@pytest.mark.parametrize(("said", "near"), [("wrk-01", "wrk-1"), ("wave1", "wave-1"), ("canari", "canary")])
def test_what_the_plan_does_not_have_is_refused_with_what_was_meant(said: str, near: str) -> None:
    with pytest.raises(Failure) as found:
        far_enough(a_plan(), said)
    assert f"did you mean {near}?" in found.value.fix


def test_options_become_a_course() -> None:
    said = {**NOTHING, "wait": True, "deadline": "1h30m", "metrics": "127.0.0.1:0", "other": 1}
    assert course_of(said) == Course("", True, 5400.0, "", "127.0.0.1:0")
    assert said == {"other": 1}


def test_a_duration_without_a_unit_is_refused() -> None:
    with pytest.raises(Failure, match="--deadline 8"):
        course_of({**NOTHING, "deadline": "8"})
