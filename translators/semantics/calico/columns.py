"""Selectors asked of many label sets at once: an answer is an int whose bit *i* speaks of label set *i*.

The matrix evaluator's own reading of selectors; ``labels.selects``, which walks one label set, is the point
evaluator's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_

from translators.algebra.bitsets import bits_at
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or

__all__ = ["Columns", "named_keys"]

_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "starts with": str.startswith,
    "ends with": str.endswith,
}


class Columns:
    """An index from label to the sets that carry it; each distinct selector is worked out once."""

    def __init__(self, label_sets: Sequence[Mapping[str, str]]) -> None:
        """Index the sets; a value becomes bits only when a selector asks for it."""
        self._size = len(label_sets)
        self._everyone = (1 << self._size) - 1
        self._places: dict[str, dict[str, list[int]]] = {}
        for place, labels in enumerate(label_sets):
            for key, value in labels.items():
                self._places.setdefault(key, {}).setdefault(value, []).append(place)
        self._known: dict[Node, int] = {}

    def holding(self, node: Node) -> int:
        """Give the label sets that a selector matches; a missing label makes ``!=`` and ``not in`` true."""
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = self._worked_out(node)
        return known

    def _worked_out(self, node: Node) -> int:
        match node:
            case And(operands):
                return reduce(and_, map(self.holding, operands), self._everyone)
            case Or(operands):
                return reduce(or_, map(self.holding, operands), 0)
            case Not(operand):
                return self._everyone & ~self.holding(operand)
            case Has(key):
                return self._with(key, self._places.get(key, ()))
            case In(key, values, negated):
                found = self._with(key, values)
                return self._everyone & ~found if negated else found
            case Compare(key, op, value):
                return self._compared(key, op, value)
            case All() | Global():
                return self._everyone

    def _compared(self, key: str, op: str, value: str) -> int:
        if op == "==":
            return self._with(key, (value,))
        if op == "!=":
            return self._everyone & ~self._with(key, (value,))
        return self._with(key, [v for v in self._places.get(key, ()) if _TEXT[op](v, value)])

    def _with(self, key: str, values: Iterable[str]) -> int:
        places = self._places.get(key, {})
        return bits_at((place for value in values for place in places.get(value, ())), self._size)


def named_keys(nodes: Iterable[Node]) -> Iterator[str]:
    """Give every key that some of the selectors name."""
    for node in nodes:
        match node:
            case And(operands) | Or(operands):
                yield from named_keys(operands)
            case Not(operand):
                yield from named_keys((operand,))
            case Has(key) | In(key, _, _) | Compare(key, _, _):
                yield key
            case All() | Global():
                continue
