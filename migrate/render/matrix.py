"""The picture of the report: one cell a policy, by namespace, as SVG by hand.

Three fills for how it was translated, two marks for what differs; every mark is a shape, not a colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from translators.report import PolicyEntry, Report
from translators.source import Document

__all__ = ["reachability"]

CELL, GAP, LEFT, COLUMNS = 18, 4, 0, 32
FILLS = {"S0": "#2f5d8a", "S1": "#5f86ab", "S2": "#9bb3cc", "A": "#e8d9b8", "X": "#f3d3cf", "kept": "#e9edf2"}
MARKS = {"looser": "+", "stricter": "–", "both": "±"}


def reachability(report: Report, documents: Sequence[Document]) -> str:
    """Give one cell a policy, grouped by namespace, with its grade as fill and its difference as mark."""
    del documents
    groups: dict[str, list[PolicyEntry]] = {}
    for entry in report.policies:
        groups.setdefault(entry.namespace or "cluster-wide", []).append(entry)
    y, parts = 0, []
    for name, entries in sorted(groups.items()):
        parts.append(f'<text x="{LEFT}" y="{y + 13}" class="ns">{escape(name)}</text>')
        y += 20
        for index, entry in enumerate(entries):
            column, row = index % COLUMNS, index // COLUMNS
            parts.append(_cell(entry, LEFT + column * (CELL + GAP), y + row * (CELL + GAP)))
        y += ((len(entries) - 1) // COLUMNS + 1) * (CELL + GAP) + 10
    width = LEFT + COLUMNS * (CELL + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {max(y, 1)}" '
        f'width="{width}" height="{max(y, 1)}"><title>Policies by namespace</title>{"".join(parts)}</svg>'
    )


def _cell(entry: PolicyEntry, x: int, y: int) -> str:
    key = "kept" if entry.disposition == "kept" else entry.grade
    mark = MARKS.get(entry.direction or "", "")
    text = (
        f'<text x="{x + CELL // 2}" y="{y + 14}" text-anchor="middle" class="mk">{mark}</text>'
        if mark
        else ""
    )
    title = escape(f"{entry.kind} {entry.label}: {key}" + (f", {entry.direction}" if entry.direction else ""))
    return (
        f'<g><title>{title}</title><rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="3" '
        f'fill="{FILLS[key]}" stroke="#4a5563" stroke-width="0.5"/>{text}</g>'
    )
