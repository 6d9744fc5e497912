"""When changes may be made: the window of the configuration against a moment, in the window's own time zone.

Times of day are wall-clock times of the zone, so a window keeps its hours when clocks change. The zone's rules are the
machine's tz database, read by the standard library; an unknown zone is an answer (None), not an error.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrate.model.settings import Window

__all__ = ["is_open", "moment", "next_opening", "seconds_between", "window_seconds"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
A_WEEK = 8
"""Days to look ahead: one more than a week, as today's opening may be over."""


def moment(text: str) -> datetime | None:
    """Read an RFC 3339 time; one without a zone is UTC; None where there is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def seconds_between(start: str, end: str) -> float | None:
    """Give the seconds from one time to another; None where either is no time."""
    first, last = moment(start), moment(end)
    return (last - first).total_seconds() if first is not None and last is not None else None


def _minutes(text: str) -> int:
    """Give the minutes of ``HH:MM`` since midnight, 24:00 included; 0 for what is none."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes) if hours.isdigit() and minutes.isdigit() else 0


def window_seconds(window: Window) -> float:
    """Give how long the window is open at a stretch; one that ends before it starts reaches into the next day."""
    length = _minutes(window.end) - _minutes(window.start)
    return 60.0 * (length if length > 0 else length + DAY_MINUTES)


def is_open(window: Window, now: datetime) -> bool | None:
    """Say whether the window is open; without days it always is; None where its zone is not known.

    A window past midnight belongs to the day on which it starts. It is open at its start and closed at its end.
    """
    if not window.days:
        return True
    local = _local(window, now)
    if local is None:
        return None
    length = timedelta(seconds=window_seconds(window))
    return any(s <= local < s + length for s in _starts(window, local - timedelta(days=1), 2))


def next_opening(window: Window, now: datetime) -> datetime | None:
    """Give when the window opens next, in its own zone; None where it is always open or never, or its zone is not known."""
    local = _local(window, now)
    if local is None:
        return None
    return next((start for start in _starts(window, local, A_WEEK) if start > local), None)


def _local(window: Window, now: datetime) -> datetime | None:
    try:
        return now.astimezone(ZoneInfo(window.zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _starts(window: Window, first: datetime, days: int) -> list[datetime]:
    """Give the openings of so many days from the day of ``first`` on."""
    minutes = _minutes(window.start)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    every = [midnight + timedelta(days=n) for n in range(days)]
    return [
        day.replace(hour=minutes // 60 % 24, minute=minutes % 60)
        for day in every
        if DAYS[day.weekday()] in window.days
    ]
