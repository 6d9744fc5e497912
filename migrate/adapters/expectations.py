"""Read a file of expectations: a YAML list of flat maps, each with a place to be named by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from migrate.errors import Failure
from translators.errors import InputError
from translators.expectations import Expectation, expectation
from translators.span import Span

__all__ = ["read_expectations"]

FORM = "- {from: shop/app=web, to: shop/app=db, port: 5432/TCP, expect: allow}"
_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Every scalar is text: a port such as 22:53 must not become a number."""


def read_expectations(path: str) -> list[Expectation]:
    """Give the expectations of a file; raises ``Failure`` with the first mistake and its place."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        listed = [
            item for document in yaml.compose_all(text, Loader=_LOADER) for item in _entries(path, document)
        ]
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", fix="check the path") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Failure(f"{path}:{line}:1: this is not UTF-8", fix="save it as UTF-8") from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
        raise Failure(f"{place}: this is no YAML", fix=FORM) from error
    if not listed:
        raise Failure(f"{path}:1:1: the file holds no expectation", fix=FORM)
    return [_read(node, span) for node, span in listed]


def _entries(path: str, document: Any) -> Iterator[tuple[Any, Span]]:  # noqa: ANN401  # YAML nodes are untyped
    if document is None:
        return
    if not isinstance(document, yaml.SequenceNode):
        mark = document.start_mark
        raise Failure(f"{path}:{mark.line + 1}:{mark.column + 1}: expectations are a list", fix=FORM)
    for item in document.value:
        yield item, Span(path, item.start_mark.line + 1, item.start_mark.column + 1)


def _read(node: Any, span: Span) -> Expectation:  # noqa: ANN401  # YAML node
    data: object = None
    if isinstance(node, yaml.MappingNode):
        keys = [getattr(key, "value", None) for key, _ in node.value]
        if len(set(map(str, keys))) != len(keys):
            raise Failure(f"{span}: a key stands twice", fix="keep one")
        data = {str(k.value): v.value if isinstance(v, yaml.ScalarNode) else "" for k, v in node.value}
    try:
        return expectation(data, span)
    except InputError as error:
        raise Failure(f"{span}: {error.what}", fix=error.fix) from error
