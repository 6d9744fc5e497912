"""A runbook's page for people at a terminal, and for programs.

Commands stand as they are, to be copied; a link to another page becomes the command that prints it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from migrate.render.terminal import PLAIN, Canvas, Line, Piece, Role, paint, prose

__all__ = ["data", "renderers", "table"]

_LINK = re.compile(r"\[([^\]]+)\]\((?:[\w./-]*/)?([\w-]+)\.md\)")
_RULE = re.compile(r"^\|[-| ]+\|$")
_ITEM = re.compile(r"^(- |\d+\. )")
_STRESS = re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?!\w)")
_HEAD = re.compile(r"^\|.*\|\n(?=\|[-| ]+\|\n)", re.MULTILINE)


def data(name: str, text: str, halt: tuple[str, str] | None) -> dict[str, Any]:
    """Give the page as plain data; ``halt`` holds the word in JSON results and the meaning of a halt reason."""
    title = text.partition("\n")[0].removeprefix("# ")
    word, meaning = halt or ("", "")
    return {
        "schemaVersion": "1.0", "kind": "Runbook", "name": name, "title": title, "reason": word, "meaning": meaning,
        "text": text,
    }  # fmt: skip


def table(text: str, canvas: Canvas = PLAIN) -> str:
    """Give the page for a terminal; a command is never cut, however narrow it is."""
    return "".join(_painted(text, canvas))


def _painted(text: str, canvas: Canvas) -> Iterator[str]:
    whole, fenced = replace(canvas, width=None), False
    for block in _blocks(text):
        if block.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield paint([[f"    {block}"]], whole)
        else:
            yield paint(_plain(block, canvas) if block else [[]], canvas)


def _blocks(text: str) -> Iterator[str]:
    """Give lines of code and tables one by one, of prose each paragraph or list item as one."""
    held, fenced = "", False
    for line in _HEAD.sub("", text).splitlines():
        mark = line.startswith("```")
        alone = fenced or mark or not line or line.startswith(("#", "|"))
        if held and (alone or _ITEM.match(line)):
            yield held
            held = ""
        if alone:
            yield line
        else:
            held = f"{held} {line.strip()}" if held else line.strip()
        fenced = fenced != mark
    if held:
        yield held


def _plain(block: str, canvas: Canvas) -> Iterator[Line]:
    if block.startswith("#"):
        yield [Piece(block.lstrip("# "), Role.ACCENT)]
        return
    if block.startswith("|"):
        yield from () if _RULE.match(block) else _row(block, canvas)
        return
    said = _spoken(block)
    item = _ITEM.match(said)
    mark = item.group(1) if item else ""
    yield from prose(said.removeprefix(mark), canvas, first=[f"  {mark}"], indent=" " * (2 + len(mark)))


def _row(row: str, canvas: Canvas) -> Iterator[Line]:
    """Give a row of a table as its first cell and, below it, the others: cells are sentences, too long for columns."""
    first, *others = (_spoken(cell.strip()) for cell in row.strip("|").split(" | "))
    yield from prose(first, canvas, first=["  * "], indent="    ")
    for cell in others:
        yield from prose(cell, canvas, first=["      "], indent="      ")


def _spoken(text: str) -> str:
    """Give a sentence without marks, and links as what to type."""
    return _STRESS.sub(r"\1", _LINK.sub(_typed, text).replace("**", "").replace("`", ""))


def _typed(link: re.Match[str]) -> str:
    label, page = link.groups()
    return f"c2c explain {label}" if page.startswith(label) else f"{label} (c2c explain {page})"


def renderers(name: str, text: str, halt: tuple[str, str] | None) -> Mapping[str, Callable[[], str]]:
    """Give every format but the table."""
    return {
        "markdown": lambda: text,
        "json": lambda: json.dumps(data(name, text, halt), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(name, text, halt), sort_keys=False, allow_unicode=True),
    }
