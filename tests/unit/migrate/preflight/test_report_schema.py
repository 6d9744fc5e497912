"""The published schema is the one of the code, and every report is of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest

from migrate.preflight.report import to_json
from migrate.preflight.report_schema import preflight_schema
from tests.unit.migrate.preflight.test_report import RULES, report

ROOT = Path(__file__).resolve().parents[4]
PUBLISHED = ROOT / "docs" / "schema" / "preflight.schema.json"
TOOL = {"name": "c2c", "version": "0"}


def test_the_published_schema_is_current() -> None:
    text = json.dumps(preflight_schema(), indent=2) + "\n"
    if os.environ.get("C2C_REWRITE") == "1":
        PUBLISHED.write_text(text, encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("node", ["", "wrk-1"])
def test_a_report_is_of_its_schema_with_its_keys_in_order(node: str) -> None:
    found = to_json(report(*RULES, node=node, accepted={"CP2991": "known"}), TOOL)
    jsonschema.Draft202012Validator(preflight_schema()).validate(found)
    assert list(found) == list(preflight_schema()["properties"])


def test_the_golden_report_is_of_its_schema() -> None:
    text = (ROOT / "tests" / "golden" / "cli" / "preflight-json.txt").read_text(encoding="utf-8")
    body = text.partition("--- stdout\n")[2].partition("--- stderr\n")[0]
    jsonschema.Draft202012Validator(preflight_schema()).validate(json.loads(body))
