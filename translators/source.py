"""Bytes in, documents with positions out: YAML and JSON as a cluster reads them, nothing guessed.

Scalars are resolved as Kubernetes' own YAML reader does, which differs from YAML 1.1 where it hurts: ``22:53``
is text, not a number of base 60. Duplicate keys, deep nesting and runaway aliases are refused; a template is
named, never half-read. Reading never raises for any input: what is wrong is a diagnostic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from translators.diagnostics import Diagnostic, diagnostic
from translators.span import Span

__all__ = ["Document", "Reading", "from_object", "read"]

MAX_DEPTH = 100
MAX_NODES = 4_000_000
MAX_SCALAR = 4 * 1024 * 1024
_PLACED = ("Policy", "Tier", "NetworkSet", "HostEndpoint", "Profile", "CIDRGroup", "Config")
"""Kinds of which positions inside are asked; of all others, pods above all, the nodes are let go."""
_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_OCTAL = re.compile(r"0o?[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})

_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Composes nodes without guessing what plain scalars mean: that is done here, and half the time is saved."""


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object: plain data, and where each of its values stands.

    ``node`` is the YAML node that positions are looked up in; None where the object came without a text.
    """

    data: Mapping[str, Any]
    span: Span
    node: Any = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> str:
        """Give ``kind``, or an empty text."""
        return str(self.data.get("kind") or "")

    @property
    def api_version(self) -> str:
        """Give ``apiVersion``, or an empty text."""
        return str(self.data.get("apiVersion") or "")

    @property
    def group(self) -> str:
        """Give the API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Give ``metadata``, or an empty map."""
        found = self.data.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def name(self) -> str:
        """Give ``metadata.name``, or an empty text."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Give ``metadata.namespace``, or an empty text."""
        return str(self.metadata.get("namespace") or "")

    def at(self, *path: str | int) -> Span:
        """Give the place of the value at ``path``, or of its nearest ancestor that is there."""
        node, found = self.node, self.span
        for step in path:
            node = _child(node, step)
            if node is None:
                break
            mark = node.start_mark
            found = Span(self.span.file, mark.line + 1, mark.column + 1)
        return found

    def written_plain(self, *path: str | int) -> bool:
        """Say whether the value at ``path`` is a scalar that was written without quotes."""
        node = self.node
        for step in path:
            node = _child(node, step)
        return isinstance(node, yaml.ScalarNode) and not node.style


@dataclass(slots=True)
class Reading:
    """What one file gave: documents in order, findings, and how many documents were no Kubernetes objects."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    others: int = 0


class _Refused(Exception):  # leaves this module as a diagnostic, never as an error
    def __init__(self, found: Diagnostic) -> None:
        super().__init__(found.message)
        self.found = found


def from_object(data: Mapping[str, Any], name: str = "<object>") -> Document:
    """Give a document for an object that came without a text; every position is the object itself."""
    return Document(data, Span(name))


def read(name: str, content: bytes) -> Reading:
    """Read every Kubernetes object of one file; ``List`` kinds are flattened.

    Documents before a broken one are kept; after it nothing can be told apart, so the rest is named as unread.
    """
    reading = Reading()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.diagnostics.append(_unreadable(name, line, 1, "it is not UTF-8"))
        return reading
    if text.lstrip()[:1] in {"{", "["} and (found := _json(text)) is not None:
        _collect(reading, name, found, None)
        return reading
    _read_yaml(reading, name, text)
    return reading


def _json(text: str) -> Any:  # noqa: ANN401  # any JSON value
    """Give the value of a JSON text without positions, None where it is not plain JSON."""
    if len(text) < 2_000_000:
        return None
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        message = "duplicate key"
        raise ValueError(message)
    return result


def _read_yaml(reading: Reading, name: str, text: str) -> None:
    loader = None
    try:
        loader = _LOADER(text)
        while loader.check_node():
            node = loader.get_node()
            builder = _Builder(name)
            try:
                data = builder.build(node, 0)
            except _Refused as refused:
                odd_key = refused.found.code == "CAL-P101"
                reading.diagnostics.append((odd_key and _template_in(name, text)) or refused.found)
                continue
            _collect(reading, name, data, node)
    except yaml.YAMLError as error:
        reading.diagnostics.append(_broken(name, text, error))
    except (RecursionError, ValueError, OverflowError) as error:
        reading.diagnostics.append(_unreadable(name, 1, 1, str(error)[:80] or "nested too deeply"))
    finally:
        if loader is not None:
            loader.dispose()


def _template_in(name: str, text: str) -> Diagnostic | None:
    """Say that a text that is no YAML is a template; ``{{ x }}`` alone is a map whose key is a map."""
    template = _TEMPLATE.search(text)
    if template is None:
        return None
    where = Span(name, text.count("\n", 0, template.start()) + 1, 1)
    return diagnostic("CAL-P117", where, file=name, mark=template[0])


def _broken(name: str, text: str, error: yaml.YAMLError) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    if found := _template_in(name, text):
        return found
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    return _unreadable(name, line, mark.column + 1 if mark else 1, reason)


def _unreadable(name: str, line: int, column: int, reason: str) -> Diagnostic:
    found = diagnostic("CAL-P101", Span(name, line, column), file=name, line=line)
    message = f"{found.message.removesuffix('.')}: {reason}."
    return Diagnostic(found.code, found.span, message, found.remedy, found.severity)


def _collect(reading: Reading, name: str, data: object, node: Any) -> None:  # noqa: ANN401  # YAML node
    if data is None:
        return
    if isinstance(data, list):
        for index, item in enumerate(data):
            _collect(reading, name, item, _child(node, index))
        return
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str) or "apiVersion" not in data:
        reading.others += 1
        return
    if data["kind"].endswith("List") and isinstance(data.get("items"), list):
        items = _child(node, "items")
        kind, version = data["kind"].removesuffix("List"), data["apiVersion"]
        for index, item in enumerate(data["items"]):
            typed = item
            if kind and isinstance(item, dict) and "kind" not in item:
                typed = {"apiVersion": version, "kind": kind, **item}
            _collect(reading, name, typed, _child(items, index))
        return
    mark = node.start_mark if node is not None else None
    span = Span(name, mark.line + 1, mark.column + 1) if mark else Span(name)
    placed = node if data["kind"].endswith(_PLACED) else None
    reading.documents.append(Document(data, span, placed))


def _word(node: Any) -> str | None:  # noqa: ANN401  # YAML nodes are untyped
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _child(node: Any, step: str | int) -> Any:  # noqa: ANN401  # YAML nodes are untyped
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


class _Builder:
    """Builds plain data from one document's nodes, counting what aliases multiply."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0

    def build(self, node: Any, depth: int) -> Any:  # noqa: ANN401  # plain data of any type
        self._seen += 1
        if depth > MAX_DEPTH:
            raise _Refused(self._refusal(node, "it is nested too deeply"))
        if self._seen > MAX_NODES:
            raise _Refused(self._refusal(node, "its aliases expand without end"))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:  # noqa: ANN401  # YAML node
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in self._pairs(node):
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(self._refusal(key_node, "a key is not a word"))
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in result:
                span = Span(self._name, line, key_node.start_mark.column + 1)
                raise _Refused(diagnostic("CAL-P118", span, path=key, a=lines[key], b=line))
            result[key] = self.build(value_node, depth + 1)
            lines[key] = line
        return result

    def _pairs(self, node: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401  # YAML node
        """Give the pairs, those of a merge key ``<<`` first where the map does not override them."""
        merged: list[tuple[Any, Any]] = []
        own: list[tuple[Any, Any]] = []
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style:
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in sources:
                    if isinstance(source, yaml.MappingNode):
                        merged.extend(source.value)
            else:
                own.append((key, value))
        names = {key.value for key, _ in own if isinstance(key, yaml.ScalarNode)}
        return [*(pair for pair in merged if _word(pair[0]) not in names), *own]

    def _scalar(self, node: Any) -> Any:  # noqa: ANN401  # plain data of any type
        if len(node.value) > MAX_SCALAR:
            raise _Refused(self._refusal(node, "a value is too long"))
        return node.value if node.style else resolve(node.value)

    def _refusal(self, node: Any, reason: str) -> Diagnostic:  # noqa: ANN401  # YAML node
        mark = node.start_mark
        return _unreadable(self._name, mark.line + 1, mark.column + 1, reason)


def resolve(text: str) -> str | int | float | bool | None:
    """Read a plain scalar as Kubernetes does (``sigs.k8s.io/yaml``): no base 60, no dates, no merging."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] in "+-.0123456789" and len(text) <= 64:
        if _INT.match(text):
            return int(text)
        if _OCTAL.match(text):
            return int(text.replace("o", ""), 8)
        if _HEX.match(text):
            return int(text, 16)
        if _FLOAT.match(text):
            return float(text)
    return text


def iterate(documents: Iterable[Document | Mapping[str, Any]]) -> Iterator[Document]:
    """Give documents for what may be plain objects: the form that the public functions take."""
    for item in documents:
        yield item if isinstance(item, Document) else from_object(item)
