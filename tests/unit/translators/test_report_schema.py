from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.models import MODELS
from translators.report import to_json
from translators.report_schema import report_schema

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "schema" / "translation-report.schema.json"


def test_the_published_schema_is_the_one_of_the_dataclasses():
    text = json.dumps(report_schema(), indent=2) + "\n"
    if os.environ.get("C2C_REWRITE") == "1":
        PUBLISHED.parent.mkdir(parents=True, exist_ok=True)
        PUBLISHED.write_text(text, encoding="utf-8")
    assert text == PUBLISHED.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODELS)
def test_every_report_is_valid(name):
    jsonschema = pytest.importorskip("jsonschema")
    report = to_json(MODELS[name]())
    jsonschema.Draft202012Validator(report_schema()).validate(report)
    assert list(report) == list(report_schema()["properties"])


def test_a_report_with_a_missing_key_is_not_valid():
    jsonschema = pytest.importorskip("jsonschema")
    report = to_json(MODELS["grades"]())
    del report["policies"][0]["grade"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(report_schema()).validate(report)
