"""PRE-167: outside the window nothing is changed: ``apply`` waits or ends with exit 9, so this never blocks a plan."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.calendar import is_open, moment, next_opening
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Ask the calendar."""
    window = case.draft.settings.waves.window
    if not window.days:
        return
    now = moment(case.now)
    if now is None:
        yield Unread("the time of day")
        return
    opened = is_open(window, now)
    if opened is None:
        yield Unread(f"the time zone {window.zone}")
    elif not opened:
        opening = next_opening(window, now)
        when = opening.strftime("%a %Y-%m-%d %H:%M %Z") if opening is not None else "never"
        yield Hit("config/waves.window", {"t": when}, {"now": case.now})


RULE = Rule(
    number=167,
    group=Group.TIME,
    severity=Severity.INFO,
    title="Outside the window",
    message="Window opens {t}",
    remedy="",
    check=check,
    repeat=frozenset({Repeat.CONTINUOUS}),
)
