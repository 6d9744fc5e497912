from __future__ import annotations

from migrate.render.github import commands
from migrate.render.issues import Issue, of_report
from tests.models import all_grades, clean
from translators.span import NOWHERE, Span


def issue(level: str, text: str = "t", span: Span = NOWHERE, accepted: str | None = None) -> Issue:
    return Issue("CAL-L502", level, text, span, "k", accepted=accepted)


def test_each_level_has_its_command_errors_first():
    lines = commands(of_report(all_grades())).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]


def test_text_cannot_end_a_line_or_begin_a_command():
    told = commands([issue("error", "50 %\n::error::gotcha", Span("a,b:c.yaml", 3, 4))])
    assert told == "::error file=a%2Cb%3Ac.yaml,line=3,col=4,title=CAL-L502::50 %25%0A::error::gotcha\n"


def test_ten_of_a_level_are_shown_and_the_rest_is_counted():
    lines = commands([issue("warning")] * 25).splitlines()
    assert len(lines) == 11
    assert "15 more" in lines[-1]


def test_what_somebody_accepted_is_not_annotated():
    assert commands([issue("warning", accepted="known")]) == ""
    assert commands(of_report(clean())) == ""
