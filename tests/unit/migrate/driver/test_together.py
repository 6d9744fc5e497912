"""Evictions that are due together are asked for side by side, and each gets its own answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from migrate.driver import loop
from migrate.driver.loop import TOGETHER
from migrate.driver.pace import Pace
from migrate.engine.drafting import draft
from migrate.engine.planner import make_plan
from migrate.model.settings import Settings
from migrate.ports import ApiError
from migrate.rehearsal import Rehearsal
from migrate.simulator.build import world_of
from migrate.simulator.memory import MemoryJournal
from tests import clusters
from tests.films import healthy_snapshot

Asked = Sequence[tuple[str, str, str]]


@dataclass
class Counted:
    """An evictor that keeps what it was asked for at a time."""

    evictor: Any
    asked: list[Asked]
    refused: list[str]

    def evict_all(self, pods: Asked, *, dry_run: bool = False) -> Sequence[ApiError | None]:
        found: Sequence[ApiError | None] = self.evictor.evict_all(pods, dry_run=dry_run)
        if not dry_run:
            self.asked.append(pods)
            self.refused += [p[2] for p, error in zip(pods, found, strict=True) if error is not None]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.evictor, name)


class Watched(Rehearsal):
    """A rehearsal whose evictions are counted."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.asked: list[Asked] = []
        self.refused: list[str] = []

    def _ports(self, journal: Any) -> Any:
        ports = super()._ports(journal)
        return replace(ports, evictor=Counted(ports.evictor, self.asked, self.refused))


def test_evictions_of_a_drain_go_out_together_and_who_is_refused_alone_is_asked_for_again() -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    rehearsal = Watched(plan, world_of(snapshot, plan.draft.settings))
    journal = MemoryJournal()
    assert rehearsal.begin(journal).where == "DONE"
    assert 1 < max(map(len, rehearsal.asked)) <= TOGETHER
    asked = Counter(uid for pods in rehearsal.asked for _, _, uid in pods)
    orders = [r for r in journal.records() if r["kind"] == "intent" and r["command"] == "Evict"]
    assert set(asked) == {r["args"]["uid"] for r in orders}
    assert rehearsal.refused, "a budget lets one of them wait"
    assert {uid: times for uid, times in asked.items() if times > 1} == {
        uid: times + 1 for uid, times in Counter(rehearsal.refused).items()
    }


@dataclass
class Slow:
    """An evictor that takes its time; at its first eviction somebody asks for a pause."""

    evictor: Any
    clock: Any
    mirror: Any
    wished: list[float]

    def evict_all(self, pods: Asked, *, dry_run: bool = False) -> Sequence[ApiError | None]:
        if not dry_run:
            self.clock.sleep(EVICTION_S)
            if not self.wished:
                self.mirror.want({"state": "paused"}, "somebody")
                self.wished.append(self.clock.monotonic())
        found: Sequence[ApiError | None] = self.evictor.evict_all(pods, dry_run=dry_run)
        return found


class Slowed(Rehearsal):
    """A rehearsal whose evictions take long."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.wished: list[float] = []

    def _pace(self) -> Pace:
        return Pace()

    def _ports(self, journal: Any) -> Any:
        ports = super()._ports(journal)
        return replace(ports, evictor=Slow(ports.evictor, ports.clock, ports.mirror, self.wished))


EVICTION_S = 2 * loop.TURN_S


def test_a_person_is_heard_while_many_evictions_are_due() -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    rehearsal, journal = Slowed(plan, world_of(snapshot, plan.draft.settings)), MemoryJournal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "TOGETHER", 1)  # so that the few pods of a small cluster are many
        rehearsal.begin(journal)
    events = [r["event"] for r in journal.records() if "event" in r]
    [heard] = [float(e["at"]) for e in events if e["kind"] == "PauseRequested"]
    done = [float(e["at"]) for e in events if e["kind"] == "CommandDone" and e["command"]["name"] == "Evict"]
    assert any(at > heard for at in done), "there was more to do"
    assert heard - rehearsal.wished[0] < EVICTION_S, "heard before the next one"
