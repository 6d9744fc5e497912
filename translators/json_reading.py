"""JSON as a snapshot holds it, item by item: text that is still to come is not needed, and what is done is let go.

One text holds values in a row (JSON, or JSON lines); of a map with a list ``items``, or of a list, each item is
given by itself with its place. Only plain JSON is read: for anything else ``ValueError`` is raised, and the YAML
reader has the word.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Envelope", "Item", "values"]

_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Item:
    """One value and where it begins, counted from 1; ``text`` is kept only where ``wanted`` asked for it."""

    data: Any
    line: int
    column: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A map whose list ``items`` was read item by item, without that list; None where the list stood alone."""

    data: dict[str, Any] | None
    items: tuple[Item, ...]


type Kept = Callable[[Any, Mapping[str, Any]], Any]
type Wanted = Callable[[Any], bool]


def values(chunks: Iterable[bytes], kept: Kept, wanted: Wanted) -> Iterator[Item | Envelope]:
    """Give every value of a text.

    ``kept`` gives what is needed of an item, from it and what is known so far of the map around it; ``wanted``
    says of what was kept whether its text is needed too.

    Raises ``ValueError`` (``UnicodeDecodeError`` among them) or ``RecursionError`` where it is no plain JSON.
    """
    text = _Text(chunks)
    while first := text.peek():
        if first == "{":
            yield _map(text, kept, wanted)
        elif first == "[":
            yield Envelope(None, tuple(_items(text, {}, kept, wanted)))
        else:
            message = "a document is a map or a list"
            raise ValueError(message)
        text.forget()


def _map(text: _Text, kept: Kept, wanted: Wanted) -> Item | Envelope:
    line, column = text.place()
    begin = text.mark()
    if (whole := text.whole()) is not None:
        data = kept(whole, {})
        return Item(data, line, column, text.since(begin) if wanted(data) else None)
    found: dict[str, Any] = {}
    items: tuple[Item, ...] | None = None
    for _ in text.members("{", "}"):
        key = text.value()
        if not isinstance(key, str) or key in found or (key == "items" and items is not None):
            message = f"{key!r} is no key here"
            raise ValueError(message)
        text.take(":")
        if key == "items" and text.peek() == "[":
            text.forget()
            items = tuple(_items(text, found, kept, wanted))
        else:
            found[key] = text.value()
    if items is not None:
        return Envelope(found, items)
    data = kept(found, {})
    return Item(data, line, column, text.since(begin) if wanted(data) else None)


def _items(text: _Text, outer: Mapping[str, Any], kept: Kept, wanted: Wanted) -> Iterator[Item]:
    for _ in text.members("[", "]"):
        line, column = text.place()
        begin = text.mark()
        data = kept(text.value(), outer)
        source = text.since(begin) if wanted(data) else None
        text.forget()
        yield Item(data, line, column, source)


class _Text:
    """A text that arrives in pieces; what lies before the last ``forget`` is let go."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
        self._text, self._at, self._done = "", 0, False
        self._counted, self._line, self._line_start = 0, 1, 0
        self._dropped = 0

    def _more(self) -> bool:
        """Take in as much again as is waiting, so that a value larger than a chunk is not read time and again."""
        waiting, arrived = len(self._text) - self._at, 0
        pieces = []
        while not self._done and (not arrived or arrived < waiting):
            chunk = next(self._chunks, None)
            self._done = chunk is None
            pieces.append(self._decoder.decode(chunk or b"", final=self._done))
            arrived += len(pieces[-1])
        self._text += "".join(pieces)
        return arrived > 0

    def peek(self) -> str:
        """Give the next character that is no space, an empty text at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            message = f"{wanted!r} is missing"
            raise ValueError(message)
        self._at += 1

    def members(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each member of a map or list, which the caller then reads."""
        self.take(opening)
        if self.peek() != closing:
            yield
            while self.peek() == ",":
                self._at += 1
                yield
        self.take(closing)

    def whole(self) -> dict[str, Any] | None:
        """Read a map that has arrived as a whole, a line of its own as a rule; None for a list of the API, or part."""
        try:
            found, end = self._json.raw_decode(self._text, self._at)
        except ValueError:
            return None
        if not isinstance(found, dict) or isinstance(found.get("items"), list):
            return None
        self._check_surrogates(found, end)
        self._at = end
        return found

    def value(self) -> Any:  # noqa: ANN401  # any JSON value
        """Read one value; a number at the end of what has arrived may go on."""
        self.peek()
        while True:
            try:
                found, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():
                self._check_surrogates(found, end)
                self._at = end
                return found

    def _check_surrogates(self, found: object, end: int) -> None:
        """Half a character can be written in JSON, and in no file."""
        if self._text.find("\\ud", self._at, end) >= 0 or self._text.find("\\uD", self._at, end) >= 0:
            json.dumps(found, ensure_ascii=False).encode()

    def mark(self) -> int:
        """Give the present place, for ``since``."""
        return self._dropped + self._at

    def since(self, mark: int) -> str:
        return self._text[mark - self._dropped : self._at]

    def place(self) -> tuple[int, int]:
        """Give line and column of the next value, from 1."""
        self.peek()
        self._line += self._text.count("\n", self._counted, self._at)
        start = self._text.rfind("\n", self._counted, self._at)
        if start >= 0:
            self._line_start = self._dropped + start + 1
        self._counted = self._at
        return self._line, self._dropped + self._at - self._line_start + 1

    def forget(self) -> None:
        """Let go of what has been read, once it is worth the copy."""
        if self._at * 2 > len(self._text):
            self.place()
            self._dropped += self._at
            self._text, self._at, self._counted = self._text[self._at :], 0, 0


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        message = "duplicate key"
        raise ValueError(message)
    return result


def _refuse(name: str) -> None:
    message = f"{name} is no JSON"
    raise ValueError(message)
