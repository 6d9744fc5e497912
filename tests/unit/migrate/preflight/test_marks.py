"""What a run writes into the cluster is what preflight reads there of an earlier run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.adapters.mirror_configmap import _packed
from migrate.driver.books import Standing, mirrored
from migrate.engine.machine import begin
from migrate.model.resources import Resource
from migrate.model.run import RunStatus
from migrate.preflight.views_marks import ENDED, run_of, state_of
from tests.unit.migrate.test_rehearsal import planned


@pytest.mark.parametrize("status", [s for s in RunStatus if s is not RunStatus.PLANNED])
def test_the_state_of_an_earlier_run_is_read_as_it_was_written(status: RunStatus) -> None:
    plan, _ = planned()
    run = replace(begin("7f3a00aa", plan, sorted(plan.draft.nodes)), status=status)
    data = {"state": _packed(mirrored(Standing(run)))}
    item = Resource.from_dict({"kind": "ConfigMap", "metadata": {"name": "c2c-run"}, "data": data})
    assert run_of(item) == "7f3a00aa"
    assert state_of(item)["status"] == str(status)
    assert (state_of(item)["status"] in ENDED) == (status in {RunStatus.DONE, RunStatus.ROLLED_BACK})
