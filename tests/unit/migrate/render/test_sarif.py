from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from migrate.render.issues import Issue, of_report
from migrate.render.sarif import MAX_RESULTS, log
from tests.models import MODELS, all_grades
from translators.span import NOWHERE, Span


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
MESSAGE = closed("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
NUMBER = {"type": "integer", "minimum": 1}
PHYSICAL = closed(
    "artifactLocation",
    artifactLocation=closed("uri", uri={"type": "string", "pattern": "^[^ <>]+$"}, uriBaseId=TEXT),
    region=closed("startLine startColumn", startLine=NUMBER, startColumn=NUMBER),
)
LOCATION = closed("physicalLocation", physicalLocation=PHYSICAL, message=MESSAGE, id={"type": "integer"})
RULE = closed(
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed("level", level=LEVEL),
)
RESULT = closed(
    "message",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    locations={"type": "array", "items": LOCATION, "maxItems": 1},
    relatedLocations={"type": "array", "items": LOCATION},
    suppressions={
        "type": "array",
        "items": closed("kind", kind={"enum": ["inSource", "external"]}, justification={"type": "string"}),
    },
)
SARIF = closed(
    "version runs",
    **{"$schema": TEXT},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": closed(
            "tool",
            tool=closed(
                "driver",
                driver=closed(
                    "name", name=TEXT, semanticVersion=TEXT, rules={"type": "array", "items": RULE}
                ),
            ),
            originalUriBaseIds={"type": "object"},
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            invocations={"type": "array"},
            results={"type": "array", "items": RESULT},
        ),
    },
)
"""The part of SARIF 2.1.0 that is used here, each object closed, written from the standard's text."""


def run_of(issues) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(log(issues))["runs"][0]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gives_a_valid_log(name):
    jsonschema.validate(json.loads(log(of_report(MODELS[name]()))), SARIF)


def test_results_are_the_findings_of_the_report():
    report = all_grades()
    results = run_of(of_report(report))["results"]
    assert [r["partialFingerprints"]["c2c/v1"] for r in results] == [i.key for i in of_report(report)]
    assert len(results) == len(report.findings)


def test_each_result_points_at_the_rule_that_it_names():
    run = run_of(of_report(all_grades()))
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_paths_are_relative_to_the_root_or_absolute_and_always_escaped():
    issues = [
        Issue("CAL-P101", "error", "t", Span("a b/ü.yaml", 1, 1), "1"),
        Issue("CAL-P101", "error", "t", Span("/x/y.yaml", 1, 1), "2"),
    ]
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in run_of(issues)["results"]]
    assert places == [
        {"uri": "a%20b/%C3%BC.yaml", "uriBaseId": "SRCROOT"},
        {"uri": "file:///x/y.yaml"},
    ]


def test_what_stands_nowhere_has_no_location():
    (result,) = run_of([Issue("CAL-H610", "note", "t", NOWHERE, "k")])["results"]
    assert "locations" not in result


def test_an_accepted_finding_is_suppressed_with_its_reason():
    (result,) = run_of([Issue("CAL-L502", "warning", "t", NOWHERE, "k", accepted="echo only")])["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "echo only"}]


def test_25_000_results_are_cut_to_the_gravest_5_000_and_it_is_said():
    issues = [Issue("CAL-H604", "error", "t", Span("a.yaml", n, 1), f"k{n}") for n in range(1, 25_001)]
    run = run_of(issues)
    assert len(run["results"]) == MAX_RESULTS
    assert "20000 less grave" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
