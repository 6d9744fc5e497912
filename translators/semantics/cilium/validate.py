"""What agent and CRD schema refuse, as far as a policy's meaning depends on it.

A refused object is not enforced at all: its subject stays open. Source: cilium/cilium
``pkg/policy/api/rule_validation.go`` and the CRD of v1.20.2 (``cilium.md`` §2, ``cases.md`` C71).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from translators.algebra.cidrs import Cidr, parse_cidr
from translators.semantics.cilium.ports import FAMILIES, TYPES, port_number
from translators.settings import CiliumConfig

__all__ = ["faults", "reasons"]

MAX_LIST = 40
MAX_PORT = 65535
MAX_NAME = 15
SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
PROTOCOLS = frozenset({"TCP", "UDP", "SCTP", "ANY", "ICMP", "ICMPv6", "VRRP", "IGMP", "GRE", "IPIP",
                       "IPV6", "ESP", "AH"})  # fmt: skip
EXTENDED = frozenset({"VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"})
ENTITIES = frozenset({"all", "world", "host", "remote-node", "kube-apiserver", "cluster", "health", "init",
                      "ingress", "unmanaged", "none", "cluster-mesh"})  # fmt: skip
OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_PORT_NAME = re.compile(r"([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*\Z")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_LABEL_KEY = re.compile(r"(?:[a-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_MEMBERS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Groups", "Nodes", "Services", "FQDNs")


def reasons(data: Mapping[str, Any], config: CiliumConfig) -> list[str]:
    """Give every reason for which an agent of this configuration would refuse the object; none for a valid one.

    The object's structure is that of its schema (``structure.malformed``).
    """
    match data.get("kind"):
        case "CiliumCIDRGroup":
            return list(_group(data.get("spec") or {}))
        case "NetworkPolicy":
            return list(_native(data.get("spec") or {}))
    rules = [*([data["spec"]] if data.get("spec") else []), *(data.get("specs") or [])]
    if not rules:
        return ["the object holds no rule"]
    found = [reason for rule in rules for reason in _rule(rule, data.get("kind", ""), config)]
    if not config.node_selector_labels and any(_names_nodes(rule) for rule in rules):
        found.append("nodes as peers need enable-node-selector-labels")
    return found


def faults(data: Mapping[str, Any], config: CiliumConfig) -> list[str]:
    """Give every reason for which an object must not be written: refused by agent or schema, or without meaning.

    Agent and schema take an ICMP type over 255, which then matches nothing (``cases.md`` C71).
    """
    rules = [*([data["spec"]] if data.get("spec") else []), *(data.get("specs") or [])]
    fields = (
        field
        for rule in rules
        for section in SECTIONS
        for element in rule.get(section) or []
        for listed in element.get("icmps") or []
        for field in listed.get("fields") or []
    )
    types = [str(f.get("type")) for f in fields]
    return [
        *reasons(data, config),
        *(f"ICMP type {t} does not exist" for t in types if t.isdigit() and int(t) > 255),
    ]


def _group(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{text} is no network" for text in spec.get("externalCIDRs") or [] if not _is_network(text))


def _native(spec: Mapping[str, Any]) -> Iterator[str]:
    """What the API server refuses in a NetworkPolicy, as far as it is read here."""
    yield from _selector(spec.get("podSelector") or {})
    for section, side in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(section) or []:
            for peer in rule.get(side) or []:
                yield from _selector(peer.get("podSelector") or {})
                yield from _selector(peer.get("namespaceSelector") or {})
                if peer.get("ipBlock") is not None:
                    yield from _network(peer["ipBlock"])
            for port in rule.get("ports") or []:
                yield from _native_port(port)


def _native_port(data: Mapping[str, Any]) -> Iterator[str]:
    if (data.get("protocol") or "TCP") not in {"TCP", "UDP", "SCTP"}:
        yield f"protocol {data['protocol']} is unknown"
    number, last = data.get("port"), data.get("endPort")
    if isinstance(number, str) and not (len(number) <= MAX_NAME and _PORT_NAME.match(number)):
        yield f"port {number} is no name"
    if isinstance(number, int) and not 1 <= number <= MAX_PORT:
        yield f"port {number} is out of range"
    if last is not None and not (isinstance(number, int) and number <= last <= MAX_PORT):
        yield f"endPort {last} ends no range"


def _names_nodes(rule: Mapping[str, Any]) -> bool:
    return any(
        element.get("fromNodes") or element.get("toNodes")
        for section in SECTIONS
        for element in rule.get(section) or []
    )


def _rule(rule: Mapping[str, Any], kind: str, config: CiliumConfig) -> Iterator[str]:
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
            yield from _element(element, section, config)
    log = (rule.get("log") or {}).get("value", "")
    if len(log) > 32:
        yield "log.value is longer than 32 characters"


def _element(element: Mapping[str, Any], section: str, config: CiliumConfig) -> Iterator[str]:
    prefix = "from" if section.startswith("ingress") else "to"
    yield from _members(element, prefix)
    if element.get("toPorts") and element.get("icmps"):
        yield "toPorts and icmps stand in one element"
    for rule in element.get("toPorts") or []:
        yield from _ports(rule.get("ports") or [], config)
    for rule in element.get("icmps") or []:
        if len(rule.get("fields") or []) > MAX_LIST:
            yield f"more than {MAX_LIST} ICMP fields in one list"
        yield from (f"ICMP type {f.get('type')} is none" for f in rule.get("fields") or [] if not _is_icmp(f))


def _members(element: Mapping[str, Any], prefix: str) -> Iterator[str]:
    members = [name for name in _MEMBERS if f"{prefix}{name}" in element]
    filled = [name for name in members if element[f"{prefix}{name}"]]
    if len(filled) > 1:
        yield f"an element holds {' and '.join(filled)}: one member is possible"
    if element.get(f"{prefix}Requires"):
        yield f"{prefix}Requires is no longer there"
    for term in element.get(f"{prefix}Endpoints") or []:
        yield from _selector(term or {})
    for text in element.get(f"{prefix}CIDR") or []:
        if not _is_network(text):
            yield f"{text} is no network"
    for entry in element.get(f"{prefix}CIDRSet") or []:
        yield from _network(entry)
    for name in element.get(f"{prefix}Entities") or []:
        if name not in ENTITIES:
            yield f"entity {name} is unknown to the schema"


def _ports(ports: list[Mapping[str, Any]], config: CiliumConfig) -> Iterator[str]:
    """A port may be left out, with the meaning of 0, where extended protocols are on."""
    if len(ports) > MAX_LIST:
        yield f"more than {MAX_LIST} ports in one list"
    for item in ports:
        port, protocol = str(item.get("port", "")), item.get("protocol", "ANY")
        if protocol not in PROTOCOLS or protocol in {"ICMP", "ICMPv6"}:
            yield f"protocol {protocol} is unknown"
        left_out = "port" not in item and config.enable_extended_ip_protocols
        if not left_out and (wrong := _port(port, protocol)):
            yield wrong
        if not 0 <= int(item.get("endPort") or 0) <= 65535:
            yield "endPort is over 65535"


def _port(text: str, protocol: str) -> str:
    """Say what is wrong with a port; empty for a good one. An extended protocol has none but 0."""
    if not text:
        return "a port is empty"
    if not text.isdigit():
        return (
            ""
            if len(text) <= MAX_NAME and _PORT_NAME.match(text)
            else f"port {text} is no number and no name"
        )
    try:
        number = port_number(text)
    except ValueError:
        return f"port {text} is no octal number"
    if number is None or number > MAX_PORT:
        return f"port {text} is over {MAX_PORT}"
    return f"{protocol} has no ports" if protocol in EXTENDED and text != "0" else ""


def _is_icmp(data: Mapping[str, Any]) -> bool:
    """Say whether family and type are known; a number over 255 is, and matches nothing."""
    family, kind = data.get("family") or "IPv4", data.get("type")
    if family not in FAMILIES or kind is None:
        return False
    return str(kind).isdigit() or kind in TYPES[FAMILIES[family]]


def _is_network(text: object) -> bool:
    """The schema wants a length; the agent alone would take an address."""
    try:
        parse_cidr(str(text))
    except ValueError:
        return False
    return "/" in str(text)


def _network(entry: Mapping[str, Any]) -> Iterator[str]:
    given = [
        k
        for k in ("cidr", "cidrGroupRef", "cidrGroupSelector")
        if entry.get(k) is not None and entry[k] != ""
    ]
    if len(given) != 1:
        yield "an entry needs exactly one of cidr, cidrGroupRef and cidrGroupSelector"
    if "cidr" in given and not _is_network(entry["cidr"]):
        yield f"{entry['cidr']} is no network"
        return
    yield from _selector(entry.get("cidrGroupSelector") or {})
    for text in entry.get("except") or []:
        if not _is_network(text):
            yield f"{text} is no network"
        elif "cidr" in given and not _holds(parse_cidr(entry["cidr"]), parse_cidr(str(text))):
            yield f"{text} is not inside {entry['cidr']}"


def _holds(outer: Cidr, inner: Cidr) -> bool:
    return outer.family == inner.family and outer.first <= inner.first and inner.last <= outer.last


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
