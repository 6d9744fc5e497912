"""Read the fields of one object with their types checked: every defect becomes a diagnostic with its place.

A reader goes through one document; it collects findings instead of stopping at the first, and the object is
refused as a whole if one of them refuses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from translators.diagnostics import Diagnostic, diagnostic
from translators.selectors.ast import Node
from translators.selectors.parser import SelectorError, parse
from translators.settings import READINGS
from translators.source import Document

__all__ = ["Fields", "Path"]

Path = tuple[str | int, ...]
MAX_NAME, MAX_NAMESPACE = 253, 63
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_NAMESPACE = re.compile(rf"{_LABEL}\Z")


class Fields:
    """Typed access to one document's values; ``found`` holds what was wrong."""

    def __init__(self, document: Document) -> None:
        """Start with no findings."""
        self.document = document
        self.found: list[Diagnostic] = []
        self._about = f"{document.kind} " + "/".join(
            part for part in (document.namespace, document.name) if part
        )

    @property
    def refused(self) -> bool:
        """Say whether a finding refuses the object; a stop that has a reading leaves it to be decided."""
        return any(item.refuses and item.code not in READINGS for item in self.found)

    def add(self, code: str, path: Path, **fills: object) -> None:
        """Note one finding at a path."""
        text = ".".join(str(p) for p in path).replace(".[", "[")
        self.found.append(diagnostic(code, self.document.at(*path), about=self._about, path=text, **fills))

    def refuse(self, path: Path, reason: str) -> None:
        """Note a rule that Calico would not accept."""
        self.add("CAL-P105", path, reason=reason)

    def named(self) -> None:
        """Note a name or a namespace that Kubernetes does not take, so that no cluster can hold the object."""
        name, namespace = self.document.name, self.document.namespace
        if not name:
            self.refuse(("metadata",), "metadata.name is missing")
        elif len(name) > MAX_NAME or not _NAME.match(name):
            self.refuse(("metadata", "name"), f"{name!r} is no name that Kubernetes takes")
        if namespace and (len(namespace) > MAX_NAMESPACE or not _NAMESPACE.match(namespace)):
            self.refuse(("metadata", "namespace"), f"{namespace!r} is no namespace that Kubernetes takes")

    def wrong_type(self, path: Path, value: object, wanted: str) -> None:
        """Note a value of the wrong type."""
        self.add("CAL-P119", path, found=_type_name(value), wanted=wanted)

    def mapping(self, value: object, path: Path) -> Mapping[str, Any]:
        """Give a map; nothing or null is an empty one."""
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self.wrong_type(path, value, "a map")
        return {}

    def sequence(self, value: object, path: Path) -> Sequence[Any]:
        """Give a list; nothing or null is an empty one."""
        if value is None:
            return []
        if isinstance(value, list | tuple):
            return value
        self.wrong_type(path, value, "a list")
        return []

    def text(self, value: object, path: Path) -> str:
        """Give a text; nothing or null is an empty one."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        self.wrong_type(path, value, "text")
        return ""

    def boolean(self, value: object, path: Path) -> bool:
        """Give true or false; nothing or null is false."""
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong_type(path, value, "true or false")
        return False

    def number(self, value: object, path: Path) -> float | None:
        """Give a number; nothing or null is None."""
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self.wrong_type(path, value, "a number")
        return None

    def integer(self, value: object, path: Path, low: int, high: int) -> int | None:
        """Give an integer within closed bounds; nothing or null is None."""
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong_type(path, value, "an integer")
            return None
        if not low <= value <= high:
            self.refuse(path, f"{path[-1]} is {value}, {low} to {high} is possible")
            return None
        return value

    def selector(self, value: object, path: Path) -> Node | None:
        """Give the tree of a selector; nothing, null or an empty text is None."""
        text = self.text(value, path)
        if not text:
            return None
        try:
            return parse(text)
        except SelectorError as error:
            code = "CAL-S202" if error.newline else "CAL-S201"
            self.add(code, path, text=text, error=str(error), col=error.column)
            return None

    def known(self, value: Mapping[str, Any], allowed: Collection[str], path: Path) -> None:
        """Note every key that open source Calico does not have."""
        for key in value:
            if key not in allowed:
                self.add("CAL-P103", (*path, key))


def _type_name(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    if value is None:
        return "nothing"
    return names.get(type(value), "a map")
