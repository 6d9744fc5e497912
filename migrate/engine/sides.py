"""Policies of Cilium element by element: whom a rule selects, whom an element means, on which traffic.

The questions are those of a time in which some pods have no CiliumEndpoint: who includes them, who covers every pod,
which element says at least what another one says. Plain objects in, answers out; nothing here knows a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from migrate.model.fields import items, mapping, maps, text
from translators.semantics.cilium.ports import traffic_of
from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, Requirement, Selector
from translators.semantics.cilium.shapes import PortMatch

__all__ = [
    "PREFIXES",
    "UNMANAGED",
    "Network",
    "Object",
    "Side",
    "path_of",
    "rules_of",
    "sides_of",
    "sides_of_rule",
]

UNMANAGED = "unmanaged"
"""The entity of pods without a CiliumEndpoint: in the window, those of Calico."""
INCLUDING = frozenset({UNMANAGED, "cluster", "all"})
EVERY_POD = frozenset({"cluster", "all"})
MEMBERS = ("Endpoints", "CIDR", "CIDRSet", "Entities", "Nodes", "Groups", "Services", "FQDNs")
PREFIXES = {"ingress": "from", "egress": "to"}

Object = Mapping[str, Any]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Side:
    """One element of one direction of one rule, and whom the rule selects; ``of_nodes``: nodes, not pods."""

    object: str
    subject: Selector
    of_nodes: bool
    direction: str
    deny: bool
    element: Object
    home: str | None

    @property
    def peers(self) -> str:
        """Give the prefix of the peers' fields, ``from`` or ``to``."""
        return PREFIXES[self.direction]

    @property
    def traffic(self) -> tuple[PortMatch, ...] | None:
        """Give the ports and ICMP types; None for every protocol there is."""
        return traffic_of(self.element)

    @property
    def anyone(self) -> bool:
        """Say whether there is no peer list beside ports: every peer is meant."""
        limited = bool(self.element.get("toPorts") or self.element.get("icmps"))
        return limited and not any(f"{self.peers}{m}" in self.element for m in MEMBERS)

    @property
    def entities(self) -> frozenset[str]:
        """Give the entities that it names."""
        return frozenset(str(e) for e in items(self.element, f"{self.peers}Entities"))

    @property
    def includes_unmanaged(self) -> bool:
        """Say whether a pod that is still on Calico is among the peers."""
        return self.anyone or bool(self.entities & INCLUDING)

    @property
    def reaches_unmanaged(self) -> bool:
        """Say whether an allow lets pods of Calico pass on all of its traffic.

        In egress a name of a port is resolved by the peer's own ports, and ``unmanaged`` has none (engine).
        """
        named = self.direction == "egress" and any(match.name for match in self.traffic or ())
        return self.includes_unmanaged and not named

    @property
    def covers_every_pod(self) -> bool:
        """Say whether every pod of Cilium is among the peers."""
        if self.anyone or self.entities & EVERY_POD:
            return True
        return any(all(_of_every_pod(r) for r in s.requirements) for s in self._selectors())

    def may_match_pods(self, ranges: Sequence[Network]) -> bool:
        """Say whether some pod can be a peer; ``ranges``: networks of pods that CIDR rules match, where any do."""
        if self.covers_every_pod or next(self._selectors(), None) is not None:
            return True
        cidrs = [*items(self.element, f"{self.peers}CIDR")]
        cidrs += [text(entry, "cidr") for entry in maps(self.element, f"{self.peers}CIDRSet")]
        return any(_overlaps(str(cidr), ranges) for cidr in cidrs)

    def _selectors(self) -> Iterator[Selector]:
        for term in items(self.element, f"{self.peers}Endpoints"):
            yield Selector.read(term).peer_of(self.home, local_cluster=True)

    def at_least(self, other: Side) -> bool:
        """Say whether this one speaks of all subjects, the direction, and all traffic of another one."""
        if (self.direction, self.of_nodes) != (other.direction, other.of_nodes):
            return False
        wider = all(_implied(r, other.subject) for r in self.subject.requirements)
        return wider and _holds(self.traffic, other.traffic)


def _of_every_pod(requirement: Requirement) -> bool:
    return requirement.operator == "Exists" and requirement.key in {NAMESPACE, CLUSTER}


def _implied(requirement: Requirement, selector: Selector) -> bool:
    """Say whether every pod that a selector selects meets a requirement; a value that is asked for is there."""
    wanted = (requirement.key, requirement.operator, requirement.values)
    asked = {(r.key, r.operator, r.values) for r in selector.requirements}
    there = {r.key for r in selector.requirements if r.operator == "In"}
    return wanted in asked or (requirement.operator == "Exists" and requirement.key in there)


def _overlaps(cidr: str, ranges: Sequence[Network]) -> bool:
    try:
        net = ip_network(cidr, strict=False)
    except ValueError:
        return False
    return any(net.version == r.version and net.overlaps(r) for r in ranges)


def _holds(wide: Sequence[PortMatch] | None, narrow: Sequence[PortMatch] | None) -> bool:
    if wide is None:
        return True
    return narrow is not None and all(any(_within(n, w) for w in wide) for n in narrow)


def _within(narrow: PortMatch, wide: PortMatch) -> bool:
    if not narrow.protocols <= wide.protocols or narrow.name != wide.name:
        return False
    if wide.types is not None and (narrow.types is None or not narrow.types <= wide.types):
        return False
    return wide.first <= narrow.first and narrow.last <= wide.last


def path_of(item: Object) -> str:
    """Give ``Kind/namespace/name``."""
    parts = (text(item, "kind"), text(item, "metadata", "namespace"), text(item, "metadata", "name"))
    return "/".join(part for part in parts if part)


def rules_of(item: Object) -> list[Object]:
    """Give the rules of a policy of Cilium: ``spec``, then ``specs``."""
    single = [mapping(item, "spec")] if item.get("spec") else []
    return [*single, *maps(item, "specs")]


def sides_of(objects: Iterable[Object]) -> list[Side]:
    """Give every element of every rule of these policies of Cilium; other objects hold none."""
    return [side for item in objects for rule in rules_of(item) for side in sides_of_rule(item, rule)]


def sides_of_rule(item: Object, rule: Object) -> Iterator[Side]:
    """Give the elements of one rule of a policy, by direction, allows first."""
    clusterwide = text(item, "kind") == "CiliumClusterwideNetworkPolicy"
    home = None if clusterwide else text(item, "metadata", "namespace", default="default")
    of_nodes = "nodeSelector" in rule
    subject = Selector.read(mapping(rule, "nodeSelector" if of_nodes else "endpointSelector"))
    if home is not None:
        subject = subject.within(home)
    for direction in PREFIXES:
        for section, deny in ((direction, False), (f"{direction}Deny", True)):
            for element in maps(rule, section):
                yield Side(path_of(item), subject, of_nodes, direction, deny, element, home)
