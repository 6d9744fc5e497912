"""Each way to carry out a Deny, by its smallest example: labels a, b, c of the peer, ports 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from translators.algebra.cubes import Layout
from translators.errors import BudgetExceeded
from translators.flows import Direction
from translators.ir.items import DenyStatus, Item, Source
from translators.ir.policy import Action
from translators.passes.decide import Decided, Judge, decide
from translators.settings import Limits

LAYOUT = Layout([2, 2, 2, 2])
A, B, C, PORT = range(4)
NONE = Limits(rule=0, deny=0, grow=0, retry=1)


def cube(**fields: int) -> int:
    """Give the cube that is full but for the named fields, where it has one bit."""
    found = LAYOUT.full
    for name, value in fields.items():
        index = {"a": A, "b": B, "c": C, "port": PORT}[name]
        found = (found & ~LAYOUT.masks[index]) | (1 << (LAYOUT.offsets[index] + value))
    return found


def item(
    action: Action, *region: int, end_of_tier: bool = False, native: bool = False, tier: int = 0
) -> Item:
    source = Source(None, Direction.INGRESS, tier="default")
    return Item(action, region, source, tier, end_of_tier=end_of_tier, native=native)


def decided(
    *items: Item,
    limits: Limits | None = None,
    explicit: bool = False,
    realised: Callable[[int], bool] | None = None,
) -> Decided:
    judge = Judge(LAYOUT, limits or Limits(), lambda _: None, lambda _, *, denies: True, explicit, realised)
    return decide(items, judge)


ALLOW, DENY, PASS = Action.ALLOW, Action.DENY, Action.PASS
SANDWICH = (item(ALLOW, cube(a=1)), item(DENY, cube(b=1)), item(ALLOW, cube(c=1)))


def covers(cubes: Sequence[int], point: int) -> bool:
    return any(LAYOUT.meets(c, point) for c in cubes)


def test_a_deny_without_a_later_allow_is_left_to_default_deny() -> None:
    found = decided(item(ALLOW, cube(a=1)), item(DENY, cube(b=1)))
    assert (found.statuses, found.denies) == ({1: DenyStatus.DROP}, {})


def test_a_deny_without_an_earlier_allow_is_written_as_it_stands() -> None:
    found = decided(item(DENY, cube(b=1)), item(ALLOW, cube(c=1)))
    assert (found.statuses, found.denies) == ({0: DenyStatus.PLAIN}, {0: [cube(b=1)]})


def test_a_deny_that_is_no_dearer_than_the_cut_is_written_minus_earlier_allows() -> None:
    later = (item(ALLOW, LAYOUT.full), item(ALLOW, cube(c=1)))
    found = decided(item(ALLOW, cube(a=1)), item(DENY, cube(b=1, port=1)), *later)
    assert found.statuses == {1: DenyStatus.WHOLE}
    assert not covers(found.denies[1], cube(a=1))
    assert covers(found.denies[1], cube(a=0, b=1, port=1))


def test_a_deny_that_is_dearer_than_the_cut_is_cut_from_later_allows() -> None:
    found = decided(*SANDWICH)
    assert found.statuses == {1: DenyStatus.OMIT}
    assert not covers(found.allows[2], cube(b=1))
    assert covers(found.allows[2], cube(b=0, c=1))


def test_the_end_of_a_tier_is_never_written_out() -> None:
    found = decided(
        item(DENY, cube(a=1), end_of_tier=True), item(ALLOW, LAYOUT.full, tier=1), limits=Limits(deny=9)
    )
    assert (found.statuses, found.denies) == ({0: DenyStatus.OMIT}, {})
    assert found.allows[1] == [cube(a=0)]


def test_a_pass_takes_its_flows_from_the_rest_of_its_tier() -> None:
    found = decided(item(PASS, cube(a=1)), item(DENY, LAYOUT.full), item(ALLOW, LAYOUT.full, tier=1))
    assert found.allows[2] == [LAYOUT.full]
    assert found.denies == {1: [cube(a=0)]}


def test_an_allow_that_stays_forces_the_pieces_inside_it() -> None:
    native = item(ALLOW, cube(c=1), native=True)
    found = decided(item(DENY, cube(a=1), end_of_tier=True), native, item(ALLOW, LAYOUT.full, tier=1))
    assert found.denies == {0: [cube(a=1, c=1)]}
    assert found.allows[2] == [cube(a=0)]


def test_explicit_denies_are_written_whole_where_a_later_allow_is() -> None:
    found = decided(*SANDWICH, explicit=True)
    assert found.statuses == {1: DenyStatus.WHOLE}
    assert not covers(found.denies[1], cube(a=1, b=1))


def test_over_budget_is_closed_where_pods_are_known_and_only_allows_lose_anything() -> None:
    lives = cube(a=0, b=0, c=1)
    found = decided(*SANDWICH, limits=NONE, realised=lambda c: LAYOUT.meets(c, lives))
    assert (found.statuses, found.closed) == ({1: DenyStatus.CLOSED}, {2: [1]})
    assert covers(found.allows[2], lives)
    assert not covers(found.allows[2], cube(b=1))
    assert not found.denies


def test_over_budget_without_pods_names_the_deny_and_goes_on() -> None:
    found = decided(*SANDWICH, *SANDWICH, limits=NONE)
    assert sorted(found.over) == [1, 4]
    assert found.over[1].error.code == "CAL-O314"
    assert "between 1 earlier and 3 later" in str(found.over[1].error)


def test_a_deny_forced_by_what_stays_is_never_closed() -> None:
    native = item(ALLOW, cube(c=1), native=True)
    found = decided(SANDWICH[0], SANDWICH[1], native, limits=NONE, realised=lambda _: True)
    assert found.over[1].natives == (2,)


@pytest.mark.parametrize("limits", [Limits(sharp=0), Limits(cubes=1)])
def test_a_direction_over_its_own_limits_is_given_up_as_a_whole(limits: Limits) -> None:
    with pytest.raises(BudgetExceeded) as raised:
        decided(*SANDWICH, *SANDWICH, limits=limits)
    assert raised.value.code == "CAL-O314"


def test_a_deny_that_was_to_be_explicit_and_does_not_fit_is_told() -> None:
    assert decided(*SANDWICH, explicit=True, limits=Limits(deny=0, retry=1)).implicit == [1]
    assert decided(*SANDWICH, explicit=True).implicit == []
