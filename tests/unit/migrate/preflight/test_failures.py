"""The preflight half of the failure modes: of each that names a rule, a case in which that rule fires and says which it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from migrate.preflight import judge
from migrate.preflight.registry import every_rule
from tests.unit.migrate.preflight.cases import FOLDER, case_of, examples

RULES = {rule.id: rule for rule in every_rule()}
CASES = {(e.rule, e.data["name"]): e for e in examples()}
COMPLETE = {*range(60, 194)}
"""Numbers of the rules of which every failure mode has its case in the table."""


def _table() -> Iterator[tuple[int, str, str]]:
    for path in sorted(FOLDER.glob("failures*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from (
            (failure, rule, case) for failure, cases in content.items() for rule, case in cases.items()
        )


TABLE = list(_table())


@pytest.mark.parametrize(
    ("failure", "rule", "case"), TABLE, ids=lambda x: f"F-{x:02d}" if isinstance(x, int) else x
)
def test_a_rule_fires_on_the_cause_of_a_failure_and_names_it(failure: int, rule: str, case: str) -> None:
    example = CASES[rule, case]
    findings = judge(case_of(example.data), [RULES[rule]], example.data.get("accepted")).findings
    assert findings, example.id
    for finding in findings:
        assert failure in finding.failures
        assert finding.evidence
        assert finding.remedy or str(finding.severity) == "info"


@pytest.mark.parametrize("rule", [r for r in every_rule() if r.number in COMPLETE], ids=lambda r: r.id)
def test_every_failure_that_a_rule_names_has_its_case(rule: object) -> None:
    shown = {failure for failure, name, _ in TABLE if name == rule.id}  # type: ignore[attr-defined]
    assert shown == set(rule.failures)  # type: ignore[attr-defined]
