"""The guard of a node in mode recycle stays until the pods that it keeps for the node have their place again."""

from __future__ import annotations

from dataclasses import replace

from migrate.driver.deeds import Absent, Done, Waiting, Workshop
from migrate.driver.on_nodes import DEEDS
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.model.commands import Command, Name
from migrate.model.settings import Settings
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot

NODE = "wrk-1"
GUARD, UNGUARD = Command(Name.GUARD_TAINT, NODE), Command(Name.UNGUARD_TAINT, NODE)


def test_it_is_taken_off_once_no_pod_waits_behind_it_or_its_time_is_over() -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    sim = world_of(snapshot, plan.draft.settings)
    run = begin("7f3a0000", plan, sorted(plan.draft.nodes))
    work, deed = Workshop(sim.ports(), plan, run), DEEDS[Name.UNGUARD_TAINT]
    DEEDS[Name.GUARD_TAINT].act(work, GUARD)
    assert isinstance(deed.look(work, UNGUARD), Absent)
    pod = next(p for p in sim.world.of("pods").values() if p["metadata"]["namespace"] == "shop")
    at, pod["spec"]["nodeName"] = pod["spec"]["nodeName"], ""
    for made, waits in (("2026-01-01T00:00:00Z", False), ("2026-01-05T20:00:00Z", True)):
        pod["metadata"]["creationTimestamp"] = made
        assert isinstance(deed.look(work, UNGUARD), Waiting if waits else Absent)
    assert isinstance(deed.look(work, replace(UNGUARD, reconcile=True)), Absent)
    pod["spec"]["nodeName"] = at
    assert isinstance(deed.look(work, UNGUARD), Absent)
    deed.act(work, UNGUARD)
    assert isinstance(deed.look(work, UNGUARD), Done)
