"""Read rules of Calico's own form and give each selector its scope (``calico.md`` §6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.algebra.cidrs import Cidr, parse_cidr
from translators.flows import PROTOCOLS, Direction
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.selectors.parser import parse
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedRule
from translators.source import Document

__all__ = ["port_list", "subject_of", "v3_rules"]

NAMESPACE = "projectcalico.org/namespace"
ACCOUNT = "projectcalico.org/serviceaccount"
_NUMBERS = {name.lower(): number for name, number in PROTOCOLS.items()}


def subject_of(spec: Mapping[str, Any], namespace: str) -> Node:
    """Give whom a policy selects; the text ``all()`` is rewritten as Calico does it."""
    written = spec.get("selector") or ""
    parts: list[Node] = [parse(written)] if written else []
    if namespace:
        parts.append(Compare(NAMESPACE, "==", namespace))
    elif spec.get("namespaceSelector"):
        parts.append(_rename(parse(spec["namespaceSelector"]), "pcns."))
        parts = [_put_for_all(part, Has(NAMESPACE)) for part in parts]
    if spec.get("serviceAccountSelector"):
        parts.append(_rename(parse(spec["serviceAccountSelector"]), "pcsa."))
        if not namespace:
            parts = [_put_for_all(part, Has(ACCOUNT)) for part in parts]
    return _all_of(parts) or All()


def v3_rules(
    document: Document, spec: Mapping[str, Any], direction: Direction, namespace: str
) -> tuple[ScopedRule, ...]:
    """Give the rules of one direction; ``namespace`` is empty for a cluster-wide policy."""
    return tuple(
        _rule(document, item, (direction.value, index), namespace)
        for index, item in enumerate(spec.get(direction.value) or [])
    )


def _rule(document: Document, item: Mapping[str, Any], place: tuple[str, int], namespace: str) -> ScopedRule:
    source = _entity(item.get("source") or {}, namespace)
    destination = _entity(item.get("destination") or {}, namespace)
    protocol = _protocol(item.get("protocol"))
    families = {4, 6}
    if item.get("ipVersion"):
        families &= {item["ipVersion"]}
    families &= {1: {4}, 58: {6}}.get(protocol or 0, {4, 6})
    for net in (*source.nets, *source.not_nets, *destination.nets, *destination.not_nets):
        families &= {net.family}
    return ScopedRule(
        action=str(item["action"]).lower(),
        index=place[1],
        span=document.at("spec", *place),
        families=frozenset(families),
        protocol=protocol,
        not_protocol=_protocol(item.get("notProtocol")),
        icmp=_icmp(item.get("icmp")),
        not_icmp=_icmp(item.get("notICMP")),
        source=source,
        destination=destination,
    )


def _entity(data: Mapping[str, Any], namespace: str) -> ScopedEntity:
    accounts = data.get("serviceAccounts") or {}
    wanted: list[Node] = []
    if accounts.get("names"):
        wanted.append(In(ACCOUNT, frozenset(name or "" for name in accounts["names"])))
    if accounts.get("selector"):
        wanted.append(_rename(parse(accounts["selector"]), "pcsa."))
    if data.get("selector"):
        wanted.append(parse(data["selector"]))
    negative = parse(data["notSelector"]) if data.get("notSelector") else None
    scope = _scope(data, namespace)
    if scope is not None and (wanted or negative or data.get("namespaceSelector")):
        wanted.insert(0, scope)
    positive = _all_of(wanted)
    if positive is not None and negative is not None:
        positive, negative = And((positive, Not(negative))), None
    service = data.get("services")
    return ScopedEntity(
        positive=positive,
        negative=negative,
        nets=_nets(data.get("nets")),
        not_nets=_nets(data.get("notNets")),
        service=(service.get("namespace") or "", service["name"]) if service else None,
        ports=port_list(data.get("ports")),
        not_ports=port_list(data.get("notPorts")),
    )


def _scope(data: Mapping[str, Any], namespace: str) -> Node | None:
    if data.get("namespaceSelector"):
        scope = _put_for_all(_rename(parse(data["namespaceSelector"]), "pcns."), Has(NAMESPACE))
        return _put_for_global(scope)
    return Compare(NAMESPACE, "==", namespace) if namespace else None


def _all_of(parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(tuple(parts))


def _rename(node: Node, prefix: str) -> Node:
    match node:
        case Has(key):
            return Has(prefix + key)
        case Compare(key, op, value):
            return Compare(prefix + key, op, value)
        case In(key, values, negated):
            return In(prefix + key, values, negated)
        case Not(operand):
            return Not(_rename(operand, prefix))
        case And(operands):
            return And(tuple(_rename(part, prefix) for part in operands))
        case Or(operands):
            return Or(tuple(_rename(part, prefix) for part in operands))
        case All() | Global():
            return node


def _put_for_all(node: Node, other: Node) -> Node:
    match node:
        case All():
            return other
        case Not(operand):
            return Not(_put_for_all(operand, other))
        case And(operands):
            return And(tuple(_put_for_all(part, other) for part in operands))
        case Or(operands):
            return Or(tuple(_put_for_all(part, other) for part in operands))
    return node


def _put_for_global(node: Node) -> Node:
    """``global()`` stands alone in a namespaceSelector or not at all."""
    return Not(Has(NAMESPACE)) if isinstance(node, Global) else node


def _nets(values: list[str] | None) -> tuple[Cidr, ...]:
    return tuple(parse_cidr(text) for text in values or [])


def port_list(values: list[int | str] | None) -> Ports:
    """Give closed ranges and names; a text of digits is a number, ``a:b`` a range."""
    result: list[tuple[int, int] | str] = []
    for value in values or []:
        first, colon, last = str(value).partition(":")
        if first.isdigit() and (not colon or last.isdigit()):
            result.append((int(first), int(last or first)))
        else:
            result.append(str(value))
    return tuple(result)


def _protocol(value: int | str | None) -> int | None:
    if value is None:
        return None
    text = str(value).lower()
    return _NUMBERS[text] if text in _NUMBERS else int(text)


def _icmp(data: Mapping[str, Any] | None) -> tuple[int, int | None] | None:
    if not data or data.get("type") is None:
        return None
    return (data["type"], data.get("code"))
