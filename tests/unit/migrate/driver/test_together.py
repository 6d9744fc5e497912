"""Evictions that are due together are asked for side by side, and each gets its own answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from migrate.driver.loop import TOGETHER
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
