from __future__ import annotations

from dataclasses import replace

from migrate.render.issues import of_findings, of_report, place
from tests.models import all_grades, clean
from translators.diagnostics import diagnostic
from translators.span import NOWHERE, Span


def test_every_finding_is_an_issue_and_keeps_its_name():
    report = all_grades()
    assert {i.key for i in of_report(report)} == {f.id for f in report.findings}


def test_what_opens_stands_first_then_errors_warnings_notes():
    report = all_grades()
    opening = replace(report.differences[0], effect="opens")
    issues = of_report(replace(report, differences=(opening,)))
    assert [i.code for i in issues] == ["CAL-L502", "CAL-H604", "CAL-N411"]


def test_a_difference_that_no_finding_names_is_an_issue_of_its_own():
    report = replace(all_grades(), findings=())
    (issue,) = of_report(report)
    assert (issue.code, issue.level) == ("CAL-V809", "warning")
    assert issue.span == Span("shop.yaml", 6, 5)


def test_nothing_to_say_of_a_clean_report():
    assert of_report(clean()) == ()


def test_the_key_of_an_issue_does_not_depend_on_its_line():
    here = diagnostic("CAL-S202", Span("a.yaml", 3, 1), about="NetworkPolicy shop/web")
    there = diagnostic("CAL-S202", Span("a.yaml", 90, 1), about="NetworkPolicy shop/web")
    assert of_findings([here])[0].key == of_findings([there])[0].key


def test_findings_of_two_objects_have_two_keys():
    items = [diagnostic("CAL-S202", NOWHERE, about=name) for name in ("a", "b")]
    assert len({issue.key for issue in of_findings(items)}) == 2


def test_a_place_is_read_back_from_its_text():
    assert place(str(Span("policies/a:b.yaml", 7, 3))) == Span("policies/a:b.yaml", 7, 3)
    assert place("a.yaml") == Span("a.yaml")
    assert place("") == NOWHERE
