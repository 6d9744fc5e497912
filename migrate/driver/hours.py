"""What the clock brings to a run besides its window: the end of its working time.

It is judged by the run's own time, which no jump of a clock moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.model.calendar import is_open
from migrate.model.commands import Name
from migrate.model.events import Event, Kind
from migrate.model.run import Phase, Run, RunStatus
from migrate.model.settings import Settings
from migrate.ports import Clock

__all__ = ["Hours", "Worked"]

WORKING = frozenset({RunStatus.RUNNING, RunStatus.STOPPING})
READING_PHASES = frozenset({Phase.AUDIT, Phase.SOAK})
IDLE = frozenset({Name.SOAK, Name.COLLECT_FLOWS, Name.COLLECT_BASELINE_FLOWS, Name.ASK})


@dataclass(slots=True)
class Worked:
    """Working time in seconds: soaks, P7, P9 and time at rest do not count (R40).

    Who resumes a run whose time was over gives it the same time again.
    """

    seconds: float = 0.0
    at: float = 0.0

    def passes(self, before: Run, now: Run, at: float) -> None:
        """Count the time since the last event, by what the run was doing, and see what the event made of it."""
        if _counts(before):
            self.seconds += max(0.0, at - self.at)
        self.at = at
        if before.status is RunStatus.PAUSED and before.reason == "deadline" and now.status in WORKING:
            self.seconds = 0.0

    def until(self, run: Run, at: float) -> float:
        """Give the working time at a moment."""
        return self.seconds + (max(0.0, at - self.at) if _counts(run) else 0.0)


def _counts(run: Run) -> bool:
    busy = run.status in WORKING and run.phase not in READING_PHASES
    return busy and any(o.command.name not in IDLE for o in run.open.values())


class Hours:
    """Tells that the working time is over, and whether a run may begin now."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        """Take the window and the working time of the settings; ``limit_s`` may be changed, 0 is none."""
        self._clock = clock
        self._window = settings.waves.window
        self.limit_s = settings.deadlines.run_s

    @property
    def outside(self) -> bool:
        """Say whether nothing may be changed now; so it is where the window's zone is not known."""
        return is_open(self._window, self._clock.now()) is not True

    def changes(self, run: Run, worked: Worked, at: float) -> Iterator[Event]:
        """Give what the clock brought since the last look."""
        if 0 < self.limit_s <= worked.until(run, at) and run.status is RunStatus.RUNNING:
            yield Event(Kind.DEADLINE_EXPIRED, text=f"the run has worked for {self.limit_s:.0f} s")

    def next_at(self, run: Run, worked: Worked, at: float) -> float:
        """Give when there is something to look at again."""
        if not self.limit_s or not _counts(run):
            return float("inf")
        return at + max(0.0, self.limit_s - worked.until(run, at))
