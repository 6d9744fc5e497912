"""Begins and resumes runs: the lock first, then the records, then a look at what was in flight (``state.md`` §6)."""

from __future__ import annotations

from collections.abc import Sequence

from migrate.driver.books import Books, played_back
from migrate.driver.loop import Driver
from migrate.driver.pace import Pace
from migrate.engine.machine import begin
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import Run
from migrate.model.serial import decode
from migrate.ports import Holder, Ports

__all__ = ["Locked", "begin_run", "resume_run"]


class Locked(Exception):  # an outcome, not a fault
    """Another process holds the lock."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"{holder.identity} holds the lock, seen unrenewed for {holder.age_s:.0f} s")
        self.holder = holder


def begin_run(
    plan: Plan,
    ports: Ports,
    run_id: str,
    nodes: Sequence[str],
    *,
    holder: str,
    attended: bool = False,
    pace: Pace | None = None,
) -> Driver:
    """Take the lock and begin; raises ``Locked`` where somebody else has it."""
    _lock(ports)
    books = Books(ports.journal, ports.reporter, run_id, holder)
    books.header(plan, nodes, ports.cluster.identity().uid, attended=attended)
    driver = Driver(begin(run_id, plan, nodes, attended=attended), ports, books, pace=pace)
    driver.tell(Event(Kind.START, by=holder))
    return driver


def resume_run(
    plan: Plan, ports: Ports, run_id: str, *, holder: str, pace: Pace | None = None, steal: bool = False
) -> Driver:
    """Take the lock and go on from the records, or from the mirror where the records are not here.

    The driver looks at everything that was in flight before it does anything; a run that rests is not woken.
    """
    _lock(ports, steal=steal)
    run, at = _state(plan, ports, run_id)
    driver = Driver(run, ports, Books(ports.journal, ports.reporter, run_id, holder), at=at, pace=pace)
    driver.tell(Event(Kind.LEASE_ACQUIRED, by=holder, text=f"{holder} goes on with run {run_id}"))
    return driver


def _lock(ports: Ports, *, steal: bool = False) -> None:
    holder = ports.lock.acquire(steal=steal)
    if holder is not None:
        raise Locked(holder)


def _state(plan: Plan, ports: Ports, run_id: str) -> tuple[Run, float]:
    """Give the state from the journal; from the mirror where that is further, or the journal is not here."""
    records = ports.journal.records()
    if any(r["kind"] == "header" for r in records):
        return played_back(records, plan, run_id)
    mirrored = ports.mirror.read()
    if mirrored is None:
        return begin(run_id, plan, sorted(plan.draft.nodes)), 0.0
    return decode(Run, mirrored.state, plan=plan), 0.0
