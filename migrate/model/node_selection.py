"""Which nodes a NodeSelector selects: the language of node affinity and of a volume's place.

A selector is a list of terms of which one must hold; a term holds if all its expressions and fields do.
Source: Kubernetes ``component-helpers/scheduling/corev1/nodeaffinity``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from migrate.model.fields import items, maps, text
from migrate.model.nodes import Node

__all__ = ["Terms", "selects_node"]

Terms = Sequence[Mapping[str, Any]]
"""``nodeSelectorTerms`` as they are written."""


def selects_node(terms: Terms, node: Node) -> bool:
    """Say whether one of the terms holds for the node; no term, or one that says nothing, selects no node."""
    return any(_term(term, node) for term in terms)


def _term(term: Mapping[str, Any], node: Node) -> bool:
    expressions, fields = list(maps(term, "matchExpressions")), list(maps(term, "matchFields"))
    if not expressions and not fields:
        return False
    named = {"metadata.name": node.name}
    return all(_holds(e, node.labels) for e in expressions) and all(_holds(f, named) for f in fields)


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = text(expression, "key"), [str(v) for v in items(expression, "values")]
    value = labels.get(key)
    match text(expression, "operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return _number(value) is not None and len(values) == 1 and _above(value, values[0])
        case "Lt":
            return _number(value) is not None and len(values) == 1 and _above(values[0], value)
    return False


def _number(value: str | None) -> int | None:
    try:
        return int(value or "")
    except ValueError:
        return None


def _above(left: str | None, right: str | None) -> bool:
    one, other = _number(left), _number(right)
    return one is not None and other is not None and one > other
