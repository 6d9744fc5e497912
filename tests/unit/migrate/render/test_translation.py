from __future__ import annotations

import json
from dataclasses import replace

import pytest

from migrate.render.excerpts import excerpts
from migrate.render.translation import as_json, renderers
from tests.models import MODELS, all_grades, clean
from translators.report import to_json


def made(report):
    return renderers(report, lambda: excerpts(report, (), {}))


@pytest.mark.parametrize("name", MODELS)
def test_every_format_ends_its_last_line(name):
    report = MODELS[name]()
    texts = {name: render() for name, render in made(report).items()}
    assert all(text.endswith("\n") for text in texts.values() if text)
    assert {name for name, text in texts.items() if not text} <= {"github"}


def test_json_is_the_report_whole():
    assert json.loads(as_json(all_grades())) == json.loads(json.dumps(to_json(all_grades())))


def test_lines_begin_with_a_greeting_and_hold_one_finding_each():
    rows = [json.loads(line) for line in made(all_grades())["jsonl"]().splitlines()]
    assert [row["type"] for row in rows] == ["hello", *["finding"] * len(all_grades().findings)]


def test_excerpts_are_asked_only_for_the_page():
    def never():
        raise AssertionError

    formats = renderers(clean(), never)
    for name, render in formats.items():
        if name != "html":
            render()
    with pytest.raises(AssertionError):
        formats["html"]()


def test_a_report_without_a_picture_gives_none():
    assert made(replace(clean(), matrix=None))["svg"]() == ""
