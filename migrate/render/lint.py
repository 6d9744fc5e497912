"""What ``lint`` found and repaired, in every format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from migrate import __version__
from migrate.render import github, sarif
from migrate.render.comparison import comment, page
from migrate.render.issues import Issue, key_of, of_findings
from migrate.render.table import folder_of, short_place
from migrate.render.terminal import (
    PLAIN,
    Canvas,
    Column,
    Line,
    Piece,
    Role,
    Sign,
    columns,
    paint,
    prose,
    sign,
)
from migrate.render.words import remedy, title
from translators.diagnostics import Diagnostic, Severity
from translators.fixing import Edit, Fixed
from translators.report import Matrix
from translators.span import Span

__all__ = ["Linted", "data", "renderers", "table"]

SIGNS = {Severity.ERROR: Sign.FAIL, Severity.WARNING: Sign.WARN, Severity.NOTE: Sign.NOTE}
_SHAPE = (Column(), Column(), Column(12), Column(16), Column(16, tail=True))


@dataclass(slots=True)
class Linted:
    """The findings that are left, what was repaired, and the difference that the repair made."""

    findings: Sequence[Diagnostic]
    fixed: Fixed | None = None
    difference: str = ""
    matrix: Matrix | None = None


def table(found: Linted, canvas: Canvas = PLAIN) -> str:
    """Give the difference of a repair, uncut so that it can be applied, then every finding with place and reason."""
    repaired = "" if canvas.rows_only else paint(_difference(found), replace(canvas, width=None))
    return repaired + paint(_findings(found.findings, canvas), canvas)


def _difference(found: Linted) -> Iterator[Line]:
    for line in found.difference.splitlines():
        role = {"+": Role.GOOD, "-": Role.BAD, "@": Role.ACCENT}.get(line[:1], Role.TEXT)
        yield [Piece(line, Role.DIM if line.startswith(("+++", "---")) else role)]
    if found.difference:
        yield []


def _findings(findings: Sequence[Diagnostic], canvas: Canvas) -> Iterator[Line]:
    folder = "" if canvas.wide else folder_of(d.span for d in findings)
    rows: list[Line] = [
        [
            sign(SIGNS[d.severity]),
            Piece(d.code, Role.ACCENT),
            d.object.rpartition(" ")[2],
            title(d.code),
            Piece(short_place(d.span, folder), Role.DIM),
        ]
        for d in findings
    ]
    for line, finding in zip(columns(rows, _SHAPE, canvas), findings, strict=True):
        yield line
        if not canvas.rows_only:
            text = f"{finding.message} {remedy(finding.remedy)}"
            yield from prose(text.rstrip(), canvas, first=["      "], indent="      ")
    if not findings and not canvas.rows_only:
        yield ["  ", sign(Sign.PASS), " Nothing found."]


def data(found: Linted) -> dict[str, Any]:
    """Give the report as plain data."""
    counts = {str(name): sum(d.severity is name for d in found.findings) for name in Severity}
    repaired = found.fixed or Fixed({}, (), ())
    return {
        "schemaVersion": "1.0",
        "kind": "LintReport",
        "tool": {"name": "c2c", "version": __version__},
        "summary": {
            "findings": len(found.findings),
            **counts,
            "fixed": len(repaired.done),
            "left": len(repaired.left),
        },
        "findings": [_finding(d) for d in found.findings],
        "fixed": [_edit(e) for e in repaired.done],
        "notFixed": [_edit(e) for e in repaired.left],
        "difference": found.difference,
    }


def _span(span: Span) -> dict[str, Any]:
    return {"file": span.file, "line": span.line, "column": span.column}


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {
        "id": key_of(finding.code, finding.object, finding.message),
        "code": finding.code,
        "severity": str(finding.severity),
        "object": finding.object,
        "text": finding.message,
        "remedy": finding.remedy,
        "span": _span(finding.span),
        "accepted": None,
    }


def _edit(edit: Edit) -> dict[str, Any]:
    return {"code": edit.code, "what": edit.what, "span": _span(edit.span)}


def headline(found: Linted) -> str:
    """Say in one sentence what it comes to."""
    counts = [(name, sum(d.severity is name for d in found.findings)) for name in Severity]
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for name, count in counts if count)
    repaired = f", {len(found.fixed.done)} repaired" if found.fixed and found.fixed.done else ""
    return f"Lint: {told or 'nothing found'}{repaired}"


def renderers(found: Linted) -> dict[str, Callable[[], str]]:
    """Give every format but the table."""
    issues = of_findings(found.findings)
    return {
        "json": lambda: json.dumps(data(found), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(found), sort_keys=False, allow_unicode=True),
        "jsonl": lambda: _lines(found),
        "markdown": lambda: comment(headline(found), issues),
        "html": lambda: page("Defects of Calico policies", headline(found), issues, data(found)),
        "sarif": lambda: sarif.log(issues),
        "junit": lambda: _suite(issues),
        "github": lambda: github.commands(issues),
        "svg": lambda: _picture(found),
    }


def _lines(found: Linted) -> str:
    hello = {"type": "hello", "schemaVersion": "1.0", "tool": __version__, "run": None}
    rows = [hello, *({"type": "finding", **_finding(d)} for d in found.findings)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _suite(issues: Sequence[Issue]) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    return junit.suite("c2c lint", junit.cases_of_findings(issues), {})


def _picture(found: Linted) -> str:
    from migrate.render.matrix import picture  # noqa: PLC0415  # only where it is drawn

    return picture(found.matrix) if found.matrix else ""
