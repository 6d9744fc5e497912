"""The lines of source and of output that a page shows beside each other, policy by policy.

They are all that a page knows beyond the report itself, so a saved page gives them back and can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from translators.layout import OutputFile
from translators.report import PolicyEntry, Report

__all__ = ["Excerpt", "Excerpts", "excerpts"]

MAX_LINES = 80
MAX_OUTPUTS = 4


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Consecutive lines of one file, the first of which has the number ``first``; no lines where it is not known."""

    first: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excerpts:
    """What is shown of one policy: its source, and the first places of its output, as the policy names them."""

    source: Excerpt
    outputs: tuple[Excerpt, ...] = ()


def excerpts(report: Report, files: Sequence[OutputFile], texts: Mapping[str, str]) -> list[Excerpts]:
    """Give the excerpts of each policy of the report, in its order.

    ``texts``: the source files by the name that spans use; one that is missing leaves its excerpt empty.
    """
    sources = {name: text.splitlines() for name, text in texts.items()}
    written = {item.path: item.text.splitlines() for item in files}
    starts: dict[str, list[int]] = {}
    for entry in report.policies:
        starts.setdefault(entry.source.file, []).append(entry.source.line)
    return [
        Excerpts(
            _source(entry, sources, starts[entry.source.file]),
            tuple(_output(place, written) for place in entry.outputs[:MAX_OUTPUTS]),
        )
        for entry in report.policies
    ]


def _source(entry: PolicyEntry, sources: Mapping[str, Sequence[str]], starts: Sequence[int]) -> Excerpt:
    lines = sources.get(entry.source.file, [])
    following = [line for line in starts if line > entry.source.line]
    return _lines(lines, entry.source.line, min(following, default=len(lines) + 1))


def _output(place: str, written: Mapping[str, Sequence[str]]) -> Excerpt:
    path, _, line = place.rpartition(":")
    lines = written.get(path, [])
    return _lines(lines, int(line) if line.isdigit() else 1, len(lines) + 1)


def _lines(lines: Sequence[str], first: int, stop: int) -> Excerpt:
    """Give the lines of one document: up to the next one, the next ``---``, or 80 lines."""
    first = max(first, 1)
    found: list[str] = []
    for text in lines[first - 1 : min(stop, first + MAX_LINES, len(lines) + 1) - 1]:
        if text.startswith("---") and found:
            break
        found.append(text)
    while found and not found[-1].strip():
        found.pop()
    return Excerpt(first, tuple(found))
