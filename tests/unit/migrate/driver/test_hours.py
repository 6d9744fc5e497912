"""The clock's share of a run: it changes nothing outside its window, stops when its time is over, and goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrate.driver.books import Playback
from migrate.driver.hours import Hours
from migrate.driver.session import begin_run, resume_run
from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.commands import NATURES
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import OUT, NodeStatus, Run, RunStatus
from migrate.model.settings import Settings
from migrate.rehearsal import HOLDER, PACE, RUN
from migrate.simulator.build import Simulation, world_of
from tests import clusters
from tests.films import healthy_snapshot

READS = {str(name) for name, nature in NATURES.items() if not nature.mutates}


def planned(**settings: Any) -> tuple[Plan, Simulation]:
    snapshot = healthy_snapshot()
    waves = {"canary": {"approval": False, "soak": "1m"}, "soak": "1m", **settings.pop("waves", {})}
    given = {**clusters.settings(), "waves": waves, "audit": "1h", "finalSoak": "1h", **settings}
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(given)))
    return plan, world_of(snapshot, plan.draft.settings)


def window(start: str, end: str, *days: str) -> dict[str, Any]:
    return {"window": {"days": list(days), "from": start, "to": end, "timeZone": "UTC"}}


def begun(plan: Plan, sim: Simulation, **how: Any) -> Run:
    driver = begin_run(plan, sim.ports(None), RUN, holder=HOLDER, rehearsal=True, pace=PACE)
    for name, value in how.items():
        setattr(driver, name, value)
    return driver.drive()


def resumed(plan: Plan, sim: Simulation, *events: Event) -> Run:
    driver = resume_run(Playback(plan, RUN), sim.ports(None), holder=HOLDER, pace=PACE, start=True)
    for event in events:
        driver.tell(event)
    return driver.drive()


def clock_times(sim: Simulation, *kinds: str) -> list[str]:
    """Give the times of day at which changing commands were sent out."""
    return [
        str(r["time"])[11:16]
        for r in sim.journal.kept
        if r["kind"] == "intent" and r["command"] not in READS and (not kinds or r["command"] in kinds)
    ]


def test_nothing_is_begun_outside_the_window() -> None:
    plan, sim = planned(waves=window("21:00", "23:00", "mon"))
    run = begun(plan, sim)
    assert run.status is RunStatus.PLANNED
    assert clock_times(sim) == []


def test_a_run_that_was_not_begun_begins_when_it_is_resumed_inside() -> None:
    plan, sim = planned(waves=window("21:00", "23:00", "mon"))
    begun(plan, sim)
    sim.world.now += 3600
    run = resumed(plan, sim)
    assert run.status is not RunStatus.PLANNED
    assert clock_times(sim)[0] == "21:00"


def test_the_window_closes_between_two_nodes_and_the_next_process_goes_on() -> None:
    plan, sim = planned(waves=window("20:00", "20:03", "mon", "tue"))
    run = begun(plan, sim)
    assert (run.status, run.reason) == (RunStatus.PAUSED, "window")
    moved = [n for n in run.nodes.values() if n.status is NodeStatus.DONE]
    assert 0 < len(moved) < len(run.nodes)
    assert not [n for n in run.nodes.values() if n.status in OUT]
    still = resumed(plan, sim, Event(Kind.RESUME, by="alice"))
    assert (still.status, still.reason) == (RunStatus.PAUSED, "window"), "a person does not open the window"
    sim.world.now += 24 * 3600 - (sim.world.now - 0) % (24 * 3600)
    on = resumed(plan, sim)
    assert sum(n.status is NodeStatus.DONE for n in on.nodes.values()) > len(moved)


def test_a_process_that_waits_needs_nobody() -> None:
    plan, sim = planned(waves=window("20:00", "20:03", "mon", "tue", "wed", "thu"))
    run = begun(plan, sim, wait=True)
    assert run.status is RunStatus.DONE
    assert {t for t in clock_times(sim, "Cordon", "LabelNode") if not "20:00" <= t <= "20:04"} == set()


def test_soaks_and_the_audit_go_on_outside_the_window() -> None:
    plan, sim = planned(waves=window("20:00", "22:00", "mon", "tue"), audit="6h")
    run = begun(plan, sim, wait=True)
    assert run.status is RunStatus.DONE
    audit = [r["time"] for r in sim.journal.kept if r["kind"] == "transition" and r["after"] == "RUNNING(P7)"]
    assert audit, "the audit was begun on the first evening"


def test_working_time_ends_a_run_at_a_checkpoint_and_resuming_gives_it_again() -> None:
    plan, sim = planned(deadlines={"run": "40s"})
    run = begun(plan, sim)
    assert (run.status, run.reason) == (RunStatus.PAUSED, "deadline")
    assert not [n for n in run.nodes.values() if n.status in OUT]
    paused = 1
    while run.status is not RunStatus.DONE:
        run = resumed(plan, sim, Event(Kind.RESUME, by="alice"))
        assert run.status in {RunStatus.DONE, RunStatus.PAUSED}
        paused += run.status is RunStatus.PAUSED
        assert paused < 40
    assert paused > 1


def test_working_time_is_counted_over_processes() -> None:
    plan, sim = planned(deadlines={"run": "40s"})
    driver = begin_run(plan, sim.ports(None), RUN, holder=HOLDER, rehearsal=True, pace=PACE)
    driver.drive(lambda run: run.phase.number >= 4)
    again = resume_run(Playback(plan, RUN), sim.ports(None), holder=HOLDER, pace=PACE)
    before = again._worked.seconds
    assert 0 < before < 40
    run = again.drive()
    assert (run.status, run.reason) == (RunStatus.PAUSED, "deadline")


def test_an_unknown_zone_is_a_closed_window() -> None:
    plan, sim = planned()
    settings = plan.draft.settings
    odd = replace(
        settings,
        waves=replace(settings.waves, window=replace(settings.waves.window, days=("mon",), zone="No/Where")),
    )
    assert Hours(sim.ports(None).clock, odd).outside
    assert not Hours(sim.ports(None).clock, settings).outside


@pytest.mark.parametrize(
    ("until", "moved"), [(lambda run: sum(n.status is NodeStatus.DONE for n in run.nodes.values()) >= 1, 1)]
)
def test_a_run_goes_only_so_far(until: Any, moved: int) -> None:
    plan, sim = planned()
    run = begun(plan, sim, stop_after=until)
    assert run.status is RunStatus.PAUSED
    assert sum(n.status is NodeStatus.DONE for n in run.nodes.values()) == moved
