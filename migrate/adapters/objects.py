"""Kubernetes objects out of files, one at a time: JSON in a stream, and of YAML the documents and items by themselves.

A file of any size is never held as a whole, unless it is YAML that kubectl did not write. What cannot be read is named
with its line and hides nothing beside it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from translators.diagnostics import Diagnostic
from translators.json_reading import Envelope, values
from translators.yaml_reading import documents

__all__ = ["Problem", "Taken", "read_objects"]

SMALL = 8 * 1024**2
"""Up to this size a file that is no plain JSON may still be YAML in braces."""
_SEPARATOR = re.compile(r"---(?:\s|\Z)")
_PLACED = re.compile(r"\A.* is not valid YAML/JSON at line \d+: ")
_ITEM = re.compile(r"( *)- ")
Opened = Callable[[], Iterable[bytes]]
Taken = Callable[[Mapping[str, Any]], None]
"""Is given every map of a file: objects, and whatever else lies in it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: where, and why. ``line`` counts from 1; 0: the whole file."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


def read_objects(name: str, opened: Opened, take: Taken) -> list[Problem]:
    """Give every object of a file to ``take``; members of a ``List`` one by one, with the kind that the list says.

    An object may come twice, where a file turns out to be no plain JSON after all.
    """
    pieces, begin, size = iter(opened()), b"", 0
    while not begin.strip() and (piece := next(pieces, None)) is not None:
        begin += piece
    if begin.removeprefix(codecs.BOM_UTF8).lstrip()[:1] not in {b"{", b"["}:
        return _yaml(name, _chain(begin, pieces), take)
    counted = _Counted(take)
    try:
        _json(_chain(begin, pieces), counted)
    except (ValueError, RecursionError) as error:
        size = sum(len(piece) for piece in opened())
        if size > SMALL:
            return [Problem(name, 0, f"damaged after {counted.count} objects: {error}")]
        return _yaml(name, opened(), take)
    return []


class _Counted:
    """Counts what it hands on."""

    def __init__(self, take: Taken) -> None:
        self.take, self.count = take, 0

    def __call__(self, data: Mapping[str, Any]) -> None:
        self.count += 1
        self.take(data)


def _chain(begin: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield begin
    yield from pieces


def _json(pieces: Iterable[bytes], take: Taken) -> None:
    """Read values in a row; an item that does not say its kind waits for the end of its list, which may."""

    def kept(data: Any, outer: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON values
        typed = _typed(data, outer)
        if isinstance(typed, Mapping) and ("kind" in typed or not outer):
            _flat(typed, take)
            return None
        return typed

    for value in values(pieces, kept, lambda _: False):
        for item in value.items if isinstance(value, Envelope) else (value,):
            outer = value.data if isinstance(value, Envelope) and value.data is not None else {}
            if isinstance(item.data, Mapping):
                _flat(_typed(item.data, outer), take)
            elif isinstance(item.data, list):
                for inner in item.data:
                    _flat(inner, take)


def _typed(item: Any, outer: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON values
    """Give an item of a list the kind that the list's own kind says it has."""
    kind = outer.get("kind")
    if (
        not isinstance(item, Mapping)
        or "kind" in item
        or not isinstance(kind, str)
        or not kind.endswith("List")
    ):
        return item
    return (
        {"apiVersion": outer.get("apiVersion"), "kind": kind.removesuffix("List"), **item}
        if kind != "List"
        else item
    )


def _flat(data: Any, take: Taken) -> None:  # noqa: ANN401  # JSON or YAML values
    """Hand on one object, or the members of a list inside a list."""
    if not isinstance(data, Mapping):
        return
    items = data.get("items")
    if str(data.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            _flat(_typed(item, data), take)
        return
    take(data)


def _yaml(name: str, pieces: Iterable[bytes], take: Taken) -> list[Problem]:
    problems: list[Problem] = []
    waiting: list[Mapping[str, Any]] = []
    try:
        for line, text, part in _parts(_lines(pieces)):
            for found in documents(name, text):
                if isinstance(found, Diagnostic):
                    what = _PLACED.sub("not valid: ", found.message)
                    problems.append(Problem(name, line + max(found.span.line, 1) - 1, what))
                    continue
                data, _ = found
                match part:
                    case "item":
                        waiting += _of_item(data, take)
                    case "around":
                        outer = data if isinstance(data, Mapping) else {}
                        for item in waiting:
                            _flat(_typed(item, outer), take)
                        waiting = []
                    case _:
                        for item in data if isinstance(data, list) else (data,):
                            _flat(item, take)
    except UnicodeDecodeError as error:
        problems.append(Problem(name, 0, f"not UTF-8: {error.reason}"))
    return problems


def _of_item(data: Any, take: Taken) -> list[Mapping[str, Any]]:  # noqa: ANN401  # YAML values
    """Hand on the items of one part; give back those that do not say their kind."""
    left = []
    for item in data if isinstance(data, list) else ():
        if isinstance(item, Mapping) and "kind" not in item:
            left.append(item)
        else:
            _flat(item, take)
    return left


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Give the lines of a text that comes in pieces, each with its end."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    for piece in pieces:
        rest += decoder.decode(piece)
        *whole, rest = rest.split("\n")
        yield from (f"{line}\n" for line in whole)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def _parts(lines: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Give (line, text, part): documents, and of a list as kubectl writes it each item, then what is around them.

    Such a list has ``items:`` at the beginning of a line and every item one step deeper or beside it, behind a dash.
    """
    splitter = _Splitter()
    for number, line in enumerate(lines, start=1):
        yield from splitter.feed(number, line)
    yield from splitter.end()


class _Splitter:
    """Cuts a YAML text where it can be cut without being understood."""

    def __init__(self) -> None:
        self._around: list[str] = []
        self._item: list[str] = []
        self._indent: str | None = None
        self._inside = self._listed = False
        self._began, self._item_began = 1, 1

    def feed(self, number: int, line: str) -> Iterator[tuple[int, str, str]]:
        """Take one line; give the parts that it ends."""
        if _SEPARATOR.match(line):
            yield from self.end()
            self._began = number
            self._around.append(line)
        elif self._inside:
            yield from self._in_items(number, line)
        elif line.rstrip() == "items:":
            self._inside, self._listed, self._indent = True, True, None
        else:
            self._around.append(line)

    def _in_items(self, number: int, line: str) -> Iterator[tuple[int, str, str]]:
        found = _ITEM.match(line)
        if self._indent is None and found:
            self._indent = found[1]
        if found and found[1] == self._indent:
            yield from self._flush()
            self._item_began = number
            self._item = [line]
        elif not line.strip() or line.startswith(" " * (len(self._indent or "") + 1)):
            self._item.append(line)
        else:
            yield from self._flush()
            self._inside = False
            self._around.append(line)

    def _flush(self) -> Iterator[tuple[int, str, str]]:
        if any(line.strip() for line in self._item):
            yield self._item_began, "".join(self._item), "item"
        self._item = []

    def end(self) -> Iterator[tuple[int, str, str]]:
        """Give what is left of a document."""
        yield from self._flush()
        if any(line.strip() for line in self._around):
            yield self._began, "".join(self._around), "around" if self._listed else "document"
        self._around, self._inside, self._listed = [], False, False
