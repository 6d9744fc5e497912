"""Lines for a terminal: roles instead of colours, columns that give way, signs that plain ASCII can say too.

A table is built from pieces and painted last, on a canvas that knows width, colour and character set; so the same
lines serve a terminal, a pipe and a file. Whatever comes from a cluster passes through here before it is shown:
control characters never reach a terminal.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "PLAIN",
    "Canvas",
    "Column",
    "Line",
    "Piece",
    "Role",
    "Sign",
    "columns",
    "paint",
    "prose",
    "safe",
    "sign",
]

SGR_RESET = "\x1b[0m"


class Role(StrEnum):
    """What a piece of text is; six, so that eight colours keep every distinction."""

    TEXT = ""
    DIM = "2"
    ACCENT = "36"
    GOOD = "32"
    WARN = "33"
    BAD = "31"


class Sign(StrEnum):
    """What stands beside every colour, so that colour is never alone."""

    PASS = "✔"  # noqa: S105  # a sign, not a word to enter
    FAIL = "✖"
    WARN = "▲"
    UNSURE = "?"
    RUNNING = "●"
    TO_COME = "○"
    NOT_RUN = "–"
    NOTE = "·"


_SIGNS = {
    Sign.PASS: ("ok", Role.GOOD),
    Sign.FAIL: ("XX", Role.BAD),
    Sign.WARN: ("!!", Role.WARN),
    Sign.UNSURE: ("??", Role.WARN),
    Sign.RUNNING: ("**", Role.ACCENT),
    Sign.TO_COME: ("..", Role.DIM),
    Sign.NOT_RUN: ("--", Role.DIM),
    Sign.NOTE: ("::", Role.DIM),
}
_ASCII = str.maketrans({"→": "->", "·": "|", "×": "x", "…": "...", "≠": "!=", "≤": "<=", "≥": ">=", "–": "-",
                        "✔": "ok", "✖": "XX", "▲": "!!", "●": "**", "○": ".."})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text in one role; ``plain`` is what ASCII says instead."""

    text: str
    role: Role = Role.TEXT
    plain: str = ""


Line = Sequence[Piece | str]


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where lines are painted: ``width`` in columns, None where nothing is cut; ``rows_only`` leaves out the rest.

    The default is what a file or a pipe gets.
    """

    width: int | None = 80
    colour: bool = False
    ascii: bool = False
    rows_only: bool = False

    @property
    def wide(self) -> bool:
        """Say whether nothing is to be left out."""
        return self.width is None

    def text(self, piece: Piece | str) -> str:
        """Give the characters of a piece as this canvas can show them."""
        item = Piece(piece) if isinstance(piece, str) else piece
        if not self.ascii:
            return safe(item.text)
        shown = item.plain or item.text.translate(_ASCII)
        return safe(shown).encode("ascii", "backslashreplace").decode()


PLAIN = Canvas()


@dataclass(frozen=True, slots=True)
class Column:
    """How a column gives way: down to ``least`` characters, keeping its beginning or (``tail``) its end."""

    least: int | None = None
    tail: bool = False
    right: bool = False


def sign(which: Sign) -> Piece:
    """Give a sign in its colour."""
    plain, role = _SIGNS[which]
    return Piece(which.value, role, plain)


def safe(text: str) -> str:
    """Give text without what could steer a terminal or turn the direction of a line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("�" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text)


def paint(lines: Iterable[Line], canvas: Canvas) -> str:
    """Give the text of all lines; a line that is too long for the canvas is cut, never wrapped."""
    return "".join(f"{_painted(line, canvas)}\n" for line in lines)


def _painted(line: Line, canvas: Canvas) -> str:
    pieces = [(canvas.text(p), p.role if isinstance(p, Piece) else Role.TEXT) for p in line]
    length = sum(len(text) for text, _ in pieces)
    if canvas.width is not None and length > canvas.width:
        pieces = _cut(pieces, canvas)
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    if pieces:
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
    if not canvas.colour:
        return "".join(text for text, _ in pieces)
    return "".join(f"\x1b[{role.value}m{text}{SGR_RESET}" if role and text else text for text, role in pieces)


def _cut(pieces: Sequence[tuple[str, Role]], canvas: Canvas) -> list[tuple[str, Role]]:
    mark = canvas.text("…")
    room = max((canvas.width or 0) - len(mark), 0)
    kept: list[tuple[str, Role]] = []
    for text, role in pieces:
        if len(text) >= room:
            return [*kept, (text[:room] + mark, role)]
        kept.append((text, role))
        room -= len(text)
    return kept


def columns(
    rows: Sequence[Line], shape: Sequence[Column], canvas: Canvas, *, indent: str = "  ", gap: str = "  "
) -> list[Line]:
    """Lay rows out in columns that fit: the widest give way first, then columns are dropped from the right."""
    if not rows:
        return []
    texts = [[canvas.text(piece) for piece in row] for row in rows]
    count = max(len(row) for row in texts)
    widths = [max((len(row[i]) for row in texts if i < len(row)), default=0) for i in range(count)]
    if canvas.width is not None:
        widths = _fitting(widths, shape, canvas.width - len(indent), len(gap))
    return [
        _row(row, text, widths, (shape, canvas, indent, gap)) for row, text in zip(rows, texts, strict=True)
    ]


def _fitting(widths: Sequence[int], shape: Sequence[Column], room: int, gap: int) -> list[int]:
    """Give the widths that fit; fewer than there were where columns had to go."""
    for count in range(len(widths), 0, -1):
        found = list(widths[:count])
        while sum(found) + gap * (count - 1) > room:
            ways = [i for i in range(count) if (least := shape[i].least) is not None and found[i] > least]
            if not ways:
                break
            found[max(ways, key=lambda i: found[i])] -= 1
        else:
            return found
    return [min(widths[0], room)]


def _row(
    row: Line, texts: Sequence[str], widths: Sequence[int], how: tuple[Sequence[Column], Canvas, str, str]
) -> Line:
    shape, canvas, indent, gap = how
    line: list[Piece | str] = [indent]
    for index, width in enumerate(widths[: len(texts)]):
        piece = row[index]
        role = piece.role if isinstance(piece, Piece) else Role.TEXT
        text = _fitted(texts[index], width, canvas.text("…"), tail=shape[index].tail)
        padded = text.rjust(width) if shape[index].right else text.ljust(width)
        line += [gap if index else "", Piece(padded, role)]
    return line


def _fitted(text: str, width: int, mark: str, *, tail: bool) -> str:
    if len(text) <= width:
        return text
    room = max(width - len(mark), 0)
    return (mark + text[len(text) - room :] if tail else text[:room] + mark)[:width]


def prose(text: str, canvas: Canvas, *, first: Line = ("  ",), indent: str = "    ") -> list[Line]:
    """Wrap a sentence behind ``first``: it is prose, so it keeps its words, and columns alone are cut."""
    shown = canvas.text(text)
    if canvas.width is None:
        return [[*first, shown]]
    head = " " * sum(len(canvas.text(piece)) for piece in first)
    width = max(canvas.width, 20)
    wrapped = textwrap.wrap(
        shown, width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False
    ) or [head]
    return [[*first, wrapped[0][len(head) :]], *([line] for line in wrapped[1:])]
