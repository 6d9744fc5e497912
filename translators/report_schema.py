"""The JSON Schema of the report, derived from its dataclasses: published, and compared by a test.

Readers may count on every key; a key that they do not know is to be ignored, so nothing is closed.
"""

from __future__ import annotations

from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from translators.report import SCHEMA_VERSION, Condition, DifferenceEntry, Finding, MatrixLabel, PolicyEntry
from translators.span import Span

__all__ = ["report_schema"]

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_PLAIN: dict[object, dict[str, Any]] = {
    str: _TEXT,
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    tuple[str, ...]: {"type": "array", "items": _TEXT},
    tuple[str, str, str]: {"$ref": "#/$defs/engine"},
    tuple[int | None, int | None]: {"$ref": "#/$defs/pods"},
    Span: {"$ref": "#/$defs/span"},
}
_CHOICES = {
    "disposition": ["translated", "kept", "refused"],
    "grade": ["S0", "S1", "S2", "A", "X"],
    "severity": ["error", "warning", "note"],
    "effect": ["opens", "closes"],
}


def report_schema() -> dict[str, Any]:
    """Give the schema (draft 2020-12) of what ``to_json`` gives."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TranslationReport",
        **_object(
            {
                "schemaVersion": {"const": SCHEMA_VERSION},
                "kind": {"const": "TranslationReport"},
                "tool": _object({"name": _TEXT, "version": _TEXT}),
                "input": _object({"hash": _TEXT, "calico": _TEXT, "cluster": {"type": ["string", "null"]}}),
                "output": _object({"hash": _TEXT, "cilium": _TEXT}),
                "summary": _object(_summary()),
                "policies": _list(PolicyEntry),
                "findings": _list(Finding),
                "differences": _list(DifferenceEntry),
                "conditions": _list(Condition),
                "matrix": {"anyOf": [_object(_matrix()), {"type": "null"}]},
                "method": _object(_method()),
            }
        ),
        "$defs": {
            "span": _object({"file": _TEXT, "line": _COUNT, "column": _COUNT}),
            "pods": _object({key: {"type": ["integer", "null"], "minimum": 0} for key in ("src", "dst")}),
            "engine": _object({"verdict": _TEXT, "by": _TEXT, "place": _TEXT}),
        },
    }


def _summary() -> dict[str, Any]:
    counts = ("kept", "refused", "differences", "opens", "closes", "accepted")
    grades = _object(dict.fromkeys(_CHOICES["grade"], _COUNT))
    return {"policies": _COUNT, "grades": grades, **dict.fromkeys(counts, _COUNT)}


def _matrix() -> dict[str, Any]:
    rows = {"type": "array", "items": {"type": "array", "items": _TEXT}}
    return {
        "rows": _list(MatrixLabel),
        "columns": _list(MatrixLabel),
        **dict.fromkeys(("before", "after", "marks"), rows),
        "hidden": _object({"classes": _COUNT, "traffic": _COUNT}),
    }


def _method() -> dict[str, Any]:
    counts = {"type": "object", "additionalProperties": _COUNT}
    return {
        "obligations": counts,
        "openObligations": _COUNT,
        "notConsidered": {"type": "array", "items": _TEXT},
        "sizes": counts,
        "compared": counts,
        "otherDocuments": _COUNT,
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(of: type) -> dict[str, Any]:
    hints = get_type_hints(of)
    properties = {
        item.name: {"enum": _CHOICES[item.name]} if item.name in _CHOICES else _of(hints[item.name])
        for item in fields(of)
    }
    return {"type": "array", "items": _object(properties)}


def _of(hint: object) -> dict[str, Any]:
    if get_origin(hint) is UnionType:
        return {"anyOf": [_of(part) for part in get_args(hint)]}
    return _PLAIN[hint]
