"""Read cluster-wide Kubernetes policies as Calico converts them: ClusterNetworkPolicy, and its two forerunners.

Tier and order come from the object: ``kube-admin`` or ``kube-baseline`` with the priority as order. A rule
that cannot be converted (domain names) denies everything if it is Deny or Pass, and is dropped if it accepts.
Unlike a NetworkPolicy's, a ``namespaces`` peer also reaches network sets (``calico.md`` §10).

Source: projectcalico/calico ``libcalico-go/lib/backend/k8s/conversion/clusternetworkpolicy.go``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from translators.algebra.cidrs import parse_cidr
from translators.frontends.fields import Fields, Path
from translators.ir.policy import Action, Entity, Policy, PolicyKind, PortRange, Rule
from translators.selectors.ast import All, And, Compare, Has, In, Node, Not
from translators.source import Document

__all__ = ["GROUP", "KINDS", "policy"]

GROUP = "policy.networking.k8s.io"
KINDS = {
    "ClusterNetworkPolicy": PolicyKind.CLUSTER_NETWORK_POLICY,
    "AdminNetworkPolicy": PolicyKind.ADMIN_NETWORK_POLICY,
    "BaselineAdminNetworkPolicy": PolicyKind.BASELINE_ADMIN_NETWORK_POLICY,
}
_ACTIONS = {"Accept": Action.ALLOW, "Allow": Action.ALLOW, "Deny": Action.DENY, "Pass": Action.PASS}
_PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_K8S = Compare("projectcalico.org/orchestrator", "==", "k8s")


def policy(document: Document) -> tuple[Policy | None, Fields]:
    """Give the policy of one document, None where it is refused, and what was found in it."""
    fields = Fields(document)
    spec = fields.mapping(document.data.get("spec"), ("spec",))
    fields.named()
    kind = KINDS[document.kind]
    tier, order = _place(fields, kind, spec)
    fields.add("CAL-K703" if kind is PolicyKind.CLUSTER_NETWORK_POLICY else "CAL-K707", (),
               kind=document.kind, name=document.name)  # fmt: skip
    ingress = _rules(fields, spec.get("ingress"), ("spec", "ingress"))
    egress = _rules(fields, spec.get("egress"), ("spec", "egress"))
    found = Policy(
        kind=kind,
        namespace=None,
        name=document.name,
        tier=tier,
        order=order,
        span=document.span,
        document=document,
        selector=_subject(fields, spec.get("subject"), ("spec", "subject")),
        ingress=ingress,
        egress=egress,
        applies_ingress=bool(ingress),
        applies_egress=bool(egress),
    )
    return (None if fields.refused else found), fields


def _place(fields: Fields, kind: PolicyKind, spec: Mapping[str, Any]) -> tuple[str, float]:
    if kind is PolicyKind.BASELINE_ADMIN_NETWORK_POLICY:
        return "baselineadminnetworkpolicy", 0.0
    priority = fields.integer(spec.get("priority"), ("spec", "priority"), 0, 1000) or 0
    if kind is PolicyKind.ADMIN_NETWORK_POLICY:
        return "adminnetworkpolicy", float(priority)
    tier = fields.text(spec.get("tier"), ("spec", "tier"))
    if tier not in {"Admin", "Baseline"}:
        fields.refuse(("spec", "tier"), f"tier is {tier!r}: Admin or Baseline is needed")
    return f"kube-{tier.lower()}", float(priority)


def _subject(fields: Fields, value: object, path: Path) -> Node:
    data = fields.mapping(value, path)
    if "pods" in data:
        pods = fields.mapping(data["pods"], (*path, "pods"))
        return _pods(fields, pods, (*path, "pods"))
    places = _labels(fields, data.get("namespaces"), (*path, "namespaces"), "pcns.")
    return And((_K8S, places))


def _pods(fields: Fields, data: Mapping[str, Any], path: Path) -> Node:
    places = _labels(fields, data.get("namespaceSelector"), (*path, "namespaceSelector"), "pcns.")
    labels = _labels(fields, data.get("podSelector"), (*path, "podSelector"), "")
    return And((_K8S, places, labels))


def _labels(fields: Fields, value: object, path: Path, prefix: str) -> Node:
    data = fields.mapping(value, path)
    parts: list[Node] = [
        Compare(prefix + key, "==", fields.text(wanted, (*path, "matchLabels", key)))
        for key, wanted in sorted(fields.mapping(data.get("matchLabels"), path).items())
    ]
    where = (*path, "matchExpressions")
    for index, item in enumerate(fields.sequence(data.get("matchExpressions"), where)):
        expression = fields.mapping(item, (*where, index))
        key = prefix + fields.text(expression.get("key"), (*where, index, "key"))
        values = frozenset(str(v) for v in fields.sequence(expression.get("values"), where))
        match expression.get("operator"):
            case "In":
                parts.append(In(key, values))
            case "NotIn":
                parts.append(In(key, values, negated=True))
            case "Exists":
                parts.append(Has(key))
            case "DoesNotExist":
                parts.append(Not(Has(key)))
            case other:
                fields.refuse((*where, index, "operator"), f"operator {other!r} is unknown")
    return And(tuple(parts)) if parts else All()


def _rules(fields: Fields, value: object, path: Path) -> tuple[Rule, ...]:
    result: list[Rule] = []
    for number, item in enumerate(fields.sequence(value, path)):
        where = (*path, number)
        data = fields.mapping(item, where)
        action = _ACTIONS.get(fields.text(data.get("action"), (*where, "action")))
        if action is None:
            fields.refuse((*where, "action"), f"action {data.get('action')!r} is unknown")
            continue
        for peer, protocol, ports in _matches(fields, data, where, action):
            ends = _ends(peer, ports, ingress=path[-1] == "ingress")
            span = fields.document.at(*where)
            result.append(
                Rule(action, len(result), span, protocol=protocol, source=ends[0], destination=ends[1])
            )
    return tuple(result)


def _matches(
    fields: Fields, data: Mapping[str, Any], path: Path, action: Action
) -> Iterator[tuple[Entity, int | None, tuple[PortRange | str, ...]]]:
    side = "from" if "from" in data else "to"
    peers = [
        _peer(fields, fields.mapping(item, (*path, side, i)), (*path, side, i))
        for i, item in enumerate(fields.sequence(data.get(side), (*path, side)))
    ]
    if None in peers:
        outcome = "nothing" if action is Action.ALLOW else "Deny all"
        fields.add("CAL-K706", path, choice=outcome)
        if action is not Action.ALLOW:
            yield Entity(), None, ()
        return
    for protocol, ports in _traffic(fields, data, path):
        for peer in peers or [Entity()]:
            yield peer or Entity(), protocol, ports


def _peer(fields: Fields, data: Mapping[str, Any], path: Path) -> Entity | None:
    """Give one peer, None where Calico has no form for it."""
    if "pods" in data:
        pods = fields.mapping(data["pods"], (*path, "pods"))
        return Entity(selector=_pods(fields, pods, (*path, "pods")))
    if "namespaces" in data:
        return Entity(selector=_namespaces(fields, data["namespaces"], (*path, "namespaces")))
    if "networks" in data:
        try:
            nets = tuple(parse_cidr(str(n)) for n in fields.sequence(data["networks"], path))
        except ValueError as error:
            fields.refuse((*path, "networks"), str(error))
            return Entity()
        return Entity(nets=nets)
    return None


def _namespaces(fields: Fields, value: object, path: Path) -> Node:
    """An empty selector means every namespaced endpoint; a negative one reaches hosts and global sets too."""
    node = _labels(fields, value, path, "pcns.")
    return Has("projectcalico.org/namespace") if node == All() else node


def _traffic(
    fields: Fields, data: Mapping[str, Any], path: Path
) -> Iterator[tuple[int | None, tuple[PortRange | str, ...]]]:
    listed = data.get("protocols", data.get("ports"))
    key = "protocols" if "protocols" in data else "ports"
    items = fields.sequence(listed, (*path, key))
    if not items:
        yield None, ()
    for index, item in enumerate(items):
        yield from _protocol(fields, fields.mapping(item, (*path, key, index)), (*path, key, index))


def _protocol(
    fields: Fields, data: Mapping[str, Any], path: Path
) -> Iterator[tuple[int | None, tuple[PortRange | str, ...]]]:
    if "destinationNamedPort" in data or "namedPort" in data:
        yield None, (str(data.get("destinationNamedPort", data.get("namedPort"))),)
        return
    for name, number in _PROTOCOLS.items():
        if name.lower() in data:
            inner = fields.mapping(data[name.lower()], (*path, name.lower()))
            ports = _range(fields, inner.get("destinationPort"), (*path, name.lower()))
            yield number, ports
            return
    for key in ("portNumber", "portRange"):
        if key in data:
            inner = fields.mapping(data[key], (*path, key))
            number = _PROTOCOLS.get(str(inner.get("protocol") or "TCP"), 6)
            bounds = {"number": inner.get("port")} if key == "portNumber" else {"range": inner}
            yield number, _range(fields, bounds, (*path, key))
            return
    fields.refuse(path, "no known protocol is named")


def _range(fields: Fields, value: object, path: Path) -> tuple[PortRange, ...]:
    data = fields.mapping(value, path)
    if data.get("number") is not None:
        number = fields.integer(data["number"], (*path, "number"), 1, 65535)
        return (PortRange(number, number),) if number else ()
    if data.get("range") is not None:
        bounds = fields.mapping(data["range"], (*path, "range"))
        first = fields.integer(bounds.get("start"), (*path, "range", "start"), 1, 65535)
        last = fields.integer(bounds.get("end"), (*path, "range", "end"), 1, 65535)
        return (PortRange(first, last),) if first and last else ()
    return ()


def _ends(peer: Entity, ports: tuple[PortRange | str, ...], *, ingress: bool) -> tuple[Entity, Entity]:
    if ingress:
        return peer, Entity(ports=ports)
    return Entity(), Entity(nets=peer.nets, selector=peer.selector, ports=ports)
