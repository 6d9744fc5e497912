from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.render.excerpts import Excerpt, Excerpts
from migrate.render.html import page
from migrate.render.saved import read_saved
from tests.models import MODELS, clean
from translators.errors import InputError
from translators.report import to_json

LINES = st.lists(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30), max_size=4
)


@pytest.mark.parametrize("name", MODELS)
def test_json_gives_the_report_back(name):
    report, shown = read_saved(json.dumps(to_json(MODELS[name]())), "report.json")
    assert report == MODELS[name]()
    assert len(shown) == len(report.policies)


@given(LINES, LINES)
def test_a_page_gives_back_any_line_of_its_excerpts(source, output):
    shown = [Excerpts(Excerpt(7, tuple(source)), (Excerpt(3, tuple(output)),))] * 2
    text = page(clean(), shown)
    _, found = read_saved(text, "report.html")
    assert [f.source.lines for f in found] == [tuple(source)] * 2
    assert [f.outputs[0].lines for f in found] == [tuple(output)] * 2
    assert page(clean(), found) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no report"),
        ("<p>hello", "holds no report"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a TranslationReport"),
        ('{"kind": "VerificationReport"}', "is not a TranslationReport"),
        ('{"kind": "TranslationReport", "schemaVersion": "2.0"}', "version 2.0"),
        ('{"kind": "TranslationReport", "schemaVersion": "1.0"}', "has no"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(text, said):
    with pytest.raises(InputError, match=said):
        read_saved(text, "x")


def test_a_page_of_a_comparison_is_no_translation():
    with pytest.raises(InputError, match="is not a TranslationReport"):
        read_saved('<!doctype html><script id="report">{"kind": "LintReport"}</script>', "lint.html")
