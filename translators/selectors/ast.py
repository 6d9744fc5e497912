"""The syntax tree of Calico's selector language: what the parser gives and the evaluators walk.

Source: projectcalico/calico ``libcalico-go/lib/selector/parser/ast.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["All", "And", "Compare", "Global", "Has", "In", "Node", "Not", "Or"]


@dataclass(frozen=True, slots=True)
class All:
    """``all()``, and the empty selector: true for everything."""


@dataclass(frozen=True, slots=True)
class Global:
    """``global()``: evaluates to true; its namespace meaning is given by the rewriting of scopes."""


@dataclass(frozen=True, slots=True)
class Has:
    """``has(label)``."""

    key: str


@dataclass(frozen=True, slots=True)
class Compare:
    """``label op 'value'``; ``op`` is one of ``==``, ``!=``, ``contains``, ``starts with``, ``ends with``.

    ``!=`` is true for a missing label, the others are false.
    """

    key: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class In:
    """``label in {…}`` or, negated, ``label not in {…}``: true for a missing label."""

    key: str
    values: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And:
    """All operands hold."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one operand holds."""

    operands: tuple[Node, ...]


type Node = All | Global | Has | Compare | In | Not | And | Or
