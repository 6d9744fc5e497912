"""The rules are the specification's: every row has its rule, with its severity, marks and failure modes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from migrate.preflight.registry import RETIRED, every_rule
from migrate.preflight.rule import Group, Repeat, Rule
from tests.meta.test_house_rules import ROOT

SPEC = ROOT.parent / "shared" / "spec" / "migration" / "preflight.md"
GROUPS = {
    2: {Group.IDENTITY}, 3: {Group.CAPACITY}, 4: {Group.EVICTION}, 5: {Group.PLACEMENT}, 6: {Group.NETWORK},
    7: {Group.NETWORK}, 8: {Group.NETWORK}, 9: {Group.ACCESS}, 10: {Group.VALUES}, 11: {Group.POLICY},
    12: {Group.FLOWS, Group.OBSERVABILITY, Group.TIME}, 13: {Group.PERMISSIONS}, 14: {Group.NO_RETURN},
}  # fmt: skip
BY_NUMBER = {rule.number: rule for rule in every_rule()}

pytestmark = pytest.mark.skipif(
    not SPEC.exists(), reason="NOT TESTED HERE: the specification is not beside the checkout"
)


@dataclass(frozen=True)
class Row:
    """One row of the tables."""

    number: int
    section: int
    severity: str
    marks: frozenset[str]
    failures: tuple[int, ...]


def rows() -> Iterator[Row]:
    section = 0
    for line in SPEC.read_text(encoding="utf-8").splitlines() if SPEC.exists() else ():
        if found := re.match(r"## (\d+)\.", line):
            section = int(found[1])
        if not re.match(r"\| PRE-\d{3} \|", line):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        severity, *marks = cells[1].split()
        failures = tuple(int(n) for n in re.findall(r"\d+", cells[-1]))
        yield Row(int(cells[0][4:]), section, severity, frozenset(marks), failures)


ROWS = {row.number: row for row in rows()}
HELD = sorted(set(ROWS) & set(BY_NUMBER))


def test_no_rule_is_without_a_row_and_no_retired_number_is_used() -> None:
    assert set(BY_NUMBER) <= set(ROWS)
    assert not set(BY_NUMBER) & set(RETIRED)
    assert len(ROWS) >= 170


@pytest.mark.parametrize("number", HELD)
def test_a_rule_has_its_rows_severity_failures_group_and_marks(number: int) -> None:
    row, rule = ROWS[number], BY_NUMBER[number]
    assert str(rule.severity) == row.severity
    assert rule.failures == row.failures
    assert rule.group in GROUPS[row.section]
    assert (Repeat.CONTINUOUS in rule.repeat) == ("C" in row.marks)
    assert (Repeat.NO_RETURN in rule.repeat) == ("R" in row.marks or rule.group is Group.NO_RETURN)
    assert bool(rule.repaired_by) == ("P" in row.marks)


@pytest.mark.parametrize("number", [n for n in HELD if "N" in ROWS[n].marks])
def test_a_rule_that_needs_node_facts_says_so(number: int) -> None:
    rule = BY_NUMBER[number]
    assert rule.facts or "facts" in (rule.check.__doc__ or "")


def test_every_row_has_its_rule() -> None:
    missing = sorted(set(ROWS) - set(BY_NUMBER))
    assert not [n for n in missing if n <= 79]
    if missing:
        pytest.skip(f"NOT TESTED HERE: {len(missing)} rules are not built: {missing}")


def coverage() -> dict[int, set[int]]:
    """Give by failure mode the rules that §15 names."""
    text = SPEC.read_text(encoding="utf-8").partition("## 15.")[2]
    found: dict[int, set[int]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        for name, listed in zip(cells[::2], cells[1::2], strict=False):
            if re.fullmatch(r"\d{2}", name):
                found[int(name)] = set(_numbers(re.sub(r"\(.*?\)", "", listed)))
    return found


def _numbers(listed: str) -> Iterator[int]:
    for first, last in re.findall(r"(?<!G-)\b(\d{3})(?:[–-](\d{3}))?", listed):
        yield from range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("failure", sorted(coverage()) if SPEC.exists() else [])
def test_every_failure_mode_is_guarded_by_the_rules_that_the_coverage_table_names(failure: int) -> None:
    named = coverage()[failure] & set(ROWS)
    guarding = {rule.number for rule in every_rule() if failure in rule.failures}
    assert named & set(BY_NUMBER) - guarding == set()


def test_every_failure_mode_has_a_rule_or_is_left_to_a_gate() -> None:
    text = SPEC.read_text(encoding="utf-8").partition("## 15.")[2]
    gate_only = {int(n) for n in re.findall(r"\| (\d{2}) \| gate only", text)}
    assert set(coverage()) == set(range(1, 54))
    assert {f for f, rules in coverage().items() if not rules} == gate_only


def test_the_code_that_users_see_follows_from_the_number() -> None:
    rule: Rule = BY_NUMBER[70]
    assert (rule.id, rule.code) == ("PRE-070", "CP2070")
