"""What agent and CRD schema refuse, as far as a policy's meaning depends on it.

A refused object is not enforced at all: its subject stays open. Source: cilium/cilium
``pkg/policy/api/rule_validation.go`` and the CRD of v1.20.2 (``cilium.md`` §2, ``cases.md`` C71).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["reasons"]

MAX_LIST = 40
SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
PROTOCOLS = frozenset({"TCP", "UDP", "SCTP", "ANY", "ICMP", "ICMPv6", "VRRP", "IGMP", "GRE", "IPIP",
                       "IPV6", "ESP", "AH"})  # fmt: skip
EXTENDED = frozenset({"VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"})
ENTITIES = frozenset({"all", "world", "host", "remote-node", "kube-apiserver", "cluster", "health", "init",
                      "ingress", "unmanaged", "none", "cluster-mesh"})  # fmt: skip
OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_LABEL_KEY = re.compile(r"(?:[a-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_MEMBERS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Groups", "Nodes", "Services", "FQDNs")


def reasons(data: Mapping[str, Any], *, nodes: bool = False) -> list[str]:
    """Give every reason for which the object would be refused; none for a valid one.

    ``nodes``: the setting ``enable-node-selector-labels`` is on, so that nodes may be peers.
    """
    rules = [*([data["spec"]] if data.get("spec") else []), *(data.get("specs") or [])]
    if not rules:
        return ["the object holds no rule"]
    found = [reason for rule in rules for reason in _rule(rule, data.get("kind", ""))]
    if not nodes and any(_names_nodes(rule) for rule in rules):
        found.append("nodes as peers need enable-node-selector-labels")
    return found


def _names_nodes(rule: Mapping[str, Any]) -> bool:
    return any(
        element.get("fromNodes") or element.get("toNodes")
        for section in SECTIONS
        for element in rule.get(section) or []
    )


def _rule(rule: Mapping[str, Any], kind: str) -> Iterator[str]:
    has_endpoint, has_node = "endpointSelector" in rule, "nodeSelector" in rule
    if has_endpoint == has_node:
        yield "a rule needs exactly one of endpointSelector and nodeSelector"
    if has_node and kind == "CiliumNetworkPolicy":
        yield "nodeSelector belongs to a CiliumClusterwideNetworkPolicy"
    if not any(rule.get(section) for section in SECTIONS):
        yield "a rule needs at least one element in a section"
    for key in ("endpointSelector", "nodeSelector"):
        yield from _selector(rule.get(key) or {})
    for section in SECTIONS:
        for element in rule.get(section) or []:
            yield from _element(element, section)
    log = (rule.get("log") or {}).get("value", "")
    if len(log) > 32:
        yield "log.value is longer than 32 characters"


def _element(element: Mapping[str, Any], section: str) -> Iterator[str]:
    prefix = "from" if section.startswith("ingress") else "to"
    members = [name for name in _MEMBERS if f"{prefix}{name}" in element]
    filled = [name for name in members if element[f"{prefix}{name}"]]
    if len(filled) > 1:
        yield f"an element holds {' and '.join(filled)}: one member is possible"
    for term in element.get(f"{prefix}Endpoints") or []:
        yield from _selector(term or {})
    for name in element.get(f"{prefix}Entities") or []:
        if name not in ENTITIES:
            yield f"entity {name} is unknown to the schema"
    if element.get("toPorts") and element.get("icmps"):
        yield "toPorts and icmps stand in one element"
    for rule in element.get("toPorts") or []:
        yield from _ports(rule.get("ports") or [])
    for rule in element.get("icmps") or []:
        if len(rule.get("fields") or []) > MAX_LIST:
            yield f"more than {MAX_LIST} ICMP fields in one list"


def _ports(ports: list[Mapping[str, Any]]) -> Iterator[str]:
    if len(ports) > MAX_LIST:
        yield f"more than {MAX_LIST} ports in one list"
    for item in ports:
        port, protocol = str(item.get("port", "")), item.get("protocol", "ANY")
        if protocol not in PROTOCOLS or protocol in {"ICMP", "ICMPv6"}:
            yield f"protocol {protocol} is unknown"
        if not port:
            yield "a port is empty"
        elif port.isdigit() and int(port) > 65535:
            yield f"port {port} is over 65535"
        if not 0 <= int(item.get("endPort") or 0) <= 65535:
            yield "endPort is over 65535"


def _selector(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in (data.get("matchLabels") or {}).items():
        if not _LABEL_VALUE.match(str(value)) or not _key(key):
            yield f"label {key}={value} is none that Kubernetes accepts"
    for item in data.get("matchExpressions") or []:
        operator, values = item.get("operator"), item.get("values") or []
        if operator not in OPERATORS:
            yield f"operator {operator} is unknown"
        if (operator in {"In", "NotIn"}) != bool(values):
            yield f"{operator} with {len(values)} values"
        if not _key(item.get("key", "")) or not all(_LABEL_VALUE.match(str(v)) for v in values):
            yield f"a key or value of {item.get('key')} is none that Kubernetes accepts"


def _key(key: str) -> bool:
    plain = key.partition(":")[2] if ":" in key else key
    return _LABEL_KEY.match(plain.removeprefix("io.cilium.k8s.namespace.labels.")) is not None
