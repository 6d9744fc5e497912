"""Each rule on the cases of its file: it raises what it must, and is silent where nothing is wrong."""

from __future__ import annotations

import re

import pytest

from migrate.model.findings import Finding, Outcome
from migrate.preflight import judge
from migrate.preflight.registry import every_rule
from tests.unit.migrate.preflight.cases import FOLDER, Example, case_of, examples

RULES = {rule.id: rule for rule in every_rule()}
EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.id)
def test_a_rule_says_of_a_case_what_it_must(example: Example) -> None:
    data = example.data
    judgement = judge(case_of(data), [RULES[example.rule]], data.get("accepted"))
    (result,) = judgement.results
    expected = data.get("outcome", "found" if data.get("raises") else "ok")
    assert result.outcome == expected, result
    assert sorted(f.object for f in result.findings) == sorted(data.get("raises") or [])
    if result.findings:
        _words(result.findings, data)
    if data.get("accepted"):
        assert all((f.accepted is not None) == (str(f.severity) == "block") for f in result.findings)


def _words(findings: tuple[Finding, ...], data: dict[str, str]) -> None:
    for key in ("message", "remedy"):
        if key in data:
            assert any(data[key] in getattr(f, key) for f in findings), [getattr(f, key) for f in findings]
    if "severity" in data:
        assert {str(f.severity) for f in findings} == {data["severity"]}
    for finding in findings:
        assert finding.remedy or str(finding.severity) == "info"
        assert not re.search(r"[{}]|None", finding.message), finding.message


@pytest.mark.parametrize("rule", list(every_rule()), ids=lambda r: r.id)
def test_a_rule_has_a_case_that_raises_it_and_one_that_does_not(rule: object) -> None:
    own = [e.data for e in EXAMPLES if e.rule == rule.id]  # type: ignore[attr-defined]
    assert any(data.get("raises") for data in own)
    assert any(not data.get("raises") and data.get("outcome", "ok") == "ok" for data in own) or (
        str(rule.severity) == "info"  # type: ignore[attr-defined]  # some always inform
    )
    needs = rule.reads or rule.calico or rule.facts or rule.answers  # type: ignore[attr-defined]
    if needs:
        assert any(data.get("outcome") == Outcome.UNKNOWN for data in own)
    if rule.chart:  # type: ignore[attr-defined]
        assert any(data.get("outcome") == Outcome.DEFERRED for data in own)


def test_every_file_of_cases_belongs_to_a_rule() -> None:
    assert {path.stem.upper() for path in FOLDER.glob("pre-*.yaml")} == set(RULES)
