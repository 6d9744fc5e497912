"""SARIF 2.1.0 for code scanning: one run, one result an issue, the source line first, Cilium's beside it.

Limits are those of GitHub's code scanning: at most 25,000 results in a run, of which 5,000 are shown; beyond
these the gravest are kept and a notification says how many were left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from migrate import __version__
from migrate.render.issues import Issue
from migrate.render.words import preflight_rule, title
from translators.diagnostics import CODES
from translators.span import NOWHERE, Span

__all__ = ["log"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS = 5_000
ROOT = "SRCROOT"


def log(issues: Sequence[Issue]) -> str:
    """Give the log file for these issues, gravest first; equal issues give equal bytes."""
    kept = issues[:MAX_RESULTS]
    used = sorted({issue.code for issue in kept})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "c2c", "semanticVersion": __version__, "rules": [_rule(code) for code in used]}},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which c2c ran."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _left_out(issues)}],
        "results": [_result(issue, used.index(issue.code)) for issue in kept],
    }  # fmt: skip
    return (
        json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)
        + "\n"
    )


def _left_out(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    count = len(issues) - MAX_RESULTS
    if count <= 0:
        return []
    text = f"{count} less grave results were left out; -o json holds all of them."
    return [{"level": "warning", "message": {"text": text}}]


def _rule(code: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": title(code)}}
    if code in CODES:
        rule["help"] = {"text": f"{CODES[code].remedy} More: c2c explain {code}"}
        rule["defaultConfiguration"] = {"level": str(CODES[code].severity)}
    elif (check := preflight_rule(code)) is not None:
        rule["help"] = {"text": f"{check.message}. More: c2c explain {code}"}
        level = "error" if check.severity.blocks else "warning" if check.severity == "warn" else "note"
        rule["defaultConfiguration"] = {"level": level}
    return rule


def _result(issue: Issue, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": issue.code,
        "ruleIndex": index,
        "level": issue.level,
        "message": {"text": issue.message},
        "partialFingerprints": {"c2c/v1": issue.key},
    }
    if issue.span != NOWHERE:
        result["locations"] = [{"physicalLocation": _physical(issue.span)}]
    if issue.related:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _physical(span), "message": {"text": "decided here by Cilium"}}
            for number, span in enumerate(issue.related)
        ]
    if issue.accepted is not None:
        result["suppressions"] = [{"kind": "external", "justification": issue.accepted}]
    return result


def _physical(span: Span) -> dict[str, Any]:
    artifact = {"uri": quote(span.file, safe="/")}
    if span.file.startswith("/"):
        artifact["uri"] = "file://" + artifact["uri"]
    else:
        artifact["uriBaseId"] = ROOT
    found: dict[str, Any] = {"artifactLocation": artifact}
    if span.line:
        found["region"] = {"startLine": span.line, "startColumn": max(span.column, 1)}
    return found
