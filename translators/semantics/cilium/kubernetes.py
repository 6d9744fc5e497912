"""A native NetworkPolicy as Cilium reads it: allow rules of the pods' own namespace, networks outside only.

Source: cilium/cilium ``pkg/k8s/network_policy.go``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from translators.algebra.cidrs import parse_cidr
from translators.flows import Direction
from translators.semantics.cilium.selectors import NAMESPACE, NAMESPACE_LABELS, Requirement, Selector
from translators.semantics.cilium.shapes import Element, PortMatch, Prefix, Rule
from translators.source import Document

__all__ = ["rule"]

_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}


def rule(document: Document, *, local_cluster: bool) -> Rule:
    """Give the one rule of a NetworkPolicy."""
    spec = document.data.get("spec") or {}
    namespace = document.namespace or "default"
    applies = frozenset(d for d in Direction if spec.get(d.value) or _isolates(spec, d))
    allows = {
        direction: tuple(_elements(document, direction, namespace, local_cluster=local_cluster))
        for direction in applies
    }
    return Rule(
        object=f"NetworkPolicy:{namespace}/{document.name}",
        subject=Selector.read(spec.get("podSelector")).within(namespace),
        allows=allows,
        isolates=applies,
        applies=applies,
        span=document.span,
    )


def _isolates(spec: Mapping[str, Any], direction: Direction) -> bool:
    """Say whether a direction without rules is isolated. Rules count whatever ``policyTypes`` lists."""
    types = spec.get("policyTypes") or []
    if direction is Direction.INGRESS:
        return "Ingress" in types or "Egress" not in types
    return "Egress" in types


def _elements(
    document: Document, direction: Direction, namespace: str, *, local_cluster: bool
) -> Iterator[Element]:
    side = "from" if direction is Direction.INGRESS else "to"
    listed = (document.data.get("spec") or {}).get(direction.value) or []
    for index, item in enumerate(listed):
        label = f"{direction.value}[{index}]"
        span = document.at("spec", direction.value, index)
        traffic = _traffic(item.get("ports") or [])
        peers = item.get(side) or []
        if not peers:
            everyone = frozenset({"all"})
            yield Element(label, span, entities=everyone, traffic=traffic)
        for peer in peers:
            if block := peer.get("ipBlock"):
                holes = tuple(parse_cidr(text) for text in block.get("except") or [])
                prefixes = (Prefix(parse_cidr(block["cidr"]), holes),)
                yield Element(label, span, prefixes=prefixes, traffic=traffic)
            else:
                chosen = _peer(peer, namespace, local_cluster=local_cluster)
                yield Element(label, span, selectors=(chosen,), traffic=traffic)


def _peer(data: Mapping[str, Any], namespace: str, *, local_cluster: bool) -> Selector:
    pods = Selector.read(data.get("podSelector")).requirements
    places: list[Requirement] = []
    if data.get("namespaceSelector") is not None:
        read = Selector.read(data["namespaceSelector"])
        places = [Requirement(NAMESPACE_LABELS + r.key, r.operator, r.values) for r in read.requirements] or [
            Requirement(NAMESPACE, "Exists")
        ]
    both = Selector(tuple(replace(r, of_pods=True) for r in (*pods, *places)))
    return both.peer_of(namespace, local_cluster=local_cluster)


def _traffic(ports: list[Mapping[str, Any]]) -> tuple[PortMatch, ...] | None:
    if not ports:
        return None
    return tuple(_port(item) for item in ports)


def _port(data: Mapping[str, Any]) -> PortMatch:
    protocols = frozenset({_NUMBERS[data.get("protocol") or "TCP"]})
    port = data.get("port")
    if port is None:
        return PortMatch(protocols)
    if isinstance(port, str) and not port.isdigit():
        return PortMatch(protocols, 0, 0, name=port)
    return PortMatch(protocols, int(port), max(int(port), int(data.get("endPort") or 0)))
