"""A window of changes against moments: nights, weekends, the change of clocks."""

from __future__ import annotations

import pytest

from migrate.model.calendar import is_open, moment, next_opening, seconds_between, window_seconds
from migrate.model.settings import Window

NIGHT = Window(days=("mon", "tue", "wed", "thu"), start="20:00", end="05:00", zone="Europe/Berlin")
OFFICE = Window(days=("sat",), start="08:00", end="18:30", zone="UTC")


@pytest.mark.parametrize(
    ("window", "now", "answer"),
    [
        (NIGHT, "2026-11-23T19:59:59+01:00", False),
        (NIGHT, "2026-11-23T20:00:00+01:00", True),
        (NIGHT, "2026-11-24T04:59:59+01:00", True),
        (NIGHT, "2026-11-24T05:00:00+01:00", False),
        (NIGHT, "2026-11-27T04:00:00+01:00", True),
        (NIGHT, "2026-11-27T21:00:00+01:00", False),
        (NIGHT, "2026-11-23T19:30:00Z", True),
        (OFFICE, "2026-11-28T18:29:00Z", True),
        (OFFICE, "2026-11-28T18:30:00Z", False),
        (Window(), "2026-11-28T03:00:00Z", True),
        (Window(days=("mon",), zone="Mars/Base"), "2026-11-23T12:00:00Z", None),
        (Window(days=("mon",), start="00:00", end="24:00"), "2026-11-23T23:59:00Z", True),
    ],
)
def test_a_window_is_open_from_its_start_until_its_end(window: Window, now: str, answer: bool | None) -> None:
    found = moment(now)
    assert found is not None
    assert is_open(window, found) is answer


def test_the_next_opening_is_told_in_the_window_s_zone() -> None:
    now = moment("2026-11-27T12:00:00Z")
    assert now is not None
    assert str(next_opening(NIGHT, now)) == "2026-11-30 20:00:00+01:00"
    assert next_opening(Window(), now) is None
    assert next_opening(Window(days=("mon",), zone="Mars/Base"), now) is None


def test_hours_of_the_wall_clock_stay_when_clocks_change() -> None:
    summer = moment("2026-10-24T10:00:00Z")
    assert summer is not None
    every_day = Window(days=("sun",), start="20:00", end="05:00", zone="Europe/Berlin")
    assert str(next_opening(every_day, summer)) == "2026-10-25 20:00:00+01:00"


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [("20:00", "05:00", 9), ("08:00", "18:30", 10.5), ("00:00", "24:00", 24), ("07:00", "07:00", 24)],
)
def test_a_window_past_midnight_is_as_long_as_the_night(start: str, end: str, hours: float) -> None:
    assert window_seconds(Window(start=start, end=end)) == hours * 3600


def test_what_is_no_time_is_none() -> None:
    assert moment("yesterday") is None
    assert seconds_between("2026-01-01T00:00:00Z", "") is None
    assert seconds_between("2026-01-01T00:00:00", "2026-01-01T00:01:00Z") == 60
