"""YAML as a cluster reads it: nodes with their places, and plain data in which nothing is guessed.

Scalars are resolved as Kubernetes' own reader does, which differs from YAML 1.1 where it hurts: ``22:53`` is text,
not a number of base 60. Duplicate keys, deep nesting and runaway aliases are refused; a template is named, never
half-read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from translators.diagnostics import Diagnostic, diagnostic
from translators.span import Span

__all__ = ["MAX_DEPTH", "child", "composed", "documents", "is_plain", "resolve", "template_in", "unreadable"]

MAX_DEPTH = 100
MAX_NODES = 4_000_000
MAX_SCALAR = 4 * 1024 * 1024
_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_OCTAL = re.compile(r"0o?[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_PARSER: type = getattr(yaml.cyaml, "CParser", object) if hasattr(yaml, "cyaml") else object


class _CLoader(_PARSER):  # type: ignore[misc]  # the C parser has no types
    """Composes nodes and leaves their tags alone: what plain scalars mean is said by ``resolve``."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:
        del kind, value, implicit
        return ""

    def descend_resolver(self, current_node: object, current_index: object) -> None:
        """Tags do not depend on the path."""

    def ascend_resolver(self) -> None:
        """Tags do not depend on the path."""


_LOADER: type = _CLoader if _PARSER is not object else yaml.BaseLoader


class _Refused(Exception):  # leaves this module as a diagnostic, never as an error
    def __init__(self, found: Diagnostic) -> None:
        super().__init__(found.message)
        self.found = found


def documents(name: str, text: str) -> Iterator[tuple[Any, Any] | Diagnostic]:
    """Give (data, node) of each document, or what is wrong with it.

    Documents before a broken one are given; after it nothing can be told apart, so the rest is named as unread.
    """
    loader = None
    try:
        loader = _LOADER(text)
        while loader.check_node():
            node = loader.get_node()
            try:
                yield _Builder(name).build(node, 0), node
            except _Refused as refused:
                odd_key = refused.found.code == "CAL-P101"
                yield (odd_key and template_in(name, text)) or refused.found
    except yaml.YAMLError as error:
        yield _broken(name, text, error)
    except (RecursionError, ValueError, OverflowError) as error:
        yield unreadable(name, 1, 1, str(error)[:80] or "nested too deeply")
    finally:
        if loader is not None:
            loader.dispose()


def composed(text: str) -> Any:  # noqa: ANN401  # YAML nodes are untyped
    """Give the node of a text of one document, None where it cannot be composed."""
    loader = None
    try:
        loader = _LOADER(text)
        return loader.get_single_node()
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    finally:
        if loader is not None:
            loader.dispose()


def child(node: Any, step: str | int) -> Any:  # noqa: ANN401  # YAML nodes are untyped
    """Give the node of a key or of a place in a list, None where there is none."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


def is_plain(node: object) -> bool:
    """Say whether a node is a scalar that was written without quotes."""
    return isinstance(node, yaml.ScalarNode) and not node.style


def template_in(name: str, text: str) -> Diagnostic | None:
    """Say that a text is a template, where it holds the marks of one; ``{{ x }}`` alone is a map whose key is a map."""
    template = _TEMPLATE.search(text)
    if template is None:
        return None
    where = Span(name, text.count("\n", 0, template.start()) + 1, 1)
    return diagnostic("CAL-P117", where, file=name, mark=template[0])


def _broken(name: str, text: str, error: yaml.YAMLError) -> Diagnostic:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    if found := template_in(name, text):
        return found
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    return unreadable(name, line, mark.column + 1 if mark else 1, reason)


def unreadable(name: str, line: int, column: int, reason: str) -> Diagnostic:
    """Give the finding that a file cannot be read from a place on, and why."""
    found = diagnostic("CAL-P101", Span(name, line, column), file=name, line=line or 1)
    message = f"{found.message.removesuffix('.')}: {reason}."
    return Diagnostic(found.code, found.span, message, found.remedy, found.severity)


def _word(node: Any) -> str | None:  # noqa: ANN401  # YAML nodes are untyped
    return node.value if isinstance(node, yaml.ScalarNode) else None


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
        return self._mapping(self._pairs(node), depth)

    def _mapping(self, pairs: list[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        self._seen += len(pairs)
        for key_node, value_node in pairs:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(self._refusal(key_node, "a key is not a word"))
            result[key_node.value] = (
                self._scalar(value_node)
                if isinstance(value_node, yaml.ScalarNode)
                else self.build(value_node, depth + 1)
            )
        if len(result) < len(pairs):
            raise _Refused(self._twice(pairs))
        return result

    def _twice(self, pairs: list[tuple[Any, Any]]) -> Diagnostic:
        """Name the first key that comes a second time, with both lines."""
        known: dict[str, Any] = {}
        second = next(key for key, _ in pairs if known.setdefault(key.value, key) is not key)
        first, line = known[second.value], second.start_mark.line + 1
        span = Span(self._name, line, second.start_mark.column + 1)
        return diagnostic("CAL-P118", span, path=second.value, a=first.start_mark.line + 1, b=line)

    def _pairs(self, node: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # YAML node
        """Give the pairs, those of a merge key ``<<`` first where the map does not override them."""
        if not any(_word(key) == "<<" for key, _ in node.value):
            return node.value  # type: ignore[no-any-return]  # a list of pairs of nodes
        merged: list[tuple[Any, Any]] = []
        own: list[tuple[Any, Any]] = []
        for key, value in node.value:
            if _word(key) == "<<" and not key.style:
                merged.extend(_merged(value))
            else:
                own.append((key, value))
        names = {_word(key) for key, _ in own}
        return [*(pair for pair in merged if _word(pair[0]) not in names), *own]

    def _scalar(self, node: Any) -> Any:  # noqa: ANN401  # plain data of any type
        if len(node.value) > MAX_SCALAR:
            raise _Refused(self._refusal(node, "a value is too long"))
        return node.value if node.style else resolve(node.value)

    def _refusal(self, node: Any, reason: str) -> Diagnostic:  # noqa: ANN401  # YAML node
        mark = node.start_mark
        return unreadable(self._name, mark.line + 1, mark.column + 1, reason)


def _merged(value: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401  # YAML node
    sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return [pair for source in sources if isinstance(source, yaml.MappingNode) for pair in source.value]


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
