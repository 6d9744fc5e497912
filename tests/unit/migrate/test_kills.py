"""Runs that are killed: those that meet the one that was left alone are not followed further, and none is missed by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from migrate.driver.deeds import Deed, Done, Look, Workshop
from migrate.driver.loop import DEEDS
from migrate.kills import Kill, Point, at_every_record, at_every_step, killed
from migrate.model.commands import Command, Name
from migrate.model.run import RunStatus
from migrate.rehearsal import Ended, rehearse
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.likeness import likeness
from migrate.simulator.others import SimClock
from tests.scenarios import SHORT
from tests.unit.migrate.test_rehearsal import planned

SORTS: tuple[Mapping[str, Any], ...] = (
    {},
    {"nodes": {"move": "recycle"}},
    {"nodes": {"reboot": "always"}},
    {"policyInWindow": "bridged"},
    {"waves": {"parallel": 2}},
)


def every(number: int, chosen: Callable[[Point], bool] = at_every_record) -> Callable[[Point], bool]:
    return lambda point: chosen(point) and point.record % number == 0


@pytest.mark.parametrize("settings", SORTS, ids=str)
def test_a_run_that_meets_the_one_left_alone_comes_to_the_same_end(settings: Mapping[str, Any]) -> None:
    """Followed to its end or only until they meet: what is told of each kill is the same, and none ends differently."""
    plan, snapshot = planned(**SHORT, **settings)
    whole = rehearse(plan, snapshot)
    assert whole.run.status is RunStatus.DONE
    short = killed(plan, snapshot, whole, every(19))
    assert len(short) >= 20
    assert short == killed(plan, snapshot, whole, every(19), to_the_end=True)
    assert [kill.told for kill in short if not kill.same] == []
    assert sum(kill.met for kill in short) > len(short) * 0.8


def doing_nothing_again(deed: Deed) -> Deed:
    """A deed whose second process takes it for done, whether it is or not: a defect of resuming."""

    def look(work: Workshop, command: Command) -> Look:
        return Done() if command.reconcile else deed.look(work, command)

    return replace(deed, look=look, traceless=False)


def other_ends(monkeypatch: pytest.MonkeyPatch, name: Name, *, to_the_end: bool) -> list[Kill]:
    plan, snapshot = planned(**SHORT, nodes={"access": "pod"})
    monkeypatch.setitem(DEEDS, name, doing_nothing_again(DEEDS[name]))  # type: ignore[arg-type]  # a dict it is
    whole = rehearse(plan, snapshot)

    def wanted(point: Point) -> bool:
        return at_every_step(point) and (point.words.startswith(f"{name}(") or point.record % 13 == 0)

    kills = killed(plan, snapshot, whole, wanted, to_the_end=to_the_end)
    assert len(kills) >= 20
    return [kill for kill in kills if not kill.same]


@pytest.mark.parametrize(("name", "nodes"), [(Name.UNCORDON, 4), (Name.SWEEP_NODE, 3)])
def test_a_defect_of_resuming_is_found_at_each_of_its_points(
    monkeypatch: pytest.MonkeyPatch, name: Name, nodes: int
) -> None:
    """One that shows at once, and one that leaves nothing but dirt behind, where there was any."""
    found = other_ends(monkeypatch, name, to_the_end=False)
    assert {kill.point.words.partition("(")[0] for kill in found} == {name}
    assert len(found) == nodes, "killed after the intent, before it was done"
    assert not any(kill.met for kill in found)
    assert found == other_ends(monkeypatch, name, to_the_end=True)


def wholly(**settings: Any) -> tuple[Ended, list[Kill]]:
    plan, snapshot = planned(**SHORT, **settings)
    whole = rehearse(plan, snapshot, faults={"slow-pull": True})
    return whole, killed(plan, snapshot, whole, every(53))


def test_where_others_meddle_every_run_is_followed_to_its_end() -> None:
    whole, kills = wholly()
    assert whole.run.status is RunStatus.DONE
    assert len(kills) >= 5
    assert not any(kill.met for kill in kills)


def simulated() -> Simulation:
    plan, snapshot = planned()
    return world_of(snapshot, plan.draft.settings)


def _later(sim: Simulation) -> None:
    SimClock(sim.world).sleep(100.0)


def _cordoned(sim: Simulation) -> None:
    sim.world.of("nodes")["", "wrk-1"]["spec"]["unschedulable"] = True


def _a_pod_less(sim: Simulation) -> None:
    sim.world.typed.pop(next(iter(sim.world.typed)))


def _something_to_come(sim: Simulation) -> None:
    sim.world.after(1.0, "roll", "daemonsets.apps", ("kube-system", "cilium"))


def _other_evidence(sim: Simulation) -> None:
    sim.store.write("evidence/baseline.json", b"{}")


def _written_otherwise(sim: Simulation) -> None:
    sim.store.write("evidence/flows-soak.json", b'{"start":"2026-01-05T20:30:00Z","seen":{}}')


def _a_new_version(sim: Simulation) -> None:
    sim.world.of("nodes")["", "wrk-1"]["metadata"]["resourceVersion"] = "4711"


def _dirt(sim: Simulation) -> None:
    sim.world.hosts["wrk-1"].leaked += 1


@pytest.mark.parametrize("change", [_cordoned, _a_pod_less, _something_to_come, _other_evidence, _dirt])
def test_clusters_that_will_not_do_the_same_are_not_alike(change: Callable[[Simulation], None]) -> None:
    sim = simulated()
    before = likeness(sim)
    assert likeness(sim.fork()) == before
    change(sim)
    assert likeness(sim) != before


@pytest.mark.parametrize("change", [_later, _a_new_version])
def test_clusters_that_will_do_the_same_are_alike(change: Callable[[Simulation], None]) -> None:
    sim = simulated()
    before = likeness(sim)
    change(sim)
    assert likeness(sim) == before


def test_times_of_day_in_evidence_tell_no_clusters_apart() -> None:
    one, other = simulated(), simulated()
    _written_otherwise(one)
    other.store.write("evidence/flows-soak.json", b'{"start":"2026-01-05T20:31:07.5Z","seen":{}}')
    assert likeness(one) == likeness(other)


def test_a_copy_of_a_cluster_goes_its_own_way() -> None:
    sim = simulated()
    copied, before = sim.fork(), likeness(sim)
    _cordoned(copied)
    _dirt(copied)
    copied.world.scheduler.remove(next(iter(copied.world.typed.values())))
    assert likeness(sim) == before
    assert not sim.world.of("nodes")["", "wrk-1"]["spec"]["unschedulable"]
