"""Sweeping up after a run: also where no node was touched yet."""

from __future__ import annotations

from migrate.driver.deeds import Absent, Done, Workshop
from migrate.driver.on_nodes import DEEDS
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.model.commands import Command, Name
from migrate.model.settings import Settings
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot


def test_probe_pods_that_are_left_are_swept_though_no_node_carries_a_mark() -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    run = begin("7f3a0000", plan, [n.name for n in snapshot.nodes])
    work = Workshop(world_of(snapshot, plan.draft.settings).ports(None), plan, run)
    sweep = Command(Name.SWEEP_MARKS)
    assert isinstance(DEEDS[Name.SWEEP_MARKS].look(work, sweep), Done)
    labels = {"c2c/owned": "true", "c2c/run": run.id}
    meta = {"name": "c2c-probe-wrk-1-server", "namespace": "c2c-system", "labels": labels}
    work.ports.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}})
    assert isinstance(DEEDS[Name.SWEEP_MARKS].look(work, sweep), Absent)
