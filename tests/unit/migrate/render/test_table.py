from __future__ import annotations

import re

import pytest

from migrate.render.table import summary
from tests.models import MODELS, all_grades
from translators.report import to_json


@pytest.mark.parametrize("name", MODELS)
def test_a_table_fits_80_columns_and_holds_no_colour(name):
    text = summary(MODELS[name]())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text


def test_wide_drops_nothing():
    report = all_grades()
    text = summary(report, wide=True)
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
