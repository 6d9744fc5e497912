"""Read CNPs, CCNPs, CIDR groups and native NetworkPolicies into rules, as the agent parses them.

Source: cilium/cilium ``pkg/policy/utils/parserules.go``, ``pkg/policy/api``, ``pkg/k8s/network_policy.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from translators.algebra.cidrs import BITS, Cidr, parse_cidr
from translators.flows import Direction
from translators.semantics.cilium import kubernetes
from translators.semantics.cilium.groups import CidrGroups
from translators.semantics.cilium.ports import traffic_of
from translators.semantics.cilium.selectors import NAMESPACE, Selector
from translators.semantics.cilium.shapes import Element, Prefix, Rule
from translators.semantics.cilium.structure import malformed, without_nulls
from translators.semantics.cilium.validate import reasons
from translators.settings import CiliumConfig
from translators.source import Document
from translators.world import Service, World

__all__ = ["CiliumPolicies"]

_SAME = {"cluster-mesh": "cluster"}
"""Entities that are another one here: a world has one cluster."""
_LISTS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Nodes")
_MEMBERS = (*_LISTS, "Groups", "Services", "FQDNs")
POLICY_KINDS = frozenset({"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"})


@dataclass(frozen=True, slots=True)
class CiliumPolicies:
    """Every rule in force, and the objects that Cilium would refuse, with the first reason.

    ``named``: every network that a rule or a group names; an address in one has an identity of its own.
    """

    world: World
    config: CiliumConfig
    rules: tuple[Rule, ...]
    refused: tuple[tuple[Document, str], ...] = ()
    named: frozenset[Cidr] = frozenset()

    @classmethod
    def build(cls, world: World, documents: Iterable[Document], config: CiliumConfig) -> CiliumPolicies:
        """Normalise the objects; a refused one counts as absent, which leaves its subject open."""
        listed, refused = [], []
        for document in documents:
            if not _takes_part(document):
                continue
            stored = replace(document, data=without_nulls(document.data))
            if wrong := malformed(document.data) or next(iter(reasons(stored.data, config)), ""):
                refused.append((document, wrong))
            else:
                listed.append(stored)
        groups = CidrGroups.read(listed)
        reader = _Reader(world, config, groups)
        rules: list[Rule] = []
        for document in listed:
            if document.kind in POLICY_KINDS:
                rules.extend(reader.rules(document))
            elif document.kind == "NetworkPolicy":
                rules.append(kubernetes.rule(document, local_cluster=config.default_local_cluster))
        return cls(world, config, tuple(rules), tuple(refused), _named(rules, groups))


def _named(rules: Iterable[Rule], groups: CidrGroups) -> frozenset[Cidr]:
    """Give the networks that make identities; the widest of a family is the world itself."""
    sections = (section for rule in rules for part in (rule.allows, rule.denies) for section in part.values())
    prefixes = (prefix for elements in sections for element in elements for prefix in element.prefixes)
    found = {cidr for prefix in prefixes for cidr in (prefix.cidr, *prefix.holes)}
    found.update(cidr for _, _, cidrs in groups.groups for cidr in cidrs)
    return frozenset(cidr for cidr in found if cidr.length > 0)


def _takes_part(document: Document) -> bool:
    """Say whether an object is a policy that the agent reads, or a group that policies name."""
    native = document.group == "networking.k8s.io" and document.kind == "NetworkPolicy"
    return native or document.kind in POLICY_KINDS or document.kind == "CiliumCIDRGroup"


class _Reader:
    """Reads the objects of one set; the groups and services are those of the same set and world."""

    def __init__(self, world: World, config: CiliumConfig, groups: CidrGroups) -> None:
        self._world = world
        self._config = config
        self._groups = groups

    def rules(self, document: Document) -> Iterator[Rule]:
        single = document.data.get("spec")
        if single:
            yield self._rule(document, single, ("spec",))
        for index, spec in enumerate(document.data.get("specs") or []):
            yield self._rule(document, spec, ("specs", index))

    def _rule(self, document: Document, spec: Mapping[str, Any], path: tuple[str | int, ...]) -> Rule:
        namespace = document.namespace or "default"
        home = namespace if document.kind == "CiliumNetworkPolicy" else None
        of_nodes = "nodeSelector" in spec
        subject = Selector.read(spec.get("nodeSelector") if of_nodes else spec.get("endpointSelector"))
        if home is not None:
            subject = Selector.read(_without_namespace(spec.get("endpointSelector"))).within(home)
        sections = {
            name: tuple(
                self._element(item, (*path, name, i), home, document)
                for i, item in enumerate(spec.get(name) or [])
            )
            for name in ("ingress", "ingressDeny", "egress", "egressDeny")
        }
        applies = {d for d in Direction if sections[d.value] or sections[f"{d.value}Deny"]}
        switched = spec.get("enableDefaultDeny") or {}
        honoured = self._config.non_default_deny
        isolates = {d for d in applies if switched.get(d.value) is not False or not honoured}
        name = f"{home}/{document.name}" if home else document.name
        return Rule(
            object=f"{document.kind}:{name}",
            subject=subject,
            of_nodes=of_nodes,
            allows={d: sections[d.value] for d in Direction},
            denies={d: sections[f"{d.value}Deny"] for d in Direction},
            isolates=frozenset(isolates),
            applies=frozenset(applies),
            span=document.at(*path),
        )

    def _element(
        self,
        item: Mapping[str, Any],
        path: tuple[str | int, ...],
        home: str | None,
        document: Document,
    ) -> Element:
        section, index = str(path[-2]), path[-1]
        prefix = "from" if section.startswith("ingress") else "to"
        local = self._config.default_local_cluster
        selectors = [
            Selector.read(term).peer_of(home, local_cluster=local)
            for term in item.get(f"{prefix}Endpoints") or []
        ]
        services, outside, unresolved = self._services(item, section)
        every_group = _every_group(item, prefix)
        if _contradicts(item, prefix, {"Endpoints": services, "CIDRSet": outside}):
            return Element(f"{section}[{index}]", document.at(*path), traffic=traffic_of(item))
        return Element(
            label=f"{section}[{index}]",
            span=document.at(*path),
            anyone=_anyone(item, prefix) or unresolved or every_group,
            every_group=every_group,
            selectors=(*selectors, *services),
            entities=frozenset(_SAME.get(e, e) for e in item.get(f"{prefix}Entities") or ()),
            prefixes=(*self._prefixes(item, prefix), *outside),
            nodes=tuple(Selector.read(term) for term in item.get(f"{prefix}Nodes") or ()),
            traffic=traffic_of(item),
        )

    def _services(self, item: Mapping[str, Any], section: str) -> tuple[list[Selector], list[Prefix], bool]:
        """A Service stands for its selector's pods, without one for the addresses of its endpoints.

        One that resolves to nothing opens with ports or ICMP types: the third value.
        """
        if not item.get("toServices"):
            return [], [], False
        has_ports = bool(item.get("toPorts") or item.get("icmps"))
        if section.endswith("Deny"):
            return [], [], has_ports
        found: list[Selector] = []
        outside: list[Prefix] = []
        for entry in item["toServices"]:
            wanted = entry.get("k8sService") or {}
            service = self._world.services.get(
                (wanted.get("namespace") or "default", wanted.get("serviceName") or "")
            )
            if service is not None and service.selector:
                read = Selector.read({"matchLabels": dict(service.selector)})
                found.append(read.within(service.namespace))
            elif service is not None:
                outside += self._endpoints(service)
        empty = any(f"to{name}" in item for name in _LISTS)
        return found, outside, has_ports and not (found or outside or empty)

    def _endpoints(self, service: Service) -> Iterator[Prefix]:
        for part in self._world.slices:
            if (part.namespace, part.service) == (service.namespace, service.name):
                yield from (Prefix(Cidr(a.family, a.value, BITS[a.family])) for a in part.addresses)

    def _prefixes(self, item: Mapping[str, Any], prefix: str) -> Iterator[Prefix]:
        for text in item.get(f"{prefix}CIDR") or ():
            yield Prefix(parse_cidr(text))
        for entry in item.get(f"{prefix}CIDRSet") or ():
            holes = tuple(parse_cidr(text) for text in entry.get("except") or ())
            selector = Selector.read(entry.get("cidrGroupSelector"))
            by_absence = "cidrGroupSelector" in entry and selector.only_negative
            for cidr in self._cidrs(entry):
                yield Prefix(cidr, holes, by_absence)

    def _cidrs(self, entry: Mapping[str, Any]) -> Iterable[Cidr]:
        if "cidr" in entry:
            return [parse_cidr(entry["cidr"])]
        if "cidrGroupRef" in entry:
            return self._groups.named(entry["cidrGroupRef"])
        return self._groups.selected(Selector.read(entry.get("cidrGroupSelector")))


def _every_group(item: Mapping[str, Any], prefix: str) -> bool:
    """An empty selector over groups, without exceptions, is no limit to groups: it selects every identity."""
    return any(
        not Selector.read(entry["cidrGroupSelector"]).requirements and not entry.get("except")
        for entry in item.get(f"{prefix}CIDRSet") or ()
        if entry.get("cidrGroupSelector") is not None
    )


def _contradicts(item: Mapping[str, Any], prefix: str, added: Mapping[str, Sequence[object]]) -> bool:
    """Say whether an empty peer list stands beside a filled one: together they select nobody.

    ``added``: what services put into lists.
    """
    lists = {name: bool(item[f"{prefix}{name}"]) for name in _LISTS if f"{prefix}{name}" in item}
    lists |= {name: True for name, more in added.items() if more}
    return len(lists) > 1 and not all(lists.values())


def _without_namespace(selector: Mapping[str, Any] | None) -> dict[str, Any]:
    """A label ``k8s:io.kubernetes.pod.namespace`` of a CNP's subject is overwritten with its own namespace."""
    found = dict(selector or {})
    labels = found.get("matchLabels") or {}
    found["matchLabels"] = {k: v for k, v in labels.items() if k != f"k8s:{NAMESPACE}"}
    return found


def _anyone(item: Mapping[str, Any], prefix: str) -> bool:
    """Say whether no peer list restricts: none is there beside ports, or one of the two that fail open."""
    present = [name for name in _MEMBERS if f"{prefix}{name}" in item]
    limited = bool(item.get("toPorts") or item.get("icmps"))
    if not present:
        return limited
    open_lists = {"FQDNs", "Groups"}
    return limited and set(present) <= open_lists and not any(item[f"{prefix}{n}"] for n in present)
