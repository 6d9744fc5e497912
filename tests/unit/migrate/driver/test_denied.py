"""Calls that are not allowed: made again for a while, for a server that has just started does not know its roles yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.events import FailureClass
from migrate.model.settings import Settings
from migrate.ports import ApiError
from migrate.rehearsal import Rehearsal
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot


@dataclass
class Guarded:
    """A cluster that refuses so many patches of nodes."""

    cluster: Any
    refusals: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    def patch(self, resource: str, *rest: Any, **more: Any) -> Any:
        if resource == "nodes" and self.refusals > 0:
            self.refusals -= 1
            raise ApiError(FailureClass.DENIED, 'nodes "wrk-1" is forbidden', status=403)
        return self.cluster.patch(resource, *rest, **more)


class Refused(Rehearsal):
    """A rehearsal over a guarded cluster."""

    refusals = 0

    def _ports(self, journal: Any) -> Any:
        ports = super()._ports(journal)
        return replace(ports, cluster=Guarded(ports.cluster, self.refusals))


@pytest.mark.parametrize(("refusals", "where"), [(3, "DONE"), (10_000, "HALTED(command)")])
def test_a_refusal_counts_only_once_it_has_lasted(refusals: int, where: str) -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    rehearsal = Refused(plan, world_of(snapshot, plan.draft.settings))
    rehearsal.refusals = refusals
    run = rehearsal.begin()
    assert run.where == where


class Unread(Guarded):
    """A cluster that refuses to list what only gate G-13 reads."""

    def list(self, resource: str, *rest: Any, **more: Any) -> Any:
        if resource == "tigerastatuses.operator.tigera.io" and self.refusals > 0:
            self.refusals -= 1
            raise ApiError(FailureClass.DENIED, "tigerastatuses is forbidden", status=403)
        return self.cluster.list(resource, *rest, **more)


class Blinded(Rehearsal):
    """A rehearsal in which a gate may not read."""

    refusals = 0

    def _ports(self, journal: Any) -> Any:
        ports = super()._ports(journal)
        return replace(ports, cluster=Unread(ports.cluster, self.refusals))


@pytest.mark.parametrize(("refusals", "where"), [(1, "DONE"), (10_000, "HALTED(command)")])
def test_a_gate_that_may_not_read_is_a_right_that_is_gone_and_no_missing_evidence(
    refusals: int, where: str
) -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    rehearsal = Blinded(plan, world_of(snapshot, plan.draft.settings))
    rehearsal.refusals = refusals
    assert rehearsal.begin().where == where
