"""Who can talk to whom, before and after, as one SVG by hand that survives printing in grey.

A cell that stays the same is one flat square; one that changes is split on its diagonal (upper left before,
lower right after) and carries a mark that is not a colour. Coordinates are integers, so the bytes are stable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from translators.report import Matrix, MatrixLabel

__all__ = ["STYLE", "Change", "anchor", "changes", "picture"]

CELL, GAP, PAD, LETTER = 22, 2, 10, 8
MAX_LABEL = 32
STYLE = """\
.mx{font:12px system-ui,sans-serif}.mx text{fill:#3a4653}.mx .ns{font-weight:650;fill:#1c2530}
.mx .l0{fill:#e9edf2}.mx .l1{fill:#9bb3cc}.mx .l2{fill:#2f5d8a}.mx .no{fill:none;stroke:#c9d1da;stroke-dasharray:2 2}
.mx .sep{stroke:#c9d1da}.mx .badge{fill:#fff;stroke:#1c2530;stroke-width:.75}.mx text.mk{font-weight:700;font-size:12px}
.mx text.opens{fill:#b42318}.mx text.closes{fill:#8a5a00}
@media (prefers-color-scheme:dark){.mx text{fill:#b9c4d0}.mx .ns{fill:#e6eaf0}.mx .l0{fill:#232d39}.mx .l1{fill:#4d6883}
.mx .l2{fill:#8fb8df}.mx .no,.mx .sep{stroke:#3a4757}}
@media print{.mx text,.mx .ns{fill:#000}.mx .l0{fill:#e9edf2}.mx .l1{fill:#9bb3cc}.mx .l2{fill:#2f5d8a}}
"""


def picture(matrix: Matrix, *, linked: bool = False) -> str:
    """Give the SVG; an empty matrix gives a picture that says so.

    ``linked``: a cell that changes leads to ``#m-ROW-COLUMN``, for a page that has such a place.
    """
    names = [_short(label.name) for label in matrix.rows]
    groups = max((len(_short(label.group)) for label in matrix.rows), default=0) * LETTER + 2 * PAD
    left = groups + max((len(name) for name in names), default=0) * LETTER + PAD
    top = max((len(_column(label)) for label in matrix.columns), default=0) * LETTER + PAD
    side = CELL + GAP
    width = left + len(matrix.columns) * side + PAD
    height = top + len(matrix.rows) * side + PAD
    count = len(list(changes(matrix)))
    parts = [
        f'<svg class="mx" xmlns="http://www.w3.org/2000/svg" role="{"group" if linked else "img"}" viewBox="0 0 {width} {height}"',
        f' width="{width}" height="{height}" aria-labelledby="mx-title mx-desc">',
        '<title id="mx-title">Who can talk to whom, before and after</title>',
        f'<desc id="mx-desc">{len(matrix.rows)} by {len(matrix.columns)}; {count} cells change.</desc>',
        f"<style>{STYLE}</style>",
        *_columns(matrix, left, top),
    ]
    for index, label in enumerate(matrix.rows):
        y = top + index * side
        first = index == 0 or matrix.rows[index - 1].group != label.group
        parts += _row_label(label, y, groups, left, first=first)
        for column in range(len(matrix.columns)):
            drawn = _cell(matrix, index, column, (left + column * side, y))
            if linked and matrix.marks[index][column]:
                drawn = f'<a href="#{anchor(index, column)}">{drawn}</a>'
            parts.append(drawn)
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that changes: sender, receiver, the words before and after, its mark, its place on a page."""

    sender: MatrixLabel
    receiver: MatrixLabel
    before: str
    after: str
    mark: str
    anchor: str


def changes(matrix: Matrix) -> Iterator[Change]:
    """Give the cells that change; what opens comes first."""
    found = [
        Change(row, matrix.columns[j], matrix.before[i][j], matrix.after[i][j], mark, anchor(i, j))
        for i, row in enumerate(matrix.rows)
        for j in range(len(matrix.columns))
        if (mark := matrix.marks[i][j])
    ]
    yield from sorted(found, key=lambda cell: cell.mark == "–")


def anchor(row: int, column: int) -> str:
    """Give the name of the place where a page tells what changes in a cell."""
    return f"m-{row}-{column}"


def _columns(matrix: Matrix, left: int, top: int) -> Iterator[str]:
    for index, label in enumerate(matrix.columns):
        x = left + index * (CELL + GAP) + CELL // 2 + 4
        yield (
            f'<text transform="translate({x} {top - 6}) rotate(-90)">'
            f'<tspan class="ns">{escape(_short(label.group))}</tspan> {escape(_short(label.name))}</text>'
        )


def _row_label(label: MatrixLabel, y: int, groups: int, left: int, *, first: bool) -> Iterator[str]:
    if first:
        yield f'<line class="sep" x1="0" y1="{y - 1}" x2="{left}" y2="{y - 1}"/>'
        yield f'<text class="ns" x="0" y="{y + 15}">{escape(_short(label.group))}</text>'
    yield f'<text x="{groups}" y="{y + 15}">{escape(_short(label.name))}</text>'


def _cell(matrix: Matrix, i: int, j: int, at: tuple[int, int]) -> str:
    before, after, mark = matrix.before[i][j], matrix.after[i][j], matrix.marks[i][j]
    x, y = at
    title = escape(f"{_said(matrix.rows[i])} → {_said(matrix.columns[j])}: {_told(before, after, mark)}")
    if before == "-":
        square = f'<rect class="no" x="{x + 8}" y="{y + 8}" width="6" height="6"/>'
        return f"<g><title>{title}</title>{square}</g>"
    if not mark:
        square = f'<rect class="l{_level(before)}" x="{x}" y="{y}" width="{CELL}" height="{CELL}"/>'
        return f"<g><title>{title}</title>{square}</g>"
    far_x, far_y = x + CELL, y + CELL
    return (
        f"<g><title>{title}</title>"
        f'<path class="l{_level(before)}" d="M{x} {y}H{far_x}L{x} {far_y}Z"/>'
        f'<path class="l{_level(after)}" d="M{far_x} {y}V{far_y}H{x}Z"/>'
        f'<circle class="badge" cx="{x + CELL // 2}" cy="{y + CELL // 2}" r="6"/>'
        f'<text class="mk {"closes" if mark == "–" else "opens"}" text-anchor="middle" '
        f'x="{x + CELL // 2}" y="{y + CELL // 2 + 4}">{mark}</text></g>'
    )


def _level(text: str) -> int:
    return 2 if text == "all" else 1 if text else 0


def _told(before: str, after: str, mark: str) -> str:
    if before == "-":
        return "neither end is policed"
    if not mark:
        return before or "nothing"
    word = {"+": "opens", "–": "closes"}.get(mark, "opens and closes")
    return f"before {before or 'nothing'}; after {after or 'nothing'} ({word})"


def _said(label: MatrixLabel) -> str:
    count = f" ({label.pods} pods)" if label.pods > 1 else ""
    return f"{label.group} {label.name}{count}"


def _column(label: MatrixLabel) -> str:
    return f"{_short(label.group)} {_short(label.name)}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
