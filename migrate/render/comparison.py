"""Findings without a translation, as a comment and as a page: what ``verify``, ``diff`` and ``lint`` found.

The same sentences as on the terminal, by ``issues``; the page fetches nothing and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from migrate import __version__
from migrate.render import words
from migrate.render.issues import Issue
from migrate.render.markdown import MARK, cell, fitted

__all__ = ["comment", "page"]

SIGNS = {"error": "✖", "warning": "▲", "note": "·"}


def comment(headline: str, issues: Sequence[Issue]) -> str:
    """Give Markdown that fits a comment: the verdict, then one row an issue."""
    return fitted(_lines(headline, issues))


def _lines(headline: str, issues: Sequence[Issue]) -> Iterator[str]:
    yield MARK
    yield f"### {cell(headline)}"
    if not issues:
        return
    yield ""
    yield "| | code | finding | where |"
    yield "|---|---|---|---|"
    for issue in issues:
        where = "" if issue.span.file.startswith("<") else cell(str(issue.span))
        yield f"| {SIGNS[issue.level]} | {issue.code} | {cell(issue.message)} | {where} |"


def page(title: str, headline: str, issues: Sequence[Issue], data: dict[str, Any]) -> str:
    """Give a self-contained page; ``data`` is the JSON of the same report, kept inside."""
    from migrate.render.html import embedded, resource, template  # noqa: PLC0415  # jinja2 only for a page

    return template("comparison.html.j2").render(
        title=title,
        headline=headline,
        told=[(i, [t for t in (*i.differences, i.text) if t] or [words.title(i.code)]) for i in issues],
        signs=SIGNS,
        words=words,
        version=__version__,
        style=resource("report.css"),
        data=embedded(data),
    )
