from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from migrate.render.issues import of_findings, of_report
from migrate.render.junit import Case, cases_of_findings, cases_of_report, suite
from tests.models import all_grades, clean
from translators.diagnostics import diagnostic
from translators.span import NOWHERE


def outcomes(cases: list[Case]) -> dict[str, str]:
    return {case.name: case.outcome for case in cases}


def test_every_policy_is_one_case_and_the_counts_are_those_of_the_report():
    report = all_grades()
    cases = cases_of_report(report, of_report(report))
    assert len(cases) == len(report.policies) + 1
    grades = report.grades()
    assert sum(c.outcome == "failure" for c in cases) == grades["A"] + grades["X"]
    assert sum(c.outcome == "skipped" for c in cases) == report.count("kept")


def test_an_accepted_approximation_passes():
    report = all_grades()
    findings = tuple(replace(f, accepted="known") for f in report.findings)
    found = outcomes(cases_of_report(report, of_report(replace(report, findings=findings))))
    assert found["shop/probes"] == ""


def test_what_is_not_proved_is_an_error_and_never_skipped():
    report = clean()
    open_ = replace(report, method=replace(report.method, open_obligations=2))
    cases = cases_of_report(open_, of_report(open_))
    assert outcomes(cases)["every obligation holds outside what is named"] == "error"


def test_a_clean_lint_is_one_case_that_passes_and_a_note_fails_nothing():
    note = diagnostic("CAL-O306", NOWHERE)
    assert [c.outcome for c in cases_of_findings(of_findings([note]))] == [""]


def test_the_document_counts_what_it_holds():
    cases = [Case("a", "g"), Case("b", "g", "failure", "why"), Case("c", "g", "error", "how")]
    root = ET.fromstring(suite("s", cases, {"input": "sha"}))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert [item.get("name") for item in root.iter("testcase")] == ["a", "b", "c"]
    assert root.find("testsuite/properties/property").get("value") == "sha"


def test_characters_that_xml_forbids_are_replaced():
    text = suite("s", [Case("a\x00b\x1b", "g", "failure", "x\ud800")], {})
    (case,) = ET.fromstring(text).iter("testcase")
    assert case.get("name") == "a�b�"
    assert case.find("failure").text == "x�"
