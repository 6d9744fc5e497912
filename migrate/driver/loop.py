"""The loop: what is due is done, what is done is looked for, what is seen is told to the engine; then time passes.

One thread, one command of a node at a time; nothing waits inside a deed. Between two turns nothing is half-told: a stop,
the lock and wishes from outside are looked at there.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from migrate.driver import on_calico, on_cilium, on_evidence, on_nodes, on_programs
from migrate.driver.books import Books, Standing, mirrored
from migrate.driver.deeds import Absent, Deed, Done, Failed, Look, Waiting, Workshop, refused
from migrate.driver.hours import Hours, Worked
from migrate.driver.measure import measure
from migrate.driver.on_nodes import NotDrained
from migrate.driver.pace import Pace
from migrate.driver.watch import Watch
from migrate.engine.gates import CONVERGING, GateResult, judge_gate
from migrate.engine.machine import step
from migrate.model.commands import Command, Name
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.run import Run, RunStatus
from migrate.model.serial import encode
from migrate.ports import ApiError, Desired, Ports

__all__ = ["Driver", "Task"]

DEEDS: Mapping[Name, Deed] = {
    **on_nodes.DEEDS,
    **on_programs.DEEDS,
    **on_cilium.DEEDS,
    **on_calico.DEEDS,
    **on_evidence.DEEDS,
}
UNREACHABLE = frozenset({FailureClass.TRANSIENT})
SHORTEST_S = 0.001
"""Time moves between two turns, whatever is due: a loop that does not sleep would starve everything else."""
REFUSED_AGAIN_S, TOLD_AGAIN_S = 5.0, 60.0
TURN_S = 5.0  # then it is looked whether a person wants something, and whether all holds that has to
TOGETHER = 8  # commands that are done side by side; the lock is looked at again behind them
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
BUDGETS, RIGHTS = "G-24", "G-22"
RESTING = frozenset(
    {RunStatus.PAUSED, RunStatus.HALTED, RunStatus.ABORTED, RunStatus.ROLLED_BACK, RunStatus.DONE}
)


@dataclass(slots=True)
class Task:
    """A command in the loop's hands: when it is next looked at, until when, whether it was acted on."""

    command: Command
    due: float
    until: float
    acted: bool = False
    waiting: str = ""
    since: float = 0.0
    looks: int = 0
    denied: float | None = None
    done: bool = False
    refusal: ApiError | None = None
    """Of a command that was done together with another one and not looked at yet: whether it was, and what refused it."""


@dataclass(slots=True)
class Refusal:
    """A refusal that was told, and how often it came again in the same words since."""

    text: str
    told: float
    count: int = 0


class Driver:
    """Drives one run until it rests, ends or is told to leave."""

    def __init__(
        self,
        run: Run,
        ports: Ports,
        books: Books,
        *,
        at: float = 0.0,
        heard: Desired | None = None,
        pace: Pace | None = None,
        worked: Worked | None = None,
    ) -> None:
        """Take a run where it stands; ``at`` is its own time, ``worked`` the part of it in which it worked."""
        self.run = run
        self._ports = ports
        self._books = books
        self._pace = pace or Pace()
        self._offset = at - ports.clock.monotonic()
        self._tasks: dict[str, Task] = {}
        self._refused: dict[str, Refusal] = {}
        self._events: deque[Event] = deque()
        self._watch = Watch(ports, self._pace, heard or Desired())
        self._noted = self._watch.wish
        self.hours = Hours(ports.clock, run.plan.draft.settings)
        self._worked = worked or Worked(at=at)
        self._mirrored = (-1.0, "")
        self._asked = 0.0
        self._down: float | None = None
        self.leave = False
        self.wait = False
        self.stop_after: Callable[[Run], bool] | None = None

    @property
    def at(self) -> float:
        """Give the run's own time: seconds since it began, over all processes."""
        return self._ports.clock.monotonic() + self._offset

    # From outside.

    def tell(self, event: Event) -> None:
        """Queue an event; it is heard at the next turn."""
        self._events.append(event)

    def hear_wishes(self) -> None:
        """Queue what was wanted of the run while nobody drove it."""
        self._events.extend(self._watch.wishes())

    def hear_census(self) -> None:
        """Queue who joined and who left the cluster while nobody drove the run."""
        self._events.extend(self._watch.census(self.run))

    def knows(self, wanted: Desired) -> None:
        """Take wishes as heard: whoever wrote them has told them as events."""
        self._watch.wish = wanted

    def drive(self, until: Callable[[Run], bool] | None = None) -> Run:
        """Work until the run rests, or ``until`` says so, or it was asked to leave and has come to a checkpoint."""
        while True:
            self._turn()
            if self._rests() or (until is not None and until(self.run)):
                self._mirror(force=True)
                return self.run
            self._ports.clock.sleep(max(SHORTEST_S, self._next_due() - self.at))

    def _rests(self) -> bool:
        """Say whether nothing happens any more by itself; a run that was not begun was refused (R2, R3)."""
        if self._events:
            return False
        if self.wait and (self.run.status is RunStatus.PAUSED or not self.run.window_open):
            return False
        if self.run.status is RunStatus.PLANNED:
            return True
        left = (
            self.run.status is RunStatus.STOPPING
            and self.run.target is None
            and (not self.run.open or self.run.now)
        )
        return left or self.run.status in RESTING

    def waits(self, *, but: frozenset[Name] = frozenset()) -> tuple[tuple[str, float], ...]:
        """Give what the commands in hand wait for, each as a sentence with the seconds since it went out."""
        now, tasks = self.at, self._tasks.values()
        return tuple((t.waiting, now - t.since) for t in tasks if t.waiting and t.command.name not in but)

    @property
    def outlook(self) -> tuple[object, ...]:
        """Give all that decides what this process does next besides the run's state, with moments as seen from now.

        When it looks at nodes, at wishes and at its mirror again is not part of it: others may do something then.
        """
        now, worked = self.at, self._worked.seconds if self.hours.limit_s else 0.0
        tasks = sorted(
            (k, _from(t.due, now), _from(t.until, now), t.acted, t.done) for k, t in self._tasks.items()
        )
        refused = sorted((k, r.text, _from(r.told, now), r.count) for k, r in self._refused.items())
        waits = (self._down, len(self._events), [t.denied for t in self._tasks.values() if t.denied])
        return (tuple(tasks), tuple(refused), *waits, round(worked, 6))

    # One turn.

    def _turn(self) -> None:
        """Hear what came in, look at the clock and at what is due, see what changed, take wishes."""
        self._hear_all()
        self._events.extend([*self._watch.window(self.run), *self._watch.late(self.run, self.at)])
        self._hear_all()
        now = self.at
        for task in sorted((t for t in self._tasks.values() if t.due <= now), key=lambda t: t.due):
            if self._tasks.get(task.command.key) is task:
                self._attend(task)
                self._hear_all()
            if self.at - now > TURN_S:
                break  # whoever is left has waited longest when the next turn comes
        if self.run.status not in RESTING or self.wait:
            self._look_around()
            self._see_whether_enough()
        self._hear_all()
        self._note_wishes()
        self._mirror()
        self._ports.reporter.beat(self.run, self.waits())

    def _note_wishes(self) -> None:
        """Record what is wanted once it was heard, so that another process does not hear it again."""
        if self._watch.wish != self._noted:
            self._noted = self._watch.wish
            try:
                self._books.wishes(self._noted)
            except OSError as error:
                self._cannot_write(error)

    def _hear_all(self) -> None:
        while self._events:
            self._hear(self._events.popleft())

    def _hear(self, event: Event) -> None:
        """Record an event, let the engine work it off, record and take up what it orders."""
        heard = replace(event, at=self.at)
        try:
            self._books.heard(heard)
            stepped = step(self.run, heard)
            self._worked.passes(self.run, stepped.run, heard.at)
            self.run = stepped.run
            self._books.decided(self.run, stepped)
            for command in stepped.commands:
                self._take_up(command)
        except OSError as error:
            self._cannot_write(error)
        self._drop_closed()

    def _cannot_write(self, error: OSError) -> None:
        """The journal does not take records any more: nothing further is done (R59)."""
        text = f"the journal cannot be written: {error.strerror or error}"
        event = Event(Kind.JOURNAL_FAILED, at=self.at, text=text)
        self.run = step(self.run, event).run
        self._ports.journal.free_reserve()
        with suppress(OSError):
            self._books.heard(event)
        self._tasks.clear()
        self._events.clear()

    def _take_up(self, command: Command) -> None:
        opened = self.run.open.get(command.key)
        if opened is None:
            return
        self._books.intends(command, opened.until)
        self._watch.ordered(command)
        now = self.at
        self._tasks[command.key] = Task(command, now + command.after_s, opened.until, since=now)

    def _drop_closed(self) -> None:
        """Forget commands that the engine no longer waits for."""
        for key in self._tasks.keys() - self.run.open.keys():
            del self._tasks[key]

    # Commands.

    def _attend(self, task: Task) -> None:
        asks = task.command.nature.mutates or task.command.args.get("gate") == RIGHTS
        try:
            if asks and not (self._ports.lock.held() or self._ports.lock.regain()):
                self.tell(Event(Kind.LEASE_LOST, text="the lock is no longer ours"))
                return
            event = self._gate(task) if task.command.name is Name.EVALUATE_GATE else self._deed(task)
        except NotDrained as found:
            event = self._failure(task, Failed(FailureClass.CONFLICT, str(found), {"pods": found.pods}))
            self._watch.hurry()  # somebody may have uncordoned the node
        except ApiError as error:
            event = self._api_error(task, error)
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            self._cannot_write(error)  # evidence and backups lie where the journal lies
            return
        else:
            self._api_back()
        told = None if event is None else self._to_tell(task, event)
        if told is not None:
            self._tasks.pop(task.command.key, None)
            self.tell(told)

    def _to_tell(self, task: Task, event: Event) -> Event | None:
        """Give an event as it is told; None where the same refusal was told less than a minute ago (``state.md`` §1).

        The command is asked again then without a word; how often that was so is said when the refusal is told next.
        """
        known = self._refused.pop(task.command.key, None)
        of_budgets = event.gate == BUDGETS and event.outcome is not GateOutcome.PASS
        if event.failure is not FailureClass.WAIT and not of_budgets:
            return event
        again = self.at + float(event.detail.get("after_s", REFUSED_AGAIN_S))
        if known is None or known.text != event.text:
            self._refused[task.command.key] = Refusal(event.text, self.at)
            return event
        known.count += 1
        self._refused[task.command.key] = known
        if self.at - known.told < TOLD_AGAIN_S and again < task.until:
            task.due, task.waiting = again, event.text
            return None
        self._refused[task.command.key] = Refusal(event.text, self.at)
        return replace(event, detail={**event.detail, "times": known.count})

    def _api_back(self) -> None:
        if self._down is not None:
            self._down = None
            self.tell(Event(Kind.API_BACK, text="the API answers again"))

    def _api_error(self, task: Task, error: ApiError) -> Event | None:
        """No answer at all is the run's affair; what may pass is asked again in time; a refusal is the command's."""
        if error.status == 0 and error.failure in UNREACHABLE:
            if self._down is None:
                self._down = self.at
            self.tell(Event(Kind.API_UNREACHABLE, text=f"the API does not answer: {error}"))
            task.due = self.at + self._pace.watch_s
            return None
        if error.failure is FailureClass.DENIED and not self._surely_denied(task):
            task.due = self.at + self._next_s(task, self._pace.poll_s)
            task.waiting = str(error)
            return None
        if error.failure is FailureClass.TRANSIENT and self.at < task.until:
            task.due = self.at + (error.retry_after_s or self._next_s(task, self._pace.poll_s))
            task.waiting = str(error)
            return None
        return self._failure(task, refused(error))

    def _surely_denied(self, task: Task) -> bool:
        """Say whether a refusal has lasted: an API server that has just started does not know its roles yet."""
        if task.denied is None:
            task.denied = self.at
        return self.at - task.denied >= self._pace.denied_s

    def _deed(self, task: Task) -> Event | None:
        """Look, act if there is nothing to be seen, and look again later."""
        command, deed = task.command, DEEDS[task.command.name]
        work = Workshop(self._ports, self.run.plan, self.run)
        fresh = deed.traceless or not command.reconcile
        if (deed.once or not command.nature.idempotent) and not task.acted and fresh:
            return self._act(task, deed, work)
        look = deed.look(work, command)
        if isinstance(look, Absent) and not self._may_act_again(task):
            look = Waiting("not to be seen yet")
        if isinstance(look, Absent) or (isinstance(look, Failed) and look.anew and not task.acted):
            return self._act(task, deed, work)
        return self._answer(task, look)

    def _may_act_again(self, task: Task) -> bool:
        """A reboot is asked for once; anything else may be asked for again while there is time."""
        return task.command.nature.idempotent or not task.acted

    def _act(self, task: Task, deed: Deed, work: Workshop) -> Event | None:
        self._do(task, deed, work)
        task.acted = True
        look = deed.look(work, task.command)
        return self._answer(task, Waiting(look.text) if isinstance(look, Absent) else look)

    def _do(self, task: Task, deed: Deed, work: Workshop) -> None:
        """Do it, and with it some others of its kind that are due, where that can be done side by side."""
        if deed.together is None:
            deed.act(work, task.command)
            return
        if not task.done:
            beside = [
                task,
                *(t for t in self._tasks.values() if t is not task and self._goes_along(task, t)),
            ][:TOGETHER]
            for other, refusal in zip(beside, deed.together(work, [t.command for t in beside]), strict=True):
                other.done, other.refusal = True, refusal
        refusal, task.done, task.refusal = task.refusal, False, None
        if refusal is not None:
            raise refusal

    def _goes_along(self, task: Task, other: Task) -> bool:
        """Say whether another command may be done with this one: it is as due, and nothing of it is to be looked for first."""
        fresh = not (other.acted or other.done or other.command.reconcile)
        return fresh and other.command.name is task.command.name and other.due <= self.at

    def _answer(self, task: Task, look: Look) -> Event | None:
        match look:
            case Done(detail):
                return Event(
                    Kind.COMMAND_DONE, task.command.node, command=_plain(task.command), detail=detail
                )
            case Failed():
                return self._failure(task, look)
        if self.at >= task.until:
            text = (
                f"{task.command.words}: {look.text if isinstance(look, Waiting) else ''} (its time is over)"
            )
            return Event(Kind.COMMAND_UNKNOWN, task.command.node, command=_plain(task.command), text=text)
        task.waiting = look.text if isinstance(look, Waiting) else ""
        again = look.again_s if isinstance(look, Waiting) else 0
        task.due = self.at + (min(again, self._pace.longest_s) or self._next_s(task, self._pace.poll_s))
        return None

    def _next_s(self, task: Task, most_s: float) -> float:
        """Look soon at first, then more and more seldom."""
        task.looks += 1
        return self._pace.next_s(task.looks - 1, most_s)

    def _failure(self, task: Task, failed: Failed) -> Event:
        text = f"{task.command.words}: {failed.text}"
        return Event(
            Kind.COMMAND_FAILED, task.command.node, command=_plain(task.command), failure=failed.failure,
            detail=failed.detail, text=text,
        )  # fmt: skip

    def _gate(self, task: Task) -> Event | None:
        """Measure and judge; a gate that converges is asked again until it passes or its time is over."""
        command = task.command
        work = Workshop(self._ports, self.run.plan, self.run)
        gate = str(command.args["gate"])
        last = self.at + self._pace.gate_s >= task.until
        try:
            result = judge_gate(gate, measure(work, command), self.run.plan.draft.settings.gates)
            again = result.outcome is GateOutcome.FAIL and (gate in CONVERGING or _busy_host(result))
        except ApiError as error:
            if (error.status == 0 and error.failure in UNREACHABLE) or error.failure is FailureClass.DENIED:
                raise  # a read that is not allowed is a right that is gone, not evidence that is missing
            result, again = (
                GateResult(gate, GateOutcome.INCONCLUSIVE, f"it cannot be measured: {error}"),
                True,
            )
        if again and not last:
            task.due = self.at + self._next_s(task, self._pace.gate_s)
            task.waiting = f"{gate}: {result.text}"
            return None
        return self._judged(command, result)

    def _judged(self, command: Command, result: GateResult) -> Event:
        place = f"{command.node}/" if command.node else ""
        seen = {
            "gate": result.gate,
            "outcome": str(result.outcome),
            "text": result.text,
            "evidence": encode(result.evidence),
        }
        sha = on_evidence.artefact(
            Workshop(self._ports, self.run.plan, self.run), f"evidence/{place}{result.gate}.json", seen
        )
        text = f"{command.words}: {result.text}"
        return Event(
            Kind.GATE_RESULT, command.node, command=_plain(command), gate=result.gate, outcome=result.outcome,
            detail={"evidence": sha}, text=text,
        )  # fmt: skip

    # Around.

    def _see_whether_enough(self) -> None:
        """Pause, once, where the run was to go only so far."""
        if self.stop_after is not None and self.run.status is RunStatus.RUNNING and self.stop_after(self.run):
            self.stop_after = None
            self.tell(Event(Kind.PAUSE_REQUESTED, by="--until", text="as far as it was to go"))

    def _look_around(self) -> None:
        for event in self.hours.changes(self.run, self._worked, self.at):
            self.tell(event)
        try:
            for event in self._watch.changes(self.run, self.at):
                self.tell(event)
        except ApiError as error:
            if error.status == 0 and self._down is None:
                self._down = self.at
                self.tell(Event(Kind.API_UNREACHABLE, text=f"the API does not answer: {error}"))

    def _mirror(self, *, force: bool = False) -> None:
        """Write the state into the cluster where it changed in what others see, or time has passed."""
        when, known = self._mirrored
        if not force and self.at - when < self._pace.mirror_s and when >= 0:
            return
        shape = "|".join([self.run.where, *(f"{n}={s.status}" for n, s in self.run.nodes.items())])
        if not force and shape == known:
            return
        if not self._ports.lock.held() and self.run.status is not RunStatus.DONE:
            return
        try:
            state = mirrored(Standing(self.run, self.at, self._noted, self._worked))
            self._ports.mirror.write(state, self._books.seq, self._books.hash)
        except ApiError as error:
            if error.failure is FailureClass.CONFLICT:
                self.tell(Event(Kind.LEASE_LOST, text=f"another driver wrote the run's state: {error}"))
        self._mirrored = (self.at, shape)

    def _next_due(self) -> float:
        dues = [t.due for t in self._tasks.values()]
        others = (self._watch.next_at(self.at), self.hours.next_at(self.run, self._worked, self.at))
        return min([*dues, *others])


def _busy_host(result: GateResult) -> bool:
    """Say whether nothing but a module of an earlier process is in the way: it comes to its end (``state.md`` §9.1)."""
    return bool(result.evidence.get("locks")) and not result.evidence.get("denied")


def _from(moment: float, now: float) -> float:
    """Give a moment as seen from now, without what adding and subtracting seconds leaves behind."""
    return round(moment - now, 6)


def _plain(command: Command) -> Command:
    """Give the command as the engine knows it: without when and how it was last sent out."""
    return replace(command, after_s=0) if command.after_s else command
