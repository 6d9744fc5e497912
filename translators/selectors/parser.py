"""Parse Calico's selector language: recursive descent over the tokens of ``lexer``.

Grammar and precedence: ``calico.md`` §4; source: projectcalico/calico
``libcalico-go/lib/selector/parser/parser.go``. An empty selector is ``all()``.
"""

from __future__ import annotations

from functools import lru_cache

from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.selectors.lexer import SelectorError, Token, tokens

__all__ = ["SelectorError", "parse"]

_COMPARISONS = frozenset({"==", "!=", "contains", "starts with", "ends with"})
MAX_DEPTH = 100


@lru_cache(maxsize=8192)
def parse(text: str) -> Node:
    """Give the syntax tree; raises ``SelectorError`` with the column (from 1) of what is wrong."""
    parser = _Parser(tokens(text))
    if parser.peek().kind == "end":
        return All()
    node = parser.disjunction(0)
    last = parser.peek()
    if last.kind != "end":
        raise SelectorError(f"unexpected {last.text!r}", last.column)
    return node


class _Parser:
    def __init__(self, stream: list[Token]) -> None:
        self._stream = stream
        self._next = 0

    def peek(self) -> Token:
        return self._stream[self._next]

    def take(self) -> Token:
        token = self._stream[self._next]
        self._next += 1
        return token

    def expect(self, kind: str) -> Token:
        token = self.take()
        if token.kind != kind:
            found = token.text or "the end"
            raise SelectorError(f"expected {kind}, found {found!r}", token.column)
        return token

    def disjunction(self, depth: int) -> Node:
        parts = [self._conjunction(depth)]
        while self.peek().kind == "||":
            self.take()
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, depth: int) -> Node:
        parts = [self._operation(depth)]
        while self.peek().kind == "&&":
            self.take()
            parts.append(self._operation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _operation(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise SelectorError("nested too deeply", self.peek().column)
        negated = False
        while self.peek().kind == "!":
            self.take()
            negated = not negated
        node = self._atom(depth)
        return Not(node) if negated else node

    def _atom(self, depth: int) -> Node:
        token = self.take()
        match token.kind:
            case "has":
                return Has(token.text)
            case "all":
                return All()
            case "global":
                return Global()
            case "(":
                node = self.disjunction(depth + 1)
                self.expect(")")
                return node
            case "label":
                return self._comparison(token.text)
        found = token.text or "the end"
        raise SelectorError(f"expected a label or a function, found {found!r}", token.column)

    def _comparison(self, key: str) -> Node:
        operator = self.take()
        if operator.kind in _COMPARISONS:
            return Compare(key, operator.kind, self.expect("string").text)
        if operator.kind in {"in", "not in"}:
            return In(key, self._values(), negated=operator.kind == "not in")
        found = operator.text or "the end"
        raise SelectorError(f"expected an operator after {key}, found {found!r}", operator.column)

    def _values(self) -> frozenset[str]:
        """Read ``{…}``: empty and a trailing comma are accepted."""
        self.expect("{")
        values = []
        while self.peek().kind == "string":
            values.append(self.take().text)
            if self.peek().kind != ",":
                break
            self.take()
        self.expect("}")
        return frozenset(values)
