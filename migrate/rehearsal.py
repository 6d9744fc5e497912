"""Rehearsals: the real driver against a simulated cluster, killed wherever one wishes; no cluster is touched.

A kill is what a lost process is: the record at hand is not written, nothing is cleaned up, and another process resumes
with the same journal and the same cluster. Runs that were killed must end as the one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.driver.pace import Pace
from migrate.driver.session import begin_run, resume_run
from migrate.engine.invariants import broken
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeStatus, Run, RunStatus
from migrate.model.snapshot import Snapshot
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.memory import MemoryJournal
from migrate.simulator.state import end_state

__all__ = ["Ended", "Killed", "Rehearsal", "killed_everywhere", "rehearse"]

RUN, HOLDER = "5ea4ca1e", "rehearsal"
PACE = Pace(first_s=2, watch_s=300, desired_s=10_000, mirror_s=100_000, longest_s=100_000)
MAX_RESUMES = 25


class Killed(Exception):  # it is meant
    """The process is gone, in the middle of writing a record."""


@dataclass(slots=True)
class KillingJournal:
    """A journal that kills its process when a record would be written; ``at`` is that record's number."""

    kept: MemoryJournal
    at: int | None = None
    each: Callable[[int, str], None] | None = None

    def append(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Write a record, or die."""
        number = len(self.kept.kept) + 1
        if self.each is not None:
            self.each(number, kind)
        if number == self.at:
            raise Killed
        return self.kept.append(kind, **fields)

    def records(self) -> Any:  # noqa: ANN401  # as the kept journal gives them
        """Give what was written."""
        return self.kept.records()

    def free_reserve(self) -> None:
        """Make room for one record."""
        self.kept.free_reserve()


@dataclass(frozen=True, slots=True)
class Ended:
    """How one rehearsed run ended."""

    run: Run
    state: Mapping[str, Any]
    seconds: float
    records: tuple[Mapping[str, Any], ...]
    broken: tuple[str, ...] = ()


@dataclass(slots=True)
class Rehearsal:
    """A rehearsal under way; ``watchers`` see every record, ``broken`` collects invariants that did not hold."""

    plan: Plan
    sim: Simulation
    attended: bool = False
    reporter: Any = None
    broken: list[str] = field(default_factory=list)
    approve: bool = True

    def begin(self, journal: KillingJournal | None = None) -> Run:
        """Begin the run and drive it as far as it goes."""
        ports = self._ports(journal)
        driver = begin_run(
            self.plan, ports, RUN, holder=HOLDER, attended=self.attended, rehearsal=True, pace=PACE
        )
        return self._driven(driver.drive(self._watched), journal)

    def resume(self, *events: Event, journal: KillingJournal | None = None) -> Run:
        """Go on in another process."""
        driver = resume_run(self.plan, self._ports(journal), RUN, holder=HOLDER, pace=PACE)
        for event in events:
            driver.tell(event)
        return self._driven(driver.drive(self._watched), journal)

    def _ports(self, journal: KillingJournal | None) -> Any:  # noqa: ANN401  # Ports with another journal
        from dataclasses import replace  # noqa: PLC0415  # one use

        ports = self.sim.ports(self.reporter)
        return ports if journal is None else replace(ports, journal=journal)

    def _watched(self, run: Run) -> bool:
        self.broken += [b for b in broken(run) if b not in self.broken]
        return False

    def _driven(self, run: Run, journal: KillingJournal | None) -> Run:
        """Give the approvals that a rehearsal takes for granted, and drive on."""
        if self.approve and run.status is RunStatus.PAUSED and run.reason == "approval":
            return self.resume(Event(Kind.APPROVE, detail={"id": run.asked}, by=HOLDER), journal=journal)
        return run

    def ended(self, run: Run) -> Ended:
        """Give how it ended."""
        return Ended(
            run,
            end_state(self.sim.world),
            self.sim.world.now,
            tuple(self.sim.journal.kept),
            tuple(self.broken),
        )


def rehearse(
    plan: Plan,
    snapshot: Snapshot,
    *,
    faults: Mapping[str, Any] | None = None,
    seed: int = 0,
    reporter: Any = None,  # noqa: ANN401
) -> Ended:
    """Rehearse a plan once, to wherever it leads."""
    rehearsal = Rehearsal(
        plan, world_of(snapshot, plan.draft.settings, faults=faults or {}, seed=seed), reporter=reporter
    )
    return rehearsal.ended(rehearsal.begin())


def killed_everywhere(
    plan: Plan, snapshot: Snapshot, *, every: int = 1, only: frozenset[int] = frozenset(), seed: int = 0
) -> Iterator[tuple[int, str, Ended | None]]:
    """Kill the run before each ``every``-th record, resume it, and give its end; None where it never came to one.

    ``only``: these records and no others.

    The world at each kill is a copy of the uninterrupted run's, taken as that record was about to be written.
    """
    points: list[tuple[int, str, Simulation]] = []
    sim = world_of(snapshot, plan.draft.settings, seed=seed)

    def note(number: int, kind: str) -> None:
        if number > 1 and (number in only if only else number % every == 0):
            points.append((number, kind, sim.fork()))

    rehearsal = Rehearsal(plan, sim)
    journal = KillingJournal(sim.journal, each=note)
    run = rehearsal.begin(journal)
    while run.status is RunStatus.PAUSED:
        run = rehearsal.resume(journal=journal)
    for number, kind, copied in points:
        yield number, kind, _resumed(plan, copied)


def _resumed(plan: Plan, sim: Simulation) -> Ended | None:
    rehearsal = Rehearsal(plan, sim)
    for _ in range(MAX_RESUMES):
        run = rehearsal.resume()
        if run.status.terminal:
            return rehearsal.ended(run)
        if run.status is RunStatus.HALTED or any(n.status is NodeStatus.HALTED for n in run.nodes.values()):
            return rehearsal.ended(run)
    return None
