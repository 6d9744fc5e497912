"""Estimate how many entries each pod's policy map needs: a map that overflows may lose denies.

Entries of one element = peer identities × entries of its ports; both directions share one map. Calibrated by
counting in Cilium's engine at v1.20.2 (``translation.md`` §6.2): the estimate counts an entry twice where two
elements meet, so it errs high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from translators.algebra.cidrs import Address, Cidr
from translators.algebra.memberships import Memberships
from translators.semantics.cilium.labels import identity_labels
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import Requirement, Selector
from translators.semantics.cilium.shapes import Element, PortMatch, Rule

__all__ = ["MapSize", "map_sizes"]

FIXED_ENTRIES = 6
ANYONE = 5
_ENTITY_IDENTITIES = {"all": ANYONE, "cluster": 8, "remote-node": 3, "kube-apiserver": 2}
_WORLD = 4


@dataclass(frozen=True, slots=True)
class MapSize:
    """The estimate for the pods of one identity, and the objects that select them.

    ``pod`` is ``namespace/name`` of the first such pod.
    """

    pod: str
    entries: int
    objects: tuple[str, ...]


def map_sizes(policies: CiliumPolicies) -> list[MapSize]:
    """Give the estimate for every identity of the cluster, the largest first; cost: rules × subjects."""
    identities = _Identities(policies)
    totals = [FIXED_ENTRIES] * len(identities.pods)
    objects: list[list[str]] = [[] for _ in totals]
    for rule in policies.rules:
        if rule.of_nodes:
            continue
        cost = sum(identities.entries(element) for element in _elements(rule))
        for index in _indexes(identities.matching(rule.subject)):
            totals[index] += cost
            objects[index].append(rule.object)
    sizes = (
        MapSize(pod, total, tuple(dict.fromkeys(named)))
        for pod, total, named in zip(identities.pods, totals, objects, strict=True)
    )
    return sorted(sizes, key=lambda size: (-size.entries, size.pod))


class _Identities:
    """The pod identities of a world as bits, with an index from label to bits."""

    def __init__(self, policies: CiliumPolicies) -> None:
        self._by_label: dict[str, dict[str, int]] = {}
        self._known: dict[Selector, int] = {}
        self._widths: dict[Cidr, int] = {}
        self._networks = networks = policies.named
        modes = policies.config.cidr_match_mode
        by_pod = "pods" in modes
        held = Memberships([n.interval for n in networks] if by_pod else [])
        self._addresses: list[tuple[Address, int]] = []
        seen: set[object] = set()
        alike: set[object] = set()
        self.pods: list[str] = []
        for pod in policies.world.pods:
            if pod.host_network or pod.finished:
                continue
            inside = frozenset(n for a in pod.addresses for n in held.of(a))
            written = (pod.namespace, pod.service_account, frozenset(pod.labels.items()), pod.ports, inside)
            if written in alike:
                continue
            alike.add(written)
            labels = identity_labels(pod, policies.world, policies.config)
            ports = frozenset((p.name, p.protocol, p.number) for p in pod.ports if p.name)
            key = (frozenset(labels.items()), ports, inside)
            if key in seen:
                continue
            seen.add(key)
            bit = 1 << len(self.pods)
            self._addresses += [(a, bit) for a in pod.addresses] if by_pod else []
            self.pods.append(f"{pod.namespace}/{pod.name}")
            for label, value in labels.items():
                values = self._by_label.setdefault(label, {})
                values[value] = values.get(value, 0) | bit
        self._everyone = (1 << len(self.pods)) - 1
        nodes = policies.world.nodes.values() if "nodes" in modes else ()
        self._nodes = [a for node in nodes for a in node.addresses]

    def matching(self, selector: Selector) -> int:
        """Give the identities that meet every requirement."""
        if selector not in self._known:
            found = self._everyone
            for requirement in selector.requirements:
                found &= self._meeting(requirement)
            self._known[selector] = found
        return self._known[selector]

    def _meeting(self, requirement: Requirement) -> int:
        values = self._by_label.get(requirement.key, {})
        match requirement.operator:
            case "In":
                return _union(values.get(v, 0) for v in requirement.values)
            case "NotIn":
                return self._everyone & ~_union(values.get(v, 0) for v in requirement.values)
            case "Exists":
                return _union(values.values())
        return self._everyone & ~_union(values.values())

    def entries(self, element: Element) -> int:
        """Give the entries that one element adds to the map of each pod that it applies to."""
        peers = ANYONE if element.anyone else 0
        peers += _union(self.matching(s) for s in element.selectors).bit_count()
        peers += sum(_ENTITY_IDENTITIES.get(name, 1) for name in element.entities - {"world"})
        peers += _WORLD + len(self._networks) if "world" in element.entities else 0
        peers += sum(self._inside(prefix.cidr) for prefix in element.prefixes) + len(element.nodes)
        return peers * _traffic_entries(element.traffic)

    def _inside(self, cidr: Cidr) -> int:
        """Every prefix that some policy or group names is an identity of its own, and part of all wider ones.

        So are the pods and nodes in it, in the match modes that reach them.
        """
        if cidr not in self._widths:
            held = [n for n in self._networks if n.family == cidr.family and n.length >= cidr.length]
            pods = _union(bit for address, bit in self._addresses if cidr.holds(address)).bit_count()
            nodes = sum(cidr.holds(address) for address in self._nodes)
            self._widths[cidr] = 1 + sum(cidr.first <= n.first <= cidr.last for n in held) + pods + nodes
        return self._widths[cidr]


def _traffic_entries(traffic: Sequence[PortMatch] | None) -> int:
    if traffic is None:
        return 1
    return sum(_match_entries(match) for match in traffic)


def _match_entries(match: PortMatch) -> int:
    if match.types is not None:
        return len(match.types)
    if match.name or (match.first, match.last) == (0, 65535):
        return len(match.protocols)
    return len(match.protocols) * masked_prefixes(match.first, match.last)


def masked_prefixes(first: int, last: int) -> int:
    """Give how many aligned blocks of ports make up a closed range: at most 30."""
    count = 0
    while first <= last:
        size = first & -first or 1 << 16
        while first + size - 1 > last:
            size >>= 1
        first += size
        count += 1
    return count


def _elements(rule: Rule) -> Iterable[Element]:
    for sections in (rule.allows, rule.denies):
        for elements in sections.values():
            yield from elements


def _indexes(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _union(bits: Iterable[int]) -> int:
    return reduce(or_, bits, 0)
