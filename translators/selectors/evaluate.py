"""Evaluate a selector on a concrete label set: for network sets and host endpoints, whose labels are given.

Source: projectcalico/calico ``libcalico-go/lib/selector/parser/ast.go``: a missing label makes ``!=`` and
``not in`` true and every other comparison false.
"""

from __future__ import annotations

from collections.abc import Mapping

from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or

__all__ = ["compare", "matches"]


def matches(node: Node, labels: Mapping[str, str]) -> bool:
    """Say whether the selector holds for the label set."""
    match node:
        case All() | Global():
            return True
        case Has(key):
            return key in labels
        case Compare(key, op, value):
            return compare(op, labels.get(key), value)
        case In(key, values, negated):
            return (labels.get(key) in values) is not negated
        case Not(operand):
            return not matches(operand, labels)
        case And(operands):
            return all(matches(part, labels) for part in operands)
        case Or(operands):
            return any(matches(part, labels) for part in operands)


def compare(op: str, found: str | None, value: str) -> bool:
    """Apply one comparison to a label's value, None where the label is missing."""
    if op == "!=":
        return found != value
    if found is None:
        return False
    match op:
        case "==":
            return found == value
        case "contains":
            return value in found
        case "starts with":
            return found.startswith(value)
        case "ends with":
            return found.endswith(value)
    message = f"unknown comparison {op!r}"
    raise ValueError(message)
