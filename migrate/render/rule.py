"""What a preflight rule means, for people and programs: when it fires, what it says, what to do, what it guards against."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from migrate.model.findings import Severity
from migrate.preflight.registry import reasons_of
from migrate.preflight.rule import Repeat, Rule
from migrate.render.terminal import PLAIN, Canvas, Line, Piece, Role, paint, prose

__all__ = ["data", "renderers", "spelled", "table"]

SEVERITIES = {
    Severity.MANDATORY: "It stops the migration and cannot be accepted.",
    Severity.BLOCK: "It stops the migration unless you accept it by id.",
    Severity.WARN: "It warns and stops nothing.",
    Severity.INFO: "It informs.",
}
REPEATS = {
    Repeat.CONTINUOUS: "all through a run",
    Repeat.NO_RETURN: "before the point of no return",
}


def spelled(text: str) -> str:
    """Show what is filled in as a name."""
    return re.sub(r"\{(\w+)\}", r"<\1>", text)


def data(rule: Rule) -> dict[str, Any]:
    """Give the page as plain data."""
    return {
        "schemaVersion": "1.0",
        "kind": "Code",
        "code": rule.code,
        "rule": rule.id,
        "title": rule.title,
        "group": str(rule.group),
        "severity": str(rule.severity),
        "consequence": SEVERITIES[rule.severity],
        "text": spelled(rule.message),
        "why": reasons_of(rule),
        "remedy": spelled(rule.remedy),
        "failures": [f"F-{number:02d}" for number in rule.failures],
        "reads": [*rule.reads, *(f"{kind} of Calico" for kind in rule.calico)],
        "facts": list(rule.facts),
        "chart": rule.chart,
        "repeated": [REPEATS[r] for r in sorted(rule.repeat)],
        "repairedBy": rule.repaired_by or None,
    }


def table(rule: Rule, canvas: Canvas = PLAIN) -> str:
    """Give the page for a terminal."""
    return paint(_lines(rule, canvas), canvas)


def _lines(rule: Rule, canvas: Canvas) -> Iterator[Line]:
    page = data(rule)
    yield [Piece(rule.code, Role.ACCENT), f"  {rule.title}"]
    yield []
    yield from prose(page["text"], canvas, indent="  ")
    yield []
    for paragraph in page["why"]:
        yield from prose(paragraph, canvas, indent="  ")
        yield []
    rows = [
        ("Rule", f"{rule.id}, group {rule.group}, {rule.severity}. {page['consequence']}"),
        ("Remedy", page["remedy"]),
        ("Guards", f"against {', '.join(page['failures'])}" if rule.failures else ""),
        ("Reads", ", ".join(page["reads"])),
        ("Node", f"facts: {', '.join(rule.facts)}" if rule.facts else ""),
        ("Chart", "a part of the answer lies in the rendered chart" if rule.chart else ""),
        ("Again", " and ".join(page["repeated"])),
        ("Repair", f"a step of P2 does it: {rule.repaired_by}" if rule.repaired_by else ""),
    ]
    for name, text in rows:
        if text:
            yield from prose(text, canvas, first=[f"  {name:<8} "], indent=" " * 11)


def renderers(rule: Rule) -> dict[str, Callable[[], str]]:
    """Give every format but the table."""
    return {
        "json": lambda: json.dumps(data(rule), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(rule), sort_keys=False, allow_unicode=True),
    }
