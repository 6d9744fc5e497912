"""Rehearsals: the real driver against a simulated cluster; no cluster is touched.

A rehearsal always ends: one in which nothing but waits happens is stopped, and says what it waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from migrate.driver.books import Playback
from migrate.driver.loop import Driver
from migrate.driver.pace import Pace
from migrate.driver.session import begin_run, resume_run
from migrate.engine.invariants import broken
from migrate.model.calendar import next_opening
from migrate.model.census import census, out_of
from migrate.model.commands import Name
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.plan import Plan
from migrate.model.run import PATH, NodeStatus, Run, RunStatus
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.ports import Journal, Ports
from migrate.simulator.build import Simulation, world_of
from migrate.simulator.faults import OrchestratorDied
from migrate.simulator.others import SimClock
from migrate.simulator.state import end_state

__all__ = [
    "Conditions",
    "Ended",
    "Intervention",
    "Patience",
    "Rehearsal",
    "rehearse",
    "waiting",
]

RUN, HOLDER = "5ea4ca1e", "rehearsal"
PACE = Pace(
    first_s=2,
    watch_s=100_000,
    policies_s=100_000,
    desired_s=10_000,
    pods_s=100_000,
    mirror_s=100_000,
    longest_s=100_000,
)
"""Looks seldom: nobody touches a simulated cluster. Where something is made to go wrong there, a run's own pace holds."""
HOUR_S, SETTLE_S = 3600.0, 600.0
MOST_TURNS = 200_000
"""So many turns in which nothing comes on are a circle, however little time passes in them: four days of polling."""


LOOKING_ON = frozenset({Name.SOAK, Name.COLLECT_FLOWS, Name.COLLECT_BASELINE_FLOWS})
"""Commands that are nothing but time: no wait for anything."""


@dataclass(slots=True)
class Patience:
    """Says when a run has waited long enough: twice the longest time that its plan asks for, in which nothing came on.

    A run that waits for somebody in a cluster where nobody is would wait for ever.
    """

    limit_s: float
    seen: Run | None = None
    shape: tuple[object, ...] = ()
    since: float = 0.0
    turns: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Patience:
        """Give the patience that a plan's own times ask for."""
        limits = settings.deadlines
        longest = max(
            settings.audit_s, settings.final_soak_s, settings.waves.soak_s, settings.waves.canary_soak_s,
            limits.drain_s, limits.node_s, limits.step_s, *limits.commands.values(),
        )  # fmt: skip
        return cls(2 * longest + HOUR_S)

    def is_lost(self, run: Run, now: float) -> bool:
        """Say whether nothing came on for too long."""
        if run is not self.seen:
            there = census(run.nodes)
            busy = (run.nodes[name] for name in there.busy)
            nodes = tuple((n.name, n.status, len(n.done), len(n.evict), n.rollbacks) for n in busy)
            shape = (run.where, run.phase, len(run.done), there.counts, nodes)
            if shape != self.shape:
                self.shape, self.since, self.turns = shape, now, 0
        self.seen = run
        self.turns += 1
        return now - self.since > self.limit_s or self.turns > MOST_TURNS


@dataclass(frozen=True, slots=True)
class Intervention:
    """What a person asks of the run: once a node has come so far, or, without a node, when the run rests."""

    event: Event
    node: str = ""
    status: NodeStatus | None = None

    def is_due(self, run: Run) -> bool:
        """Say whether its moment has come while the run goes on."""
        if not self.node or self.status is None:
            return False
        now = run.nodes[self.node].status
        return now in PATH and PATH.index(now) >= PATH.index(self.status)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a plan is rehearsed: what goes wrong, the begin of all chance, what a person asks on the way."""

    faults: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    course: tuple[Intervention, ...] = ()

    def simulated(self, plan: Plan, snapshot: Snapshot) -> Simulation:
        """Give a cluster made of the snapshot."""
        return world_of(snapshot, plan.draft.settings, faults=dict(self.faults), seed=self.seed)


@dataclass(frozen=True, slots=True)
class Ended:
    """How one rehearsed run ended, and under what. ``waits``: what it waited for where it came to no end, with the seconds of each.

    ``most_out`` is how many nodes took no pods at once; ``longest`` the longest wait that was told, with its sentence.
    """

    run: Run
    state: Mapping[str, Any]
    seconds: float
    records: tuple[Mapping[str, Any], ...]
    broken: tuple[str, ...] = ()
    waits: tuple[tuple[str, float], ...] = ()
    most_out: int = 0
    longest: tuple[str, float] = ("", 0.0)
    conditions: Conditions = field(default_factory=Conditions)

    @property
    def converged(self) -> bool:
        """Say whether it came to the end of its plan, with every invariant kept."""
        return self.run.status is RunStatus.DONE and not self.broken


@dataclass(slots=True)
class Rehearsal:
    """A rehearsal under way; ``broken`` collects invariants that did not hold, ``waits`` what it was given up for.

    ``course`` are the interventions still to come, in their order; ``looks_on`` is told whenever the run has changed;
    ``played``: the first records of the journal, played back already.
    """

    plan: Plan
    sim: Simulation
    attended: bool = False
    reporter: Any = None
    broken: list[str] = field(default_factory=list)
    approve: bool = True
    run_id: str = RUN
    course: tuple[Intervention, ...] = ()
    waits: tuple[tuple[str, float], ...] = ()
    most_out: int = 0
    longest: tuple[str, float] = ("", 0.0)
    approved: set[str] = field(default_factory=set)
    looks_on: Callable[[Driver], None] | None = None
    played: Playback | None = None

    def begin(self, journal: Journal | None = None) -> Run:
        """Begin the run and drive it as far as it goes."""
        driver = begin_run(
            self.plan,
            self._ports(journal),
            self.run_id,
            holder=HOLDER,
            attended=self.attended,
            rehearsal=True,
            pace=self._pace(),
        )
        return self._driven(driver, journal)

    def resume(self, *events: Event, journal: Journal | None = None) -> Run:
        """Go on in another process."""
        driver = resume_run(
            self.played or Playback(self.plan, self.run_id), self._ports(journal),
            holder=HOLDER, pace=self._pace(), start=True,
        )  # fmt: skip
        for event in events:
            driver.tell(event)
        return self._driven(driver, journal)

    def _pace(self) -> Pace:
        real, moves = Pace(), self.plan.draft.settings.nodes.move
        nodes_come_and_go = self.sim.world.faults or moves == "replace"
        return replace(real, first_s=PACE.first_s) if nodes_come_and_go else PACE

    def _ports(self, journal: Journal | None) -> Ports:
        ports = self.sim.ports(self.reporter)
        return ports if journal is None else replace(ports, journal=journal)

    def _driven(self, driver: Driver, journal: Journal | None) -> Run:
        """Drive to rest; give the approvals that a rehearsal takes for granted, each once, and drive on."""
        patience = Patience.of(self.plan.draft.settings)
        self.waits = ()

        def watched(run: Run) -> bool:
            if run is not patience.seen:
                self._look(run)
                self._intervene(driver, run)
                if self.looks_on is not None:
                    self.looks_on(driver)
            self.longest = max((self.longest, *driver.waits(but=LOOKING_ON)), key=lambda wait: wait[1])
            lost = patience.is_lost(run, driver.at)
            self.waits = driver.waits() if lost else ()
            return lost

        try:
            run = driver.drive(watched)
        except OrchestratorDied:
            return self.resume(journal=journal)
        if self._sleep_to_the_window(run):
            return self.resume(journal=journal)
        awaited = run.status is RunStatus.PAUSED and run.reason == "approval" and run.asked
        if self.approve and awaited and run.asked not in self.approved:
            self.approved.add(run.asked)
            return self.resume(Event(Kind.APPROVE, detail={"id": run.asked}, by=HOLDER), journal=journal)
        if self.course and not self.course[0].node and not self.waits:
            event, self.course = self.course[0].event, self.course[1:]
            return self.resume(event, journal=journal)
        return run

    def _sleep_to_the_window(self, run: Run) -> bool:
        """Let the night pass where the run waits for its window; say whether it did."""
        if run.status is not RunStatus.PAUSED or run.reason != "window":
            return False
        clock = self.sim.ports(None).clock
        opens = next_opening(self.plan.draft.settings.waves.window, clock.now())
        if opens is not None:
            clock.sleep((opens - clock.now()).total_seconds())
        return opens is not None

    def _intervene(self, driver: Driver, run: Run) -> None:
        if self.course and self.course[0].is_due(run):
            driver.tell(self.course[0].event)
            self.course = self.course[1:]

    def _look(self, run: Run) -> None:
        self.broken += [b for b in broken(run) if b not in self.broken]
        self.most_out = max(self.most_out, len(out_of(run.nodes)))

    def ended(self, run: Run) -> Ended:
        """Give how it ended, once what was under way in the cluster is over: pods that were moved start."""
        seconds = self.sim.world.now
        SimClock(self.sim.world).sleep(SETTLE_S)
        records = tuple(self.sim.journal.kept)
        longest = max((self.longest, *_refused(records)), key=lambda wait: wait[1])
        return Ended(
            run, end_state(self.sim.world), seconds, records, tuple(self.broken),
            self.waits, self.most_out, longest,
        )  # fmt: skip


def _refused(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Give what was refused again and again, each with the seconds from the first to the last time."""
    first: dict[str, float] = {}
    for event in (r["event"] for r in records if r["kind"] in {"gate", "outcome"}):
        failed = event.get("outcome") == GateOutcome.FAIL or event.get("failure") == FailureClass.WAIT
        if failed:
            text, at = str(event.get("text", "")), float(event.get("at", 0))
            yield text, at - first.setdefault(text, at)


def rehearse(
    plan: Plan,
    snapshot: Snapshot,
    *,
    faults: Mapping[str, Any] | None = None,
    seed: int = 0,
    reporter: Any = None,  # noqa: ANN401
    run_id: str = RUN,
    course: Sequence[Intervention] = (),
) -> Ended:
    """Rehearse a plan once, to wherever it leads."""
    under = Conditions(faults or {}, seed, tuple(course))
    sim = under.simulated(plan, snapshot)
    rehearsal = Rehearsal(plan, sim, reporter=reporter, run_id=run_id, course=under.course)
    return replace(rehearsal.ended(rehearsal.begin()), conditions=under)


def waiting(waits: Sequence[tuple[str, float]]) -> str:
    """Give what was waited for in one phrase; ``nothing that was told`` where no command said."""
    return "; ".join(text for text, _ in waits) or "nothing that was told"
