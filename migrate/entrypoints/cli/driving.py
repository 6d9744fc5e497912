"""Driving a run from the command line: signals, the driver, its ending; shared by every verb that acts."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType

from migrate.driver.loop import Driver
from migrate.driver.session import Locked
from migrate.entrypoints.cli import collector
from migrate.entrypoints.cli.connecting import Connected, unreachable
from migrate.entrypoints.cli.course import STRAIGHT_ON, Course
from migrate.entrypoints.cli.endings import Ending, ending_of
from migrate.entrypoints.cli.face import next_step, say
from migrate.entrypoints.cli.narrator import Narrator
from migrate.entrypoints.cli.output import emit
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.events import Event, Kind
from migrate.ports import ApiError, Ports
from migrate.render.run_status import Picture, junit, status_document, status_table
from migrate.render.terminal import Sign, sign

__all__ = ["drive"]

TWICE_S = 5.0
CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


class _Signals:
    """What signals mean to a run: once, stop at the next checkpoint; twice within five seconds, leave at once."""

    def __init__(self, driver: Driver, wake: Callable[[], None], hangup: str) -> None:
        self._driver = driver
        self._wake = wake
        self._hangup = hangup
        self._first = float("-inf")
        self.code: ExitCode | None = None

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT and SIGTERM."""
        del frame
        self.code = CODES[signal.Signals(number)]
        now = time.monotonic()
        if now - self._first < TWICE_S:
            os._exit(self.code)
        self._first = now
        say("stopping after the step in hand; the same signal again within 5 s leaves at once", always=True)
        self._driver.tell(Event(Kind.STOP_REQUESTED, by=signal.Signals(number).name))
        self._wake()

    def hang_up(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGHUP: bring the nodes in hand to rest and pause, stop at the next checkpoint, or go on."""
        del number, frame
        if self._hangup == "continue":
            return
        kind = Kind.STOP_REQUESTED if self._hangup == "checkpoint" else Kind.HANG_UP
        self._driver.tell(Event(kind, by="SIGHUP"))
        self._wake()

    @staticmethod
    def keep_going(number: int, frame: FrameType | None) -> None:
        """Handle SIGTSTP: a stopped process would lose its lock."""
        del number, frame
        say("a run is not suspended while it holds the lock: c2c pause", always=True)


@contextmanager
def _handled(signals: _Signals) -> Iterator[None]:
    """Install the handlers; the old ones come back."""
    wanted = {
        signal.SIGINT: signals.stop,
        signal.SIGTERM: signals.stop,
        signal.SIGHUP: signals.hang_up,
        signal.SIGTSTP: signals.keep_going,
    }
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drive(
    begin: Callable[[], Driver],
    ports: Ports,
    cluster: Connected,
    narrator: Narrator,
    outputs: Sequence[str],
    *,
    asked_for_rollback: bool = False,
    course: Course = STRAIGHT_ON,
) -> int:
    """Begin or resume, drive to rest, say how it ended; gives the exit code.

    Raises ``Failure`` where the lock is another's (exit 6) or the API cannot be reached at the start (exit 7).
    """
    collector.needed()
    try:
        driver = begin()
    except Locked as error:
        raise Failure(str(error), why="two runs never act at once", fix="wait, or c2c resume --steal-lock RUN once its process is surely dead", code=ExitCode.LOCKED) from error  # fmt: skip
    except ApiError as error:
        raise unreachable(error, cluster.live.api.server) from error
    course.steer(driver)
    hangup = course.hangup or ("finish-node" if driver.run.attended else "continue")
    signals = _Signals(driver, cluster.live.clock.wake.set, hangup)
    try:
        with _handled(signals):
            run = driver.drive()
    finally:
        narrator.close()
        ports.lock.release()
    ending = ending_of(
        run, asked_for_rollback=asked_for_rollback, denied=narrator.denied, signal=signals.code
    )
    picture = Picture(run, cluster.name, cluster.identity.uid, at=driver.at)
    _show(picture, ending, outputs)
    return ending.code


def _show(picture: Picture, ending: Ending, outputs: Sequence[str]) -> None:
    document = {**status_document(picture), "reason": ending.reason, "exit": int(ending.code)}
    rendered: dict[str, Callable[[], str]] = {
        "json": lambda: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "junit": partial(junit, picture),
        "jsonl": lambda: "",
    }
    emit(outputs, partial(status_table, picture), rendered)
    if ending.runbook:
        say(
            sign(Sign.FAIL),
            f" Halted: {picture.run.reason}. Runbook: runbooks/{ending.runbook}.md (c2c explain {ending.runbook})",
            always=True,
        )
    for command in ending.next[:2]:
        next_step(command)
