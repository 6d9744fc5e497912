"""Since when something is so, over the looks in between."""

from __future__ import annotations

from migrate.driver.lasting import Lasting


def look(lasting: Lasting, now: float, *what: str) -> list[str]:
    lasting.begin(now)
    told = [w for w in what if lasting.lasts(w, 60)]
    lasting.end()
    return told


def test_it_is_told_once_it_lasted_and_again_while_it_lasts() -> None:
    lasting = Lasting()
    assert look(lasting, 0, "a") == []
    assert lasting.again == 60
    assert look(lasting, 30, "a", "b") == []
    assert lasting.again == 60
    assert look(lasting, 60, "a", "b") == ["a"]
    assert look(lasting, 90, "a", "b") == ["b"]
    assert look(lasting, 120, "a") == ["a"]


def test_what_was_over_in_between_begins_anew() -> None:
    lasting = Lasting()
    look(lasting, 0, "a")
    look(lasting, 30)
    assert lasting.again == float("inf")
    assert look(lasting, 70, "a") == []
    assert look(lasting, 130, "a") == ["a"]
