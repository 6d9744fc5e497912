"""Begins and resumes runs: the lock first, then the records, then a look at what was in flight (``state.md`` §6).

Where the records here and the mirror in the cluster differ, the one that is further on the same chain counts; two ends
that do not fit together are a fork, which nobody but a person can decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from migrate.driver.books import Books, Playback, standing
from migrate.driver.loop import Driver
from migrate.driver.pace import Pace
from migrate.driver.stale import stale_at_start
from migrate.engine.machine import begin
from migrate.engine.plan_file import plan_document
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import Run, RunStatus
from migrate.model.serial import decode
from migrate.ports import ApiError, Holder, Mirrored, Ports

__all__ = ["Forked", "Locked", "begin_run", "mirror_is_further", "resume_run"]

NAMED = 3  # objects that made a plan stale


class Locked(Exception):  # an outcome, not a fault
    """Another process holds the lock."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"{holder.identity} holds the lock, seen unrenewed for {holder.age_s:.0f} s")
        self.holder = holder


class Forked(Exception):  # what the records are
    """The records here and the state in the cluster come from two different courses of one run."""


def mirror_is_further(records: Sequence[Mapping[str, Any]], mirrored: Mirrored | None, run_id: str) -> bool:
    """Say whether the run went on elsewhere after these records; raises ``Forked`` where the two do not fit."""
    if mirrored is None or mirrored.run != run_id:
        return False
    last = int(records[-1]["seq"]) if records else 0
    if mirrored.seq > last:
        return True
    here = next((r for r in records if r["seq"] == mirrored.seq), None)
    if here is not None and here["hash"] != mirrored.hash:
        raise Forked(f"record {mirrored.seq} of run {run_id} is another one here than in the cluster")
    return False


def begin_run(
    plan: Plan,
    ports: Ports,
    run_id: str,
    *,
    holder: str,
    attended: bool = False,
    rehearsal: bool = False,
    pace: Pace | None = None,
) -> Driver:
    """Take the lock and begin with every node of the plan; raises ``Locked`` where somebody else has it.

    A plan is stale where something that it was made from has changed since: it is refused by the engine, and nothing is
    changed.
    """
    with _locked(ports):
        books, nodes = Books(ports, run_id, holder), sorted(plan.draft.nodes)
        books.header(plan, nodes, ports.cluster.identity().uid, attended=attended, rehearsal=rehearsal)
        ports.mirror.begin(run_id, plan_document(plan))
        driver = Driver(begin(run_id, plan, nodes, attended=attended), ports, books, pace=pace)
        detail, text = _circumstances(driver, plan, ports, rehearsal=rehearsal)
        driver.tell(Event(Kind.START, by=holder, detail=detail, text=text))
    return driver


def _circumstances(
    driver: Driver, plan: Plan, ports: Ports, *, rehearsal: bool
) -> tuple[dict[str, Any], str]:
    """Give what keeps a run from beginning now, and in words what makes its plan stale."""
    stale = stale_at_start(plan, ports, asks_helm=not rehearsal)
    outside = {"outside": True} if driver.hours.outside else {}
    more = f"; {len(stale) - NAMED} more" if len(stale) > NAMED else ""
    return {**outside, **({"stale": stale} if stale else {})}, "; ".join(stale[:NAMED]) + more


def resume_run(
    played: Playback,
    ports: Ports,
    *,
    holder: str,
    pace: Pace | None = None,
    steal: bool = False,
    start: bool = False,
) -> Driver:
    """Take the lock and go on from the records, or from the mirror where the records are not here.

    The driver looks at everything that was in flight before it does anything; a run that rests is not woken. ``start``:
    one whose process died before it had begun begins now. ``played`` knows the run; records that it has played already are not played again.
    """
    with _locked(ports, steal=steal):
        plan, run_id = played.plan, played.run_id
        books = Books(ports, run_id, holder)
        records, mirrored = ports.journal.records(), ports.mirror.read()
        if mirrored is not None and mirror_is_further(records, mirrored, run_id):
            state = mirrored.state
            books.goes_on(plan, ports.cluster.identity().uid, state)
            stands = standing(decode(Run, state, plan=plan), state)
        else:
            stands = played.go_on(records)
        driver = Driver(
            stands.run, ports, books, at=stands.at, heard=stands.heard, pace=pace, worked=stands.worked
        )
        begins = start and driver.run.status is RunStatus.PLANNED
        rehearsal = any(record.get("rehearsal") for record in records[:1])
        detail, stale = _circumstances(driver, plan, ports, rehearsal=rehearsal) if begins else ({}, "")
        text = "; ".join(part for part in (f"{holder} goes on with run {run_id}", stale) if part)
        detail = {**detail, **({"start": True} if begins else {})}
        driver.tell(Event(Kind.LEASE_ACQUIRED, by=holder, detail=detail, text=text))
        driver.hear_census()
        driver.hear_wishes()
    return driver


@contextmanager
def _locked(ports: Ports, *, steal: bool = False) -> Iterator[None]:
    """Take the lock, and give it back where the run cannot begin after all: nobody has to wait until it lapses."""
    holder = ports.lock.acquire(steal=steal)
    if holder is not None:
        raise Locked(holder)
    try:
        yield
    except BaseException:
        with suppress(ApiError):
            ports.lock.release()
        raise
