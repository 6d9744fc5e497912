"""Every rule is found, by its number, by whatever a person types."""

from __future__ import annotations

import pytest

from migrate.preflight.registry import every_rule, migration_rules, reasons_of, rule_named
from migrate.preflight.rule import Group


def test_rules_stand_in_the_order_of_their_numbers_and_once() -> None:
    numbers = [rule.number for rule in every_rule()]
    assert numbers == sorted(set(numbers))


def test_a_migration_is_not_judged_by_what_must_hold_once_it_is_over() -> None:
    left_out = {r.group for r in every_rule()} - {r.group for r in migration_rules()}
    assert left_out == {Group.NO_RETURN}


@pytest.mark.parametrize("typed", ["CP2031", "cp2031", "PRE-031", "pre031", " PRE-031 "])
def test_a_rule_is_found_by_code_and_id(typed: str) -> None:
    rule = rule_named(typed)
    assert rule is not None
    assert rule.number == 31


@pytest.mark.parametrize("typed", ["CP2999", "CP231", "CAL-L502", "031", ""])
def test_anything_else_is_no_rule(typed: str) -> None:
    assert rule_named(typed) is None


@pytest.mark.parametrize("rule", every_rule(), ids=lambda r: r.id)
def test_a_rule_says_why_it_exists(rule: object) -> None:
    first, *_ = reasons_of(rule)  # type: ignore[arg-type]
    assert len(first) > 30
    assert not first.startswith("PRE-")
