"""How far and how long a process drives a run: options that ``apply``, ``run`` and ``resume`` share."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from migrate.driver.loop import Driver
from migrate.entrypoints.cli.face import say
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.calendar import is_open, next_opening
from migrate.model.plan import Plan
from migrate.model.run import MIGRATION, SETTLED, NodeStatus, Run
from migrate.model.settings import seconds
from migrate.ports import Clock

__all__ = ["STRAIGHT_ON", "Course", "course_of", "course_options", "in_window"]

HANGUPS = ("finish-node", "continue", "checkpoint")
OVER = SETTLED | {NodeStatus.ROLLED_BACK}
LOOK_S = 15.0
NAMES = ("until", "wait", "deadline", "on_hangup", "metrics", "log_file")


@dataclass(frozen=True, slots=True)
class Course:
    """``until``: a phase, a wave, ``canary`` or a node; ``hangup``: empty is by whether a person looks on.

    ``metrics`` is where they are served, ``log`` the file of the structured log.
    """

    until: str = ""
    wait: bool = False
    deadline_s: float = 0.0
    hangup: str = ""
    metrics: str = ""
    log: str = ""

    def check(self, plan: Plan) -> None:
        """Raise ``Failure`` where ``until`` is nothing that the plan has."""
        if self.until:
            far_enough(plan, self.until)

    def steer(self, driver: Driver) -> None:
        """Tell a driver that begins."""
        driver.wait = self.wait
        if self.deadline_s:
            driver.hours.limit_s = self.deadline_s
        if self.until:
            driver.stop_after = far_enough(driver.run.plan, self.until)


STRAIGHT_ON = Course()
"""To the end, or to where a person is needed."""


def course_options[F: Callable[..., Any]](verb: F) -> F:
    """Give a verb the options."""
    for option in (
        click.option("--log-file", metavar="FILE", envvar="C2C_LOG", default="", help="Structured log, JSON lines."),
        click.option("--metrics", metavar="HOST:PORT", default="", help="Serve Prometheus metrics of the run there."),
        click.option("--on-hangup", type=click.Choice(HANGUPS), help="What SIGHUP does; else finish-node with a terminal, continue without."),
        click.option("--deadline", metavar="8h", help="Stop at a checkpoint after so much working time."),
        click.option("--wait", is_flag=True, help="Keep process and lock while a person, or the window, is waited for."),
        click.option("--until", metavar="PHASE|WAVE|NODE", default="", help="Pause after it: canary, wave-2, P6, or a node's name."),
    ):  # fmt: skip
        verb = option(verb)
    return verb


def course_of(said: dict[str, Any]) -> Course:
    """Take the options out of what was said; raises ``Failure`` for a duration that is none."""
    until, wait, deadline, hangup, metrics, log = (said.pop(name) for name in NAMES)
    length = seconds(deadline) if deadline else 0.0
    if deadline and not length:
        raise Failure(f"--deadline {deadline}: no duration", fix="give one with its unit: 90m, 8h")
    return Course(until, wait, length, hangup or "", metrics, log)


def far_enough(plan: Plan, until: str) -> Callable[[Run], bool]:
    """Give whether a run has come as far as ``until`` says."""
    waves = plan.draft.waves
    names: Mapping[str, tuple[str, ...]] = {
        **{f"wave-{number}": tuple(wave) for number, wave in enumerate(waves, start=1)},
        **({"canary": plan.draft.canaries} if plan.draft.canaries else {}),
        **{node: (node,) for node in plan.draft.nodes},
    }
    phases = {str(phase): phase.number for phase in MIGRATION}
    if until in names:
        return lambda run: all(n not in run.nodes or run.nodes[n].status in OVER for n in names[until])
    if until in phases:
        return lambda run: run.phase.number > phases[until]
    near = difflib.get_close_matches(until, [*names, *phases], 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise Failure(
        f"--until {until}: the plan has no such phase, wave or node", fix=f"{hint}c2c plan shows them"
    )


def in_window(plan: Plan, clock: Clock, *, wait: bool) -> None:
    """Wait until the plan's window is open; raises ``Failure`` (exit 9) where nobody wants to wait, or it never opens."""
    window, now = plan.draft.settings.waves.window, clock.now()
    if is_open(window, now):
        return
    opens = next_opening(window, now)
    if wait and opens is not None:
        say(f"  waiting for the window, which opens {opens:%a %Y-%m-%d %H:%M %Z}", always=True)
        while not is_open(window, clock.now()):
            clock.sleep(LOOK_S)
        return
    when = f"it opens {opens:%a %Y-%m-%d %H:%M %Z}" if opens is not None else f"is {window.zone} a time zone?"
    raise Failure(
        "the window for changes is closed",
        why="WindowClosed: nothing was begun",
        fix=f"{when}; run the same command then",
        code=ExitCode.WAITING,
    )
