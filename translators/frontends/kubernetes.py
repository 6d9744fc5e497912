"""Read Kubernetes NetworkPolicies as Calico converts them: tier ``default``, order 1000, Allow rules only.

Source: projectcalico/calico ``libcalico-go/lib/backend/k8s/conversion/conversion.go``
(``K8sNetworkPolicyToCalico``). Every selector carries ``projectcalico.org/orchestrator == 'k8s'``, so it never
reaches network sets or host endpoints. One rule is made per peer and group of ports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from translators.algebra.cidrs import Cidr, parse_cidr
from translators.frontends.fields import Fields, Path
from translators.ir.policy import DEFAULT_TIER, Action, Entity, Policy, PolicyKind, PortRange, Rule
from translators.selectors.ast import And, Compare, Has, In, Node, Not
from translators.source import Document

__all__ = ["GROUP", "label_selector", "policy"]

GROUP = "networking.k8s.io"
ORDER = 1000.0
_K8S = Compare("projectcalico.org/orchestrator", "==", "k8s")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_PORT_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}\Z")
_PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}


def policy(document: Document) -> tuple[Policy | None, Fields]:
    """Give the policy of one document, None where it is refused, and what was found in it."""
    fields = Fields(document)
    spec = fields.mapping(document.data.get("spec"), ("spec",))
    fields.named()
    fields.known(spec, {"podSelector", "policyTypes", "ingress", "egress"}, ("spec",))
    namespace = document.namespace or "default"
    types = fields.sequence(spec.get("policyTypes"), ("spec", "policyTypes"))
    for index, item in enumerate(types):
        if item not in ("Ingress", "Egress"):
            path = ("spec", "policyTypes", index)
            fields.refuse(path, f"policyTypes holds {item!r}: Ingress or Egress is possible")
    has_egress = bool(spec.get("egress"))
    found = Policy(
        kind=PolicyKind.KUBERNETES_NETWORK_POLICY,
        namespace=namespace,
        name=document.name,
        tier=DEFAULT_TIER,
        order=ORDER,
        span=document.span,
        document=document,
        selector=And(
            (
                label_selector(fields, spec.get("podSelector"), ("spec", "podSelector")),
                Compare("projectcalico.org/namespace", "==", namespace),
            )
        ),
        ingress=_rules(fields, spec.get("ingress"), ("spec", "ingress"), namespace),
        egress=_rules(fields, spec.get("egress"), ("spec", "egress"), namespace),
        applies_ingress="Ingress" in types or not types,
        applies_egress="Egress" in types or (not types and has_egress),
    )
    return (None if fields.refused else found), fields


def label_selector(fields: Fields, value: object, path: Path, prefix: str = "") -> Node:
    """Give a Kubernetes label selector as Calico's, limited to pods; empty selects every pod."""
    data = fields.mapping(value, path)
    labels = fields.mapping(data.get("matchLabels"), (*path, "matchLabels"))
    parts: list[Node] = [_K8S]
    for key, wanted in sorted(labels.items()):
        text = _label_value(fields, wanted, (*path, "matchLabels", key))
        parts.append(Compare(prefix + key, "==", text))
    where = (*path, "matchExpressions")
    for index, item in enumerate(fields.sequence(data.get("matchExpressions"), where)):
        expression = fields.mapping(item, (*where, index))
        node = _expression(fields, expression, (*where, index), prefix)
        if node is not None:
            parts.append(node)
    return And(tuple(parts)) if len(parts) > 1 else parts[0]


def _label_value(fields: Fields, value: object, path: Path) -> str:
    """Give the value of a label; the API server takes no other (``k8s.io/apimachinery`` IsValidLabelValue)."""
    text = fields.text(value, path)
    if not _LABEL_VALUE.match(text):
        fields.refuse(path, f"{text!r} is no value of a label")
    return text


def _expression(fields: Fields, data: Mapping[str, Any], path: Path, prefix: str) -> Node | None:
    key = prefix + fields.text(data.get("key"), (*path, "key"))
    listed = fields.sequence(data.get("values"), (*path, "values"))
    values = frozenset(_label_value(fields, value, (*path, "values")) for value in listed)
    match data.get("operator"):
        case "In":
            return In(key, values)
        case "NotIn":
            return In(key, values, negated=True)
        case "Exists":
            return Has(key)
        case "DoesNotExist":
            return Not(Has(key))
    fields.refuse((*path, "operator"), f"operator {data.get('operator')!r} is unknown")
    return None


def _rules(fields: Fields, value: object, path: Path, namespace: str) -> tuple[Rule, ...]:
    result: list[Rule] = []
    for number, item in enumerate(fields.sequence(value, path)):
        where = (*path, number)
        data = fields.mapping(item, where)
        side = "from" if path[-1] == "ingress" else "to"
        fields.known(data, {side, "ports"}, where)
        span = fields.document.at(*where)
        peers = _peers(fields, data.get(side), (*where, side), namespace)
        for protocol, ports in _ports(fields, data.get("ports"), (*where, "ports")):
            for peer in peers:
                entity = _with_ports(peer, ports, ingress=side == "from")
                result.append(
                    Rule(Action.ALLOW, len(result), span, protocol=protocol, source=entity[0],
                         destination=entity[1])
                )  # fmt: skip
    return tuple(result)


def _with_ports(peer: Entity, ports: tuple[PortRange | str, ...], *, ingress: bool) -> tuple[Entity, Entity]:
    if ingress:
        return peer, Entity(ports=ports)
    return Entity(), Entity(
        nets=peer.nets,
        not_nets=peer.not_nets,
        selector=peer.selector,
        namespace_selector=peer.namespace_selector,
        ports=ports,
    )


def _peers(fields: Fields, value: object, path: Path, namespace: str) -> list[Entity]:
    items = fields.sequence(value, path)
    if not items:
        return [Entity()]
    found = []
    for index, item in enumerate(items):
        where = (*path, index)
        data = fields.mapping(item, where)
        fields.known(data, {"podSelector", "namespaceSelector", "ipBlock"}, where)
        if "ipBlock" in data:
            found.append(_block(fields, data["ipBlock"], (*where, "ipBlock")))
        else:
            found.append(_selected(fields, data, where, namespace))
    return found


def _selected(fields: Fields, data: Mapping[str, Any], path: Path, namespace: str) -> Entity:
    """Pods of the own namespace, unless a namespaceSelector (an empty one: all) says otherwise."""
    pods = label_selector(fields, data.get("podSelector"), (*path, "podSelector"))
    if data.get("namespaceSelector") is None:
        return Entity(selector=And((pods, Compare("projectcalico.org/namespace", "==", namespace))))
    where = (*path, "namespaceSelector")
    places = label_selector(fields, data["namespaceSelector"], where, "pcns.")
    return Entity(selector=And((pods, places)))


def _block(fields: Fields, value: object, path: Path) -> Entity:
    data = fields.mapping(value, path)
    net = _net(fields, data.get("cidr"), (*path, "cidr"))
    where = (*path, "except")
    listed = fields.sequence(data.get("except"), where)
    holes = [_net(fields, item, (*where, i)) for i, item in enumerate(listed)]
    return Entity(nets=(net,) if net else (), not_nets=tuple(hole for hole in holes if hole))


def _net(fields: Fields, value: object, path: Path) -> Cidr | None:
    try:
        return parse_cidr(fields.text(value, path))
    except ValueError:
        fields.refuse(path, f"{value!r} is not a network such as 10.0.0.0/8")
        return None


def _ports(
    fields: Fields, value: object, path: Path
) -> Iterator[tuple[int | None, tuple[PortRange | str, ...]]]:
    items: Sequence[Any] = fields.sequence(value, path)
    if not items:
        yield None, ()
        return
    grouped: dict[int, list[PortRange | str]] = {}
    whole: dict[int, None] = {}
    for index, item in enumerate(items):
        data = fields.mapping(item, (*path, index))
        protocol = _PROTOCOLS.get(str(data.get("protocol") or "TCP"))
        if protocol is None:
            fields.refuse((*path, index, "protocol"), f"protocol {data['protocol']!r} is unknown")
            continue
        port = _port(fields, data, (*path, index))
        if port is None:
            whole[protocol] = None
        else:
            grouped.setdefault(protocol, []).append(port)
    names = {number: name for name, number in _PROTOCOLS.items()}
    for protocol in sorted({*whole, *grouped}, key=names.__getitem__):
        yield protocol, () if protocol in whole else tuple(grouped[protocol])


def _port(fields: Fields, data: Mapping[str, Any], path: Path) -> PortRange | str | None:
    port = data.get("port")
    if port is None:
        return None
    if isinstance(port, str) and not port.isdigit():
        if _PORT_NAME.match(port):
            return port
        fields.refuse((*path, "port"), f"{port!r} is no name of a port")
        return None
    if not isinstance(port, int | str) or isinstance(port, bool) or not 1 <= int(port) <= 65535:
        fields.refuse((*path, "port"), f"port {port!r} is not within 1 to 65535")
        return None
    last = fields.integer(data.get("endPort"), (*path, "endPort"), int(port), 65535)
    return PortRange(int(port), last or int(port))
