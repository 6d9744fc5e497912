"""The report as a comment for a pull request: a stable first line, the verdict, what must be decided.

A comment holds 65,536 characters; this stops at 60,000, at the end of a line, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.render import words
from translators.report import Report

__all__ = ["MARK", "cell", "comment", "fitted"]

LIMIT = 60_000
MARK = "<!-- c2c:report -->"


def comment(report: Report) -> str:
    """Give Markdown that fits a comment; names of a cluster never become markup."""
    return fitted(_lines(report))


def fitted(lines: Iterable[str]) -> str:
    """Give the lines as a text that fits a comment, cut behind a line."""
    text = ""
    for line in lines:
        if len(text) + len(line) > LIMIT:
            return text + "\n… the rest is in the full report.\n"
        text += line + "\n"
    return text


def _lines(report: Report) -> Iterator[str]:
    pending = words.pending(report)
    count = len(pending)
    yield MARK
    yield f"### Calico → Cilium: {count or 'no'} {'decision' if count == 1 else 'decisions'} open"
    yield ""
    yield f"**{words.verdict(report)}** {_proof(report)}"
    yield ""
    if pending:
        yield "| | finding | flows that differ | where |"
        yield "|---|---|---|---|"
    for item in pending:
        finding = item.finding
        what = f"{finding.code} {cell(finding.object)}: {cell(finding.text)}" if finding else "differs"
        flows = "<br>".join(cell(words.claim(d)) for d in item.differences) or "–"
        yield f"| {item.sign} | {what} | {flows} | {cell(str(finding.span)) if finding else ''} |"
    accepted = [finding for finding in report.findings if finding.accepted is not None]
    if accepted:
        yield ""
        yield f"<details><summary>{len(accepted)} accepted</summary>"
        yield ""
        for finding in accepted:
            yield f"- {finding.code} {cell(finding.object)}: {cell(finding.accepted or '')}"
        yield ""
        yield "</details>"


def _proof(report: Report) -> str:
    total = sum(report.method.obligations.values())
    if report.method.open_obligations:
        return f"Not proved: {report.method.open_obligations} of {total} obligations are open."
    return f"Proved by {total} obligations, for Cilium {report.method.cilium}."


def cell(text: str) -> str:
    """Give text for a cell in which no name becomes markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for char in "\\`*_[]|#~!@":
        escaped = escaped.replace(char, f"&#{ord(char)};" if char in "`@|\\" else f"\\{char}")
    return " ".join(escaped.split())
