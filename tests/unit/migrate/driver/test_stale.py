"""A plan against a cluster that went on: refused before anything is done, and halted by what voids its proof."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from migrate.driver.session import begin_run
from migrate.driver.stale import stale, stale_at_start
from migrate.engine.bound import Scope
from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import FailureClass
from migrate.model.plan import Plan
from migrate.model.run import RunStatus
from migrate.model.settings import Settings
from migrate.ports import ApiError, Object, Ports
from migrate.rehearsal import rehearse
from migrate.simulator.build import Simulation, world_of
from tests import clusters
from tests.bonds import AT_REST, CLUSTER, STALE, Row, edited


def plan_of(objects: list[clusters.Object]) -> Plan:
    snapshot = clusters.snapshot_of(objects)
    return make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))


PLAN = plan_of(CLUSTER)


def simulated(row: Row) -> Simulation:
    return world_of(clusters.snapshot_of(edited(row)), PLAN.draft.settings)


@pytest.mark.parametrize("row", STALE, ids=str)
def test_a_run_of_a_stale_plan_is_refused_and_changes_nothing(row: Row) -> None:
    told: list[dict[str, Any]] = []
    ended = rehearse(PLAN, clusters.snapshot_of(edited(row)), reporter=_Listener(told))
    (start,) = [r["event"] for r in told if r.get("event", {}).get("kind") == "Start"]
    assert start["text"] == f"{row.says} since the plan was made"
    assert ended.run.status is RunStatus.PLANNED
    assert not [r for r in told if r["kind"] == "intent"]


@dataclass
class _Listener:
    told: list[dict[str, Any]] = field(default_factory=list)

    def event(self, record: dict[str, Any]) -> None:
        self.told.append(record)

    def beat(self, *_: object) -> None:
        """Hear nothing."""


@pytest.mark.parametrize("row", AT_REST, ids=str)
def test_what_makes_no_plan_stale_is_not_even_seen(row: Row) -> None:
    assert stale_at_start(PLAN, simulated(row).ports()) == []


def test_what_a_run_does_itself_makes_its_plan_not_stale_in_any_phase() -> None:
    """A whole run, with a run's own pace: it labels nodes, pins Calico, installs Cilium, applies policies."""
    ended = rehearse(PLAN, clusters.snapshot_of(CLUSTER), faults={"slow-pull@nowhere": True})
    assert ended.run.status is RunStatus.DONE


def test_a_plan_is_held_against_the_release_that_helm_knows() -> None:
    snapshot = clusters.snapshot_of(CLUSTER)
    asked = replace(snapshot, answers=replace(snapshot.answers, release={}))
    plan = make_plan(asked, PLAN.draft)
    sim = world_of(asked, PLAN.draft.settings)
    assert stale_at_start(plan, sim.ports()) == []
    sim.world.release = {"status": "deployed", "revision": 1, "deployed": 1, "values": {}}
    assert stale_at_start(plan, sim.ports()) == ["Release/cilium was changed since the plan was made"]
    assert stale(plan, sim.ports(), Scope.SUBJECTS) == []


def test_a_rehearsal_asks_no_helm_for_a_release_that_its_snapshot_does_not_hold() -> None:
    snapshot = clusters.snapshot_of(CLUSTER)
    there = {"status": "deployed", "revision": 3, "deployed": 3, "values": {}}
    plan = make_plan(replace(snapshot, answers=replace(snapshot.answers, release=there)), PLAN.draft)
    assert rehearse(plan, snapshot).run.status is RunStatus.DONE


def failing(ports: Ports, failure: FailureClass, times: int) -> Ports:
    """Give ports of which the first lists fail."""
    left = [times]
    listed = ports.cluster.list

    class _Cluster:
        def list(self, resource: str) -> list[Object]:
            left[0] -= 1
            if left[0] >= 0:
                raise ApiError(failure, "not now", status=500)
            return listed(resource)

        get = staticmethod(ports.cluster.get)
        identity = staticmethod(ports.cluster.identity)

    return replace(ports, cluster=_Cluster())  # type: ignore[arg-type]  # what a look asks for


def test_a_run_that_cannot_begin_gives_the_lock_back() -> None:
    sim = simulated(STALE[0])
    with pytest.raises(ApiError):
        begin_run(
            PLAN, failing(sim.ports(), FailureClass.DENIED, 1), "7f3a0000", holder="alice@laptop:1:7f3a"
        )
    assert not sim.lock.ours


@pytest.mark.parametrize(
    ("failure", "times", "raises"),
    [
        (FailureClass.TRANSIENT, 5, False),
        (FailureClass.TRANSIENT, 1000, True),
        (FailureClass.DENIED, 1, True),
    ],
)
def test_an_api_that_fails_for_a_while_is_waited_for_and_never_taken_for_no_change(
    failure: FailureClass, times: int, raises: bool
) -> None:
    ports = failing(simulated(STALE[0]).ports(), failure, times)
    if raises:
        with pytest.raises(ApiError):
            stale_at_start(PLAN, ports)
    else:
        assert stale_at_start(PLAN, ports) == [f"{STALE[0].says} since the plan was made"]
