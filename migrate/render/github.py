"""Annotations for GitHub Actions: workflow commands, ten of each level, then how many there are besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate.render.issues import Issue
from translators.span import NOWHERE

__all__ = ["commands"]

MAX_PER_LEVEL = 10
LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def commands(issues: Sequence[Issue]) -> str:
    """Give one line an annotation; what somebody accepted is not annotated."""
    left = [issue for issue in issues if issue.accepted is None]
    lines = [line for level in LEVELS for line in _of(level, [i for i in left if i.level == level])]
    return "".join(f"{line}\n" for line in lines)


def _of(level: str, issues: Sequence[Issue]) -> Iterator[str]:
    command = LEVELS[level]
    for issue in issues[:MAX_PER_LEVEL]:
        where = ""
        if issue.span != NOWHERE:
            where = f"file={_property(issue.span.file)},"
            if issue.span.line:
                where += f"line={issue.span.line},col={max(issue.span.column, 1)},"
        yield f"::{command} {where}title={_property(issue.code)}::{_message(issue.message)}"
    rest = len(issues) - MAX_PER_LEVEL
    if rest > 0:
        yield f"::{command} title=c2c::{rest} more of this level; -o json holds all of them"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
