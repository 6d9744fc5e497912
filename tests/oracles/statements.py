"""The description of Cilium's policy semantics, statement by statement, and what is said of each here.

A statement is a sentence, or what stands between semicolons, of a paragraph or of a cell of a table. The first cell of
a row is its heading, and a column of tags is left out. ``statements.yaml`` names each statement by its beginning,
with the topics whose claims decide it, or with why the engine cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "statements.yaml"
TITLE = re.compile(r"## (\d+)\. ")
LINE = re.compile(r"\|[-| ]+\|")
ITEM = re.compile(r"(\d+\.|\*|→) ")
CODE = re.compile(r"`[^`]*`")
END = re.compile(r"(?<!e\.g)[.;]\s+")
TAG = re.compile(r"(1\.20: )?(confirmed by engine|code|doc( [a-z.-]+)?|issue [#\d, ]+|#\d+)")
PREFACE = "0"


@dataclass(frozen=True)
class Statement:
    """One statement of the description, in its section."""

    section: str
    text: str


@dataclass(frozen=True)
class Entry:
    """What is said of a statement: the topics that decide it, or why none does, and what the engine says otherwise."""

    section: str
    begins: str
    topics: tuple[str, ...]
    reason: str
    refuted: str

    def is_of(self, statement: Statement) -> bool:
        """Say whether this is the entry of a statement."""
        return self.section == statement.section and statement.text.startswith(self.begins)


def entries() -> tuple[Mapping[str, str], list[Entry]]:
    """Give the reasons by their names, and the entries in the order of the description."""
    data: Mapping[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    found = [
        Entry(section, row["says"], tuple(row.get("by", ())), row.get("not", ""), row.get("but", ""))
        for section, rows in data["sections"].items()
        for row in rows
    ]
    return data["reasons"], found


def statements(text: str) -> Iterator[Statement]:
    """Give the statements of the description in their order."""
    section = PREFACE
    for block in re.split(r"\n(?:[ \t]*\n)+", text):
        for part in _parts(block.splitlines()):
            if title := TITLE.match(part[0]):
                section = title[1]
            elif part[0].startswith("|"):
                yield from (Statement(section, said) for cell in _cells(part) for said in _split(cell))
            elif not part[0].startswith("#"):
                yield from (Statement(section, said) for said in _split(" ".join(map(str.strip, part))))


def _parts(lines: Sequence[str]) -> Iterator[list[str]]:
    """Cut a block into titles, tables, and items or paragraphs."""
    part: list[str] = []
    for line in lines:
        is_table = line.startswith("|")
        begins = (
            line.startswith("#") or ITEM.match(line) or is_table != bool(part and part[0].startswith("|"))
        )
        if part and (begins or part[0].startswith("#")):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _cells(table: Sequence[str]) -> Iterator[str]:
    """Give the cells of a table that say something: neither headings nor tags."""
    head = _row(table[0])
    for line in table[1:]:
        if not LINE.fullmatch(line.strip()):
            yield from (cell for name, cell in list(zip(head, _row(line), strict=True))[1:] if name != "Tag")


def _row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _split(text: str) -> Iterator[str]:
    """Cut where a sentence or a part of one ends; what stands in code or in brackets is not cut."""
    text = ITEM.sub("", text, count=1) if ITEM.match(text) else text
    hidden, at = _hidden(text), 0
    for end in [*END.finditer(hidden), None]:
        said = text[at : end.start() if end else len(text)].strip().rstrip(".;")
        said = said.removeprefix("confirmed by engine ")
        if said and not TAG.fullmatch(said):
            yield said
        at = end.end() if end else at


def _hidden(text: str) -> str:
    """Give a text of the same length in which code and brackets hold no end of a sentence."""
    depth, found = 0, []
    for letter in CODE.sub(lambda code: "x" * len(code[0]), text):
        depth = max(0, depth + (letter in "([") - (letter in ")]"))
        found.append("x" if depth and letter in ".;" else letter)
    return "".join(found)
