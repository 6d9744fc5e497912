"""Every format says the same with the same numbers, and no name of a cluster becomes markup."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from migrate.model.findings import Severity
from migrate.preflight import Case, Hit, Rule, Unread
from migrate.preflight.report import PreflightReport
from migrate.render.preflight import data_of, headline, issues, renderers, table
from migrate.render.terminal import Canvas
from tests.unit.migrate.preflight.test_report import RULES, report, rule
from tests.unit.migrate.render.test_sarif import SARIF

HOSTILE = "<img src=x onerror=alert(1)> | `x` @everyone\x1b[31m\n::error::x"


def hostile(_: Case) -> Iterator[Hit]:
    yield Hit(f"Pod/{HOSTILE}", {}, {HOSTILE: HOSTILE}, message=HOSTILE, remedy=HOSTILE)


def many(_: Case) -> Iterator[Hit]:
    yield from (Hit(f"node/n{i}", {}, {}, f"n{i}") for i in range(9))


def lacking(_: Case) -> Iterator[Unread]:
    yield Unread("facts of node/wrk-1: links")


ALL = (*RULES, rule(997, many, Severity.MANDATORY), rule(998, lacking, Severity.MANDATORY))


def told(found: PreflightReport, width: int | None = 80, **more: bool) -> str:
    return table(found, Canvas(width=width, **more))


def test_the_verdict_stands_first_in_one_line() -> None:
    first = told(report(*ALL)).splitlines()[0]
    assert first == "  No-go: 10 blockers, 1 warning, 2 checks could not look, 2 checks passed."
    assert headline(report(*RULES[2:3])) == "Go: 1 check passed."
    assert headline(report(*RULES, node="wrk-2")).startswith("wrk-2: Go: ")
    assert headline(report(ALL[-1])) == "Not known: 1 check could not look, 0 checks passed."


def test_findings_of_one_rule_stand_together_with_their_remedy_once() -> None:
    text = told(report(*ALL))
    assert re.search(r"✖ CP2997  Rule 997 +9 nodes\n", text)
    assert "and 6 more (-o wide)" in text
    assert text.count("→ mend") == 2


def test_wide_drops_nothing_and_the_table_never_leaves_eighty_columns() -> None:
    found = report(*ALL, rule(996, hostile))
    assert max(len(line) for line in told(found).splitlines()) <= 80
    wide = told(found, None)
    assert wide.count("wrong") == 9 + 1 + 1 + 1
    assert "CP2995" in wide
    assert "\x1b" not in wide


def test_what_could_not_be_looked_at_is_told_by_what_was_missing() -> None:
    text = " ".join(told(report(*ALL)).split())
    assert "? no facts of the nodes: 2 checks could not look, 1 of which may stop (CP2998, CP2994)" in text


def test_rows_alone_are_for_programs() -> None:
    lines = told(report(*RULES), rows_only=True).splitlines()
    assert len(lines) == 3
    assert lines[0].split("\t")[:3] == ["block", "CP2991", "node/wrk-1"] or lines[0].startswith("block")


def test_the_best_canary_is_named_with_the_reason() -> None:
    text = " ".join(told(report(*RULES[2:3])).split())
    assert "Best canary: wrk-3. 2 pods to move, the fewest" in text
    assert text.endswith("88 % headroom.")


@pytest.mark.parametrize("name", ["json", "yaml", "jsonl", "markdown", "html", "sarif", "junit", "github"])
def test_equal_reports_give_equal_bytes(name: str) -> None:
    assert renderers(report(*ALL), "prod.tgz")[name]() == renderers(report(*ALL), "prod.tgz")[name]()


def test_the_lines_hold_a_check_each_with_its_findings() -> None:
    hello, *checks = [json.loads(line) for line in renderers(report(*ALL), "p")["jsonl"]().splitlines()]
    assert (hello["type"], len(checks)) == ("hello", len(ALL))
    assert sum(len(check["findings"]) for check in checks) == len(data_of(report(*ALL))["findings"])


def test_sarif_holds_every_finding_and_every_blind_check_and_validates() -> None:
    found = report(*ALL, accepted={"CP2991": "known"})
    log = json.loads(renderers(found, "prod.tgz")["sarif"]())
    jsonschema.validate(log, SARIF)
    results = log["runs"][0]["results"]
    assert len(results) == len(found.findings) + len(found.blind)
    assert {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results} == {"prod.tgz"}
    assert [r["suppressions"][0]["justification"] for r in results if "suppressions" in r] == ["known"]


def test_junit_fails_what_blocks_and_errs_what_is_not_known() -> None:
    root = ET.fromstring(renderers(report(*ALL), "p")["junit"]())  # our own text
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == (str(len(ALL)), "2", "2")


def test_the_comment_lists_what_stops_and_what_is_not_known() -> None:
    text = renderers(report(*ALL), "p")["markdown"]()
    assert text.startswith("<!-- c2c:report -->\n### Preflight: No-go")
    assert text.count("| ✖ |") == 10
    assert "- ? CP2998 Rule 998: could not look" in text


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_hostile_name_never_becomes_markup(name: str) -> None:
    text = renderers(report(rule(996, hostile)), "p")[name]()
    outside = text.partition('<script type="application/json"')[0]
    assert "<img" not in outside
    assert "@everyone" not in outside or name == "html"


def test_the_page_fetches_nothing_and_holds_its_own_source() -> None:
    found = report(*ALL, rule(996, hostile))
    page = renderers(found, "p")["html"]()
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", page)
    inside = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == data_of(found)
    assert html.escape("<img") in page


def test_annotations_say_at_most_ten_of_a_level_and_stay_one_line() -> None:
    lines = renderers(report(*ALL, rule(996, hostile)), "p")["github"]().splitlines()
    assert all(line.startswith("::") for line in lines)
    assert sum(line.startswith("::error") for line in lines) == 11


def test_issues_stand_gravest_first() -> None:
    levels = [issue.level for issue in issues(report(*ALL))]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)


def test_a_rule_without_findings_is_a_case_that_passed(rule_: Rule = RULES[2]) -> None:
    assert 'failures="0"' in renderers(report(rule_), "p")["junit"]()
