from __future__ import annotations

import re

import pytest

from migrate.render.table import folder_of, short_place, summary
from migrate.render.terminal import Canvas
from tests.models import MODELS, all_grades
from translators.report import to_json
from translators.span import Span


@pytest.mark.parametrize("name", MODELS)
def test_a_table_fits_80_columns_and_holds_no_colour(name):
    text = summary(MODELS[name]())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text


def test_wide_drops_nothing():
    report = all_grades()
    text = summary(report, Canvas(width=None))
    for entry in report.policies:
        assert entry.disposition == "kept" or entry.label in text
    for finding in report.findings:
        assert finding.severity == "note" or finding.id in text


def test_the_counts_are_those_of_the_json():
    report = all_grades()
    counts = dict(
        re.findall(r"^ +(\d+)  (exact|approximate|not translated|kept)", summary(report), re.MULTILINE)
    )
    grades = to_json(report)["summary"]["grades"]
    assert {int(number): word for number, word in counts.items()}
    assert re.search(rf"^ +{grades['A']}  approximate", summary(report), re.MULTILINE)
    assert re.search(rf"^ +{grades['X']}  not translated", summary(report), re.MULTILINE)


def test_an_open_obligation_is_never_called_proved():
    report = all_grades()
    method = type(report.method)("0.1.0", "3.34", "1.20", None, {"P1": 4}, 1)
    text = summary(type(report)(**{n: getattr(report, n) for n in report.__slots__} | {"method": method}))
    assert "NOT proved: 1 of 4" in text
    assert "Proved for" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", MODELS)
def test_every_width_is_kept(name, width):
    lines = summary(MODELS[name](), Canvas(width=width)).splitlines()
    assert max(len(line) for line in lines) <= width


def test_a_narrow_table_gives_up_its_right_columns_and_keeps_its_left_ones():
    wide, narrow = (summary(all_grades(), Canvas(width=w)) for w in (80, 40))
    assert "shop.yaml:8:5" in wide
    assert "shop.yaml:8:5" not in narrow
    assert re.search(r"^  A  shop/probes", narrow, re.MULTILINE)


def test_rows_alone_are_for_other_programs():
    rows = summary(all_grades(), Canvas(rows_only=True)).splitlines()
    assert [row.split()[:2] for row in rows] == [["X", "shop/guard"], ["A", "shop/probes"]]


def test_what_opens_stands_before_what_closes():
    found = re.findall(r"^  [AX] +shop/\w+ +(\w+)", summary(all_grades()), re.MULTILINE)
    assert found == ["looser", "stricter"]


def test_plain_ascii_says_the_same():
    text = summary(all_grades(), Canvas(ascii=True))
    assert text.isascii()
    assert "!! Calico allows what Cilium drops: any pod -> any pod" in text


def test_the_folder_that_all_files_share_is_not_repeated():
    spans = [Span("a/b/x.yaml", 1, 1), Span("a/b/c/y.yaml", 2, 3)]
    assert folder_of(spans) == "a/b/"
    assert short_place(spans[1], "a/b/") == "c/y.yaml:2:3"
    assert folder_of([]) == folder_of([Span("x.yaml", 1, 1), Span("a/y.yaml", 1, 1)]) == ""
