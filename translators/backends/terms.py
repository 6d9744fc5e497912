"""Write label fields of a cube back as selector terms of Cilium.

A field that keeps *other* becomes NotIn (with Exists where *absent* is out), one without becomes In, *absent*
alone DoesNotExist; *absent* beside named values needs two terms (``expansion.md`` §2). A term never selects
more than pods: where nothing else pins the namespace, ``io.kubernetes.pod.namespace Exists`` is written out
(``translation.md`` §6 rules 5, 6, 18).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from translators.algebra.space import ABSENT, OTHER, Field, SideName, Space

__all__ = ["NAMESPACE_KEY", "Requirement", "own_namespace", "selector", "terms", "without_namespace"]

NAMESPACE_KEY = "io.kubernetes.pod.namespace"
ACCOUNT_KEY = "io.cilium.k8s.policy.serviceaccount"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."


class Requirement(NamedTuple):
    """One requirement of a selector; ``operator`` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


def own_namespace(space: Space, cube: int, side: SideName) -> str | None:
    """Give the one namespace that a cube is limited to, None if it is not limited to one."""
    field = space.field(side, "namespace")
    if (cube & field.mask).bit_count() != 1:
        return None
    (value,) = field.values(cube)
    return None if value == OTHER else str(value)


def terms(
    space: Space, cube: int, side: SideName, home: str | None, *, subject: bool
) -> list[dict[str, object]]:
    """Give the selectors whose union is the cube's side; ``home`` is the namespace of a CNP, else None.

    In a CNP a subject never names its namespace (rule 19), and a peer of the same one need not.
    """
    fields = [f for f in space.fields if f.name[0] == side and f.name[1] != "namespace"]
    choices = [_alternatives(f, cube) for f in fields]
    place = _namespace(space, cube, side)
    local = home is not None and own_namespace(space, cube, side) == home
    result = []
    for choice in product(*choices):
        requirements = [r for part in choice for r in part]
        named = any(r.key.startswith(NAMESPACE_LABELS) for r in requirements)
        omitted = local and (subject or not named)
        result.append(selector([*(() if omitted else place), *requirements]))
    return result


def _namespace(space: Space, cube: int, side: SideName) -> tuple[Requirement, ...]:
    field = space.field(side, "namespace")
    exists = Requirement(NAMESPACE_KEY, "Exists")
    if cube & field.mask == field.mask:
        return (exists,)
    listed = _alternatives(field, cube)[0]
    return (exists, *listed) if listed[0].operator == "NotIn" else listed


def _alternatives(field: Field, cube: int) -> list[tuple[Requirement, ...]]:
    """Give the ways to say one field, ORed; each is ANDed in itself."""
    if cube & field.mask == field.mask:
        return [()]
    key = _key(field)
    held = field.values(cube)
    named = tuple(str(v) for v in held if v not in {ABSENT, OTHER})
    absent = ABSENT in held or ABSENT not in field.bits
    if OTHER in held:
        missing = tuple(str(v) for v in field.bits if v not in held and v not in {ABSENT, OTHER})
        parts = [] if absent else [Requirement(key, "Exists")]
        if missing:
            parts.append(Requirement(key, "NotIn", missing))
        return [tuple(parts)]
    result: list[tuple[Requirement, ...]] = []
    if ABSENT in held:
        result.append((Requirement(key, "DoesNotExist"),))
    if named:
        result.append((Requirement(key, "In", named),))
    return result


def _key(field: Field) -> str:
    match field.name[1]:
        case "namespace":
            return NAMESPACE_KEY
        case "account":
            return ACCOUNT_KEY
        case "nslabel":
            return NAMESPACE_LABELS + field.name[2]
    return field.name[2]


def without_namespace(term: dict[str, object]) -> dict[str, object]:
    """Give a subject's term for nodes, which have no namespace."""
    expressions = term.get("matchExpressions")
    if not isinstance(expressions, list):
        return term
    left = [e for e in expressions if e.get("key") != NAMESPACE_KEY]
    rest = {key: value for key, value in term.items() if key != "matchExpressions"}
    return {**rest, "matchExpressions": left} if left else rest


def selector(requirements: Iterable[Requirement]) -> dict[str, object]:
    """Give a label selector: a single wanted value as matchLabels, all else as matchExpressions."""
    labels: dict[str, str] = {}
    expressions: list[dict[str, object]] = []
    for item in requirements:
        if item.operator == "In" and len(item.values) == 1:
            labels[item.key] = item.values[0]
            continue
        expression: dict[str, object] = {"key": item.key, "operator": item.operator}
        if item.values:
            expression["values"] = list(item.values)
        expressions.append(expression)
    result: dict[str, object] = {}
    if labels:
        result["matchLabels"] = labels
    if expressions:
        result["matchExpressions"] = expressions
    return result
