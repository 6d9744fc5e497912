"""Kills rehearsed runs: a process dies at a moment of its journal, another one goes on, and the two ends are compared.

A kill is what a lost process is: the record at hand is not written, nothing is cleaned up, and another process resumes
with the same journal and the same cluster. Runs that were killed must end as the one that was not.

A resumed run is followed until it has come to a moment at which run, process and cluster are as they were at a moment of
the one that was left alone. From there both go the same way: a simulated cluster knows neither chance nor an outer clock.
One that never comes there is followed to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from migrate.driver.books import Playback
from migrate.driver.loop import Driver
from migrate.model.commands import Command, Name
from migrate.model.plan import Plan
from migrate.model.run import SETTLED, NodeRun, Run
from migrate.model.settings import Window
from migrate.model.snapshot import Snapshot
from migrate.rehearsal import Ended, Intervention, Rehearsal, waiting
from migrate.simulator.likeness import likeness
from migrate.simulator.memory import MemoryJournal

__all__ = ["Kill", "Point", "WatchedJournal", "at_every_record", "at_every_step", "killed"]

WORTH = 20
"""Moments are compared where at least one record in so many is killed at: to note all moments of a run costs a few runs."""


@dataclass(frozen=True, slots=True)
class Point:
    """A moment at which a process may die: before a record is written, or right after, before anything follows of it.

    Before the outcome of a command its deed is done; after its intent it is not: points *b* and *a* of ``state.md`` §8.
    """

    record: int
    kind: str
    words: str
    after: bool = False

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} record {self.record} ({self.kind} {self.words})"


@dataclass(slots=True)
class WatchedJournal:
    """A journal that tells of every moment at which its process might die."""

    kept: MemoryJournal
    each: Callable[[Point], None]

    def append(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Write a record, or die before or after."""
        point = Point(len(self.kept.kept) + 1, kind, _words(fields))
        self.each(point)
        record = self.kept.append(kind, **fields)
        self.each(replace(point, after=True))
        return record

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Give what was written."""
        return self.kept.records()

    def free_reserve(self) -> None:
        """Make room for one record."""
        self.kept.free_reserve()


def _words(fields: Mapping[str, Any]) -> str:
    """Give what a record is about: the key of its command, else its sentence."""
    event = fields.get("event") or {}
    command = event.get("command")
    if command is not None:
        node, args = command.get("node", ""), command.get("args") or {}
        return Command(Name(command["name"]), node, args).words
    return str(fields.get("key") or event.get("kind") or fields.get("text") or "")


def at_every_record(point: Point) -> bool:
    """Choose every prefix of the journal, and what lies between an intent and its deed."""
    return point.record > 1 and (not point.after or point.kind == "intent")


def at_every_step(point: Point) -> bool:
    """Choose both points of every command: after its intent, and before its outcome."""
    return (
        point.kind == "intent" and point.after and not point.words.startswith(f"{Name.EVALUATE_GATE}(")
    ) or (point.kind == "outcome" and not point.after)


@dataclass(frozen=True, slots=True)
class Kill:
    """What became of a run that was killed at a point; ``different``: the parts of its end that are not the other's.

    ``met``: it met the run that was left alone on its way, and was not followed any further.
    """

    point: Point
    where: str
    different: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    waits: tuple[tuple[str, float], ...] = ()
    met: bool = field(default=False, compare=False)

    @property
    def same(self) -> bool:
        """Say whether it ended as the run that was left alone."""
        return not self.different and not self.broken

    @property
    def told(self) -> str:
        """Give what was different, in one line."""
        why = "; ".join(self.broken) or (f"waiting for {waiting(self.waits)}" if self.waits else "")
        why = why or (f"other {', '.join(self.different)}" if self.different else "")
        return f"killed {self.point}: {self.where}{': ' if why else ''}{why}"


def killed(
    plan: Plan,
    snapshot: Snapshot,
    whole: Ended,
    wanted: Callable[[Point], bool] = at_every_step,
    *,
    to_the_end: bool = False,
) -> list[Kill]:
    """Kill the run ``whole`` at each point that is wanted, resume it in another process, and compare their ends.

    What a person asked and no record holds yet is asked again of the process that resumes. ``to_the_end``: every run is
    followed to its end, whatever it meets.

    The world at each kill is a copy of the uninterrupted run's, taken at that moment and driven on at once, so that no
    more than one copy is kept.
    """

    def fresh() -> Rehearsal:
        sim = whole.conditions.simulated(plan, snapshot)
        return Rehearsal(plan, sim, run_id=whole.run.id, course=whole.conditions.course)

    course, alone = whole.conditions.course, fresh()
    journal, played, found = alone.sim.journal, Playback(plan, whole.run.id), list[Kill]()
    follows = not to_the_end and _goes_by_itself(alone, whole) and _are_many(whole, wanted)
    moments = _moments(fresh()) if follows else {}

    def each(point: Point) -> None:
        if wanted(point):
            played.go_on(journal.kept)
            left = tuple(course[_asked(journal.kept, course) :])
            again = Rehearsal(plan, alone.sim.fork(), run_id=whole.run.id, course=left, played=played.fork())
            found.append(_followed(point, again, whole, moments))

    alone.begin(WatchedJournal(journal, each))
    return found


def _goes_by_itself(alone: Rehearsal, whole: Ended) -> bool:
    """Say whether a run depends on nothing but its state: nobody meddles, no time of day counts, it came to its end."""
    nobody = not whole.conditions.faults and not whole.conditions.course
    always = alone.plan.draft.settings.waves.window == Window()
    return nobody and always and not whole.waits and not whole.broken


def _are_many(whole: Ended, wanted: Callable[[Point], bool]) -> bool:
    points = (
        Point(number, record["kind"], _words(record), after)
        for number, record in enumerate(whole.records, start=1)
        for after in (False, True)
    )
    return sum(map(wanted, points)) * WORTH >= len(whole.records)


# Moments.


Moments = dict[object, list[tuple[Run, object, bytes]]]
"""By the shape of a run: the runs of that shape, what their process would do next, and the likeness of the cluster."""


class _Met(Exception):  # it is meant
    """A run has come to where the one that was left alone was once."""


def _moments(alone: Rehearsal) -> Moments:
    """Give every moment of the run that is left alone."""
    found: Moments = {}

    def note(driver: Driver) -> None:
        moment = (_undated(driver.run, driver.at), _process(alone, driver), likeness(alone.sim))
        found.setdefault(_shape(driver.run), []).append(moment)

    alone.looks_on = note
    alone.begin()
    return found


def _followed(point: Point, again: Rehearsal, whole: Ended, moments: Moments) -> Kill:
    """Drive a run that was killed on to its end, or until it meets the one that was left alone."""

    def look(driver: Driver) -> None:
        known = moments.get(_shape(driver.run), ())
        run = _undated(driver.run, driver.at) if known else driver.run
        alike = [
            like for other, process, like in known if other == run and process == _process(again, driver)
        ]
        if alike and likeness(again.sim) in alike:
            raise _Met

    again.looks_on = look if moments else None
    try:
        return _compared(point, again.ended(again.resume()), whole)
    except _Met:
        return Kill(point, whole.run.where, broken=tuple(again.broken), met=True)


def _process(rehearsal: Rehearsal, driver: Driver) -> object:
    """Give what the process that drives a run would do next; approvals that the run has taken are none any more."""
    return driver.outlook, rehearsal.approved - driver.run.approvals


def _shape(run: Run) -> object:
    """Give what tells most moments of a run apart, and costs little."""
    nodes = tuple((node.status, len(node.done)) for node in run.nodes.values())
    return run.where, run.phase, run.done, nodes, tuple(run.open)


def _undated(run: Run, now: float) -> Run:
    """Give a run with its moments as seen from now; those of nodes that are no work any more mean nothing."""

    def seen(moment: float) -> float:
        return round(moment - now, 6) if moment else moment

    def node(state: NodeRun) -> NodeRun:
        over = state.status in SETTLED
        drain, out = (0.0, 0.0) if over else (seen(state.drain_until), seen(state.node_until))
        return replace(state, drain_until=drain, node_until=out)

    return replace(
        run,
        nodes={name: node(state) for name, state in run.nodes.items()},
        open={k: replace(o, since=seen(o.since), until=seen(o.until)) for k, o in run.open.items()},
    )


def _asked(records: Sequence[Mapping[str, Any]], course: Sequence[Intervention]) -> int:
    """Give how many interventions stand in the journal."""
    count = 0
    for record in records:
        told = (record.get("event") or {}).get("kind") if record["kind"] == "event" else None
        if count < len(course) and told == course[count].event.kind:
            count += 1
    return count


def _compared(point: Point, ended: Ended, whole: Ended) -> Kill:
    other = ["run"] if ended.run.where != whole.run.where else []
    other += [part for part in whole.state if ended.state[part] != whole.state[part]]
    return Kill(point, ended.run.where, tuple(other), ended.broken, ended.waits)
