"""What a code means, for people and programs: its sentence, why it matters, what to do, the smallest example."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from migrate.render.terminal import PLAIN, Canvas, Line, Piece, Role, paint, prose
from translators.diagnostics import CodeInfo

__all__ = ["data", "renderers", "table"]

CLASSES = {
    "refuse": "The object is not translated.",
    "stop": "It needs your decision: until then its subjects get no output.",
    "warn": "The translation is exact, but you should know.",
    "info": "The translation is exact.",
    "X": "It cannot be said in Cilium: that part is left out.",
    "A": "The translation is approximate: the flows that differ are listed in the report.",
    "S0": "The translation is exact, once the setting is made.",
    "S1": "The translation is exact while the listed objects stay as they are.",
    "S2": "The translation is exact for today's addresses only.",
}


def _spelled(text: str) -> str:
    """Show what is filled in as a name."""
    return text.replace("{", "<").replace("}", ">")


def data(info: CodeInfo, example: dict[str, str]) -> dict[str, Any]:
    """Give the page as plain data; ``example`` holds ``input`` and ``says`` where the code has one."""
    first = re.split(r"[ ;,]", info.cls)[0]
    return {
        "schemaVersion": "1.0",
        "kind": "Code",
        "code": info.code,
        "title": info.title,
        "class": info.cls,
        "severity": str(info.severity),
        "text": _spelled(info.text),
        "consequence": CLASSES.get(first, ""),
        "remedy": _spelled(info.remedy),
        "example": example or None,
    }


def table(info: CodeInfo, example: dict[str, str], canvas: Canvas = PLAIN) -> str:
    """Give the page for a terminal."""
    return paint(_lines(info, example, canvas), canvas)


def _lines(info: CodeInfo, example: dict[str, str], canvas: Canvas) -> Iterator[Line]:
    page = data(info, example)
    yield [Piece(info.code, Role.ACCENT), f"  {info.title}"]
    yield []
    yield from prose(page["text"], canvas, indent="  ")
    yield []
    for name, text in (("Class", f"{info.cls}. {page['consequence']}"), ("Remedy", page["remedy"])):
        yield from prose(text, canvas, first=[f"  {name:<8} "], indent=" " * 11)
    if example:
        yield []
        yield ["  Example"]
        yield from ([Piece(f"    {line}", Role.DIM)] for line in example["input"].splitlines())
        if example.get("says"):
            yield from prose(example["says"], canvas, first=["  Says     "], indent=" " * 11)


def renderers(info: CodeInfo, example: dict[str, str]) -> dict[str, Callable[[], str]]:
    """Give every format but the table."""
    return {
        "json": lambda: json.dumps(data(info, example), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(info, example), sort_keys=False, allow_unicode=True),
    }
