from __future__ import annotations

import json

import pytest

from migrate.render.lint import Linted, data, headline, renderers, table
from migrate.render.terminal import Canvas
from translators.diagnostics import diagnostic
from translators.fixing import Edit, Fixed
from translators.span import Span

ERROR = diagnostic("CAL-S202", Span("policies/a.yaml", 3, 1), about="NetworkPolicy shop/web")
WARNING = diagnostic(
    "CAL-O315", Span("policies/b.yaml", 9, 5), about="NetworkPolicy shop/db", rule="r", rules="q"
)
NOTE = diagnostic("CAL-O304", Span("policies/b.yaml", 2, 1), about="GlobalNetworkPolicy dns")
FOUND = Linted([ERROR, WARNING, NOTE])
EDIT = Edit("b.yaml", 9, 9, (), "CAL-O315", "removed", Span("b.yaml", 9, 5))
REPAIRED = Linted(
    [], Fixed({"b.yaml": "x"}, (EDIT,), (EDIT,)), "--- b.yaml\n+++ b.yaml\n-  - {action: Deny}\n"
)


def test_a_finding_has_sign_code_object_place_and_sentence():
    first = table(FOUND).splitlines()[0]
    assert first.split()[:3] == ["✖", "CAL-S202", "shop/web"]
    assert first.endswith("a.yaml:3:1")
    assert "None" not in table(FOUND)


def test_wide_names_the_whole_place_and_rows_are_one_line_each():
    assert "policies/a.yaml:3:1" in table(FOUND, Canvas(width=None))
    assert len(table(FOUND, Canvas(rows_only=True)).splitlines()) == 3


def test_a_repair_shows_its_difference_before_what_is_left():
    text = table(REPAIRED)
    assert text.startswith("--- b.yaml\n+++ b.yaml\n-  - {action: Deny}\n\n  ✔ Nothing found.")
    assert "\x1b[31m-  - {action: Deny}" in table(REPAIRED, Canvas(colour=True))


def test_the_data_counts_what_was_found_and_repaired():
    assert data(FOUND)["summary"] == {
        "findings": 3,
        "error": 1,
        "warning": 1,
        "note": 1,
        "fixed": 0,
        "left": 0,
    }
    assert data(REPAIRED)["fixed"] == [
        {"code": "CAL-O315", "what": "removed", "span": {"file": "b.yaml", "line": 9, "column": 5}}
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (FOUND, "Lint: 1 error, 1 warning, 1 note"),
        (REPAIRED, "Lint: nothing found, 1 repaired"),
        (Linted([]), "Lint: nothing found"),
    ],
)
def test_the_headline_is_one_sentence(found, said):
    assert headline(found) == said


def test_every_format_tells_the_same_findings():
    formats = renderers(FOUND)
    ids = [f["id"] for f in json.loads(formats["json"]())["findings"]]
    assert [json.loads(line)["type"] for line in formats["jsonl"]().splitlines()] == [
        "hello",
        *["finding"] * 3,
    ]
    results = json.loads(formats["sarif"]())["runs"][0]["results"]
    assert sorted(r["partialFingerprints"]["c2c/v1"] for r in results) == sorted(ids)
    assert formats["svg"]() == ""
