"""Convert Kubernetes' policy kinds as Calico's datastore driver does before its agent ever sees them.

Source: projectcalico/calico ``libcalico-go/lib/backend/k8s/conversion/conversion.go`` and
``clusternetworkpolicy.go``: rules are multiplied out over peers and groups of ports, in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from translators.algebra.cidrs import parse_cidr
from translators.flows import Direction
from translators.selectors.ast import And, Compare, Has, In, Node, Not
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedPolicy, ScopedRule
from translators.source import Document

__all__ = ["cluster_policy", "network_policy"]

_PODS = Compare("projectcalico.org/orchestrator", "==", "k8s")
_NAMESPACED = Has("projectcalico.org/namespace")
_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_SIDES = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


def network_policy(document: Document) -> ScopedPolicy:
    """Give a NetworkPolicy: tier ``default``, order 1000, Allow rules only, pods only."""
    spec = _read(document.data.get("spec") or {})
    namespace = document.namespace or "default"
    own: Node = Compare("projectcalico.org/namespace", "==", namespace)
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    rules = {
        direction: tuple(_np_rules(document, spec, direction, own))
        for direction in Direction
        if direction.value.capitalize() in types
    }
    subject = And((_PODS, own, *_requirements(spec.get("podSelector"))))
    return ScopedPolicy("KubernetesNetworkPolicy", namespace, document.name, "default", 1000.0,
                        subject, rules, document.span)  # fmt: skip


def _read(value: Any) -> Any:  # noqa: ANN401  # any node of a document
    """Read a null in a list as the API server does: as an element that says nothing."""
    if isinstance(value, Mapping):
        return {key: _read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [{} if item is None else _read(item) for item in value]
    return value


def _requirements(data: Mapping[str, Any] | None, prefix: str = "") -> list[Node]:
    """Give the parts of a Kubernetes label selector; none for an empty one."""
    found: list[Node] = []
    for key, value in ((data or {}).get("matchLabels") or {}).items():
        found.append(Compare(prefix + key, "==", str(value)))
    for item in (data or {}).get("matchExpressions") or []:
        key, values = prefix + item["key"], frozenset(item.get("values") or [])
        match item["operator"]:
            case "In":
                found.append(In(key, values))
            case "NotIn":
                found.append(In(key, values, negated=True))
            case "Exists":
                found.append(Has(key))
            case "DoesNotExist":
                found.append(Not(Has(key)))
    return found


def _np_rules(
    document: Document, spec: Mapping[str, Any], direction: Direction, own: Node
) -> Iterator[ScopedRule]:
    index = 0
    for number, item in enumerate(spec.get(direction.value) or []):
        span = document.at("spec", direction.value, number)
        peers = [_np_peer(peer, own) for peer in item.get(_SIDES[direction]) or []]
        for protocol, ports in _np_ports(item.get("ports") or []):
            for peer in peers or [ScopedEntity()]:
                source, destination = _ends(peer, ports, direction)
                yield ScopedRule("allow", index, span, _families(peer), protocol,
                                 source=source, destination=destination)  # fmt: skip
                index += 1


def _ends(peer: ScopedEntity, ports: Ports, direction: Direction) -> tuple[ScopedEntity, ScopedEntity]:
    if direction is Direction.INGRESS:
        return peer, ScopedEntity(ports=ports)
    return ScopedEntity(), ScopedEntity(peer.positive, None, peer.nets, peer.not_nets, None, ports)


def _families(peer: ScopedEntity) -> frozenset[int]:
    named = {net.family for net in (*peer.nets, *peer.not_nets)}
    return frozenset(named) or frozenset({4, 6})


def _np_peer(data: Mapping[str, Any], own: Node) -> ScopedEntity:
    if block := data.get("ipBlock"):
        holes = tuple(parse_cidr(text) for text in block.get("except") or [])
        return ScopedEntity(nets=(parse_cidr(block["cidr"]),), not_nets=holes)
    pods = _requirements(data.get("podSelector"))
    if data.get("namespaceSelector") is None:
        return ScopedEntity(positive=And((_PODS, own, *pods)))
    places = _requirements(data["namespaceSelector"], "pcns.")
    return ScopedEntity(positive=And((_PODS, *places, *pods)))


def _np_ports(items: list[Mapping[str, Any]]) -> Iterator[tuple[int | None, Ports]]:
    """Group ports by protocol; an entry without a port allows its whole protocol, in a rule of its own."""
    if not items:
        yield None, ()
        return
    grouped: dict[int, list[tuple[int, int] | str]] = {}
    whole: dict[int, None] = {}
    for item in items:
        protocol = _NUMBERS[item.get("protocol") or "TCP"]
        port = item.get("port")
        if port is None:
            whole[protocol] = None
        elif isinstance(port, str) and not port.isdigit():
            grouped.setdefault(protocol, []).append(port)
        else:
            bounds = (int(port), int(item.get("endPort") or port))
            grouped.setdefault(protocol, []).append(bounds)
    names = {number: name for name, number in _NUMBERS.items()}
    for protocol in sorted({*whole, *grouped}, key=names.__getitem__):
        yield protocol, () if protocol in whole else tuple(grouped[protocol])


_ACTIONS = {"Accept": "allow", "Allow": "allow", "Deny": "deny", "Pass": "pass"}


def cluster_policy(document: Document) -> ScopedPolicy:
    """Give a ClusterNetworkPolicy or one of its forerunners: a tier of its own, priority as order."""
    spec = _read(document.data.get("spec") or {})
    kind = document.kind
    if kind == "ClusterNetworkPolicy":
        tier = "kube-" + str(spec.get("tier", "Admin")).lower()
    else:
        tier = kind.lower()
    rules = {
        direction: tuple(_cluster_rules(document, spec, direction))
        for direction in Direction
        if spec.get(direction.value)
    }
    subject = spec.get("subject") or {}
    if "pods" in subject:
        where: list[Node] = _pod_parts(subject["pods"])
    else:
        where = _requirements(subject.get("namespaces"), "pcns.")
    return ScopedPolicy(f"Kubernetes{kind}", "", document.name, tier,
                        float(spec.get("priority") or 0), And((_PODS, *where)), rules,
                        document.span)  # fmt: skip


def _pod_parts(data: Mapping[str, Any]) -> list[Node]:
    places = _requirements(data.get("namespaceSelector"), "pcns.")
    return [*places, *_requirements(data.get("podSelector"))]


def _cluster_rules(document: Document, spec: Mapping[str, Any], direction: Direction) -> Iterator[ScopedRule]:
    """A rule that cannot be converted denies everything, unless it accepts: then it is dropped."""
    index = 0
    for number, item in enumerate(spec[direction.value]):
        action, span = _ACTIONS[item["action"]], document.at("spec", direction.value, number)
        peers = [_cluster_peer(peer) for peer in item.get(_SIDES[direction]) or []]
        if None in peers:
            if action != "allow":
                yield ScopedRule("deny", index, span)
                index += 1
            continue
        for protocol, ports in _cluster_ports(item):
            for peer in peers or [ScopedEntity()]:
                entity = peer or ScopedEntity()
                source, destination = _ends(entity, ports, direction)
                yield ScopedRule(action, index, span, _families(entity), protocol,
                                 source=source, destination=destination)  # fmt: skip
                index += 1


def _cluster_peer(data: Mapping[str, Any]) -> ScopedEntity | None:
    if "pods" in data:
        return ScopedEntity(positive=And((_PODS, *_pod_parts(data["pods"]))))
    if "namespaces" in data:
        parts = _requirements(data["namespaces"], "pcns.")
        node: Node = And(tuple(parts)) if parts else _NAMESPACED
        return ScopedEntity(positive=node)
    if "networks" in data:
        return ScopedEntity(nets=tuple(parse_cidr(text) for text in data["networks"]))
    return None


def _cluster_ports(item: Mapping[str, Any]) -> Iterator[tuple[int | None, Ports]]:
    listed = item.get("protocols") or item.get("ports") or []
    if not listed:
        yield None, ()
    for entry in listed:
        name = entry.get("destinationNamedPort") or entry.get("namedPort")
        if name:
            yield None, (str(name),)
            continue
        for key, protocol in (("tcp", 6), ("udp", 17), ("sctp", 132)):
            if key in entry:
                yield protocol, _bounds((entry[key] or {}).get("destinationPort") or {})
        for key in ("portNumber", "portRange"):
            if key in entry:
                yield _NUMBERS[entry[key].get("protocol") or "TCP"], _bounds(entry[key])


def _bounds(data: Mapping[str, Any]) -> Ports:
    span = data.get("range") or data
    if "start" in span:
        return ((int(span["start"]), int(span["end"])),)
    number = data.get("number") or data.get("port")
    return ((int(number), int(number)),) if number else ()
