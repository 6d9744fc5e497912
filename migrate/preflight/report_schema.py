"""The JSON Schema of the preflight report: published, and compared by a test.

Readers may count on every key; a key that they do not know is to be ignored, so nothing is closed.
"""

from __future__ import annotations

from typing import Any

from migrate.model.findings import Outcome, Severity
from migrate.preflight.judge import Verdict
from migrate.preflight.report import SCHEMA
from migrate.preflight.rule import Group

__all__ = ["preflight_schema"]

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_CODE: dict[str, Any] = {"type": "string", "pattern": "^CP2[0-9]{3}$"}
_RULE: dict[str, Any] = {"type": "string", "pattern": "^PRE-[0-9]{3}$"}
_GROUP: dict[str, Any] = {"enum": [str(group) for group in Group]}
_SEVERITY: dict[str, Any] = {"enum": [str(severity) for severity in Severity]}
_COUNTED = ("rules", "passed", "blockers", "warnings", "notes", "accepted", "unknown", "deferred")


def preflight_schema() -> dict[str, Any]:
    """Give the schema (draft 2020-12) of what ``to_json`` gives."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Preflight",
        **_object(
            {
                "schemaVersion": {"const": SCHEMA},
                "kind": {"const": "Preflight"},
                "tool": _object({"name": _TEXT, "version": _TEXT}),
                "cluster": _object(dict.fromkeys(("uid", "context", "server", "version"), _TEXT)),
                "taken": _MAYBE,
                "node": _MAYBE,
                "verdict": {"enum": [str(verdict) for verdict in Verdict]},
                "reason": {"enum": ["PreflightBlocked", "CheckUnknown", None]},
                "summary": _object(dict.fromkeys(_COUNTED, _COUNT)),
                "canary": _object({"node": _MAYBE, "reasons": _TEXTS, "givenUp": _TEXTS, "headroom": _COUNT}),
                "waves": _list(_TEXTS),
                "nodes": _list(_object({"name": _TEXT, "go": {"type": "boolean"}})),
                "checks": _list(_check()),
                "findings": _list(_finding()),
            }
        ),
    }


def _check() -> dict[str, Any]:
    outcome = {"enum": [str(outcome) for outcome in Outcome]}
    return _object(
        {
            "rule": _RULE,
            "code": _CODE,
            "group": _GROUP,
            "severity": _SEVERITY,
            "title": _TEXT,
            "outcome": outcome,
            "missing": _TEXTS,
        }
    )


def _finding() -> dict[str, Any]:
    return _object(
        {
            "id": _TEXT,
            "code": _CODE,
            "rule": _RULE,
            "group": _GROUP,
            "severity": _SEVERITY,
            "object": _TEXT,
            "node": _MAYBE,
            "message": _TEXT,
            "remedy": _TEXT,
            "evidence": {"type": "object"},
            "failures": {"type": "array", "items": {"type": "string", "pattern": "^F-[0-9]{2}$"}},
            "accepted": _MAYBE,
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}
