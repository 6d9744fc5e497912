"""What stands behind an address in Calico's eyes: labels, named ports, services; for the matrix evaluator.

A peer matches a selector by its *address*: a pod's labels are behind it, those of a host endpoint, and those of
every network set that holds it (``calico.md`` §5, §6.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from translators.algebra.cidrs import Address, Cidr
from translators.algebra.memberships import Memberships
from translators.flows import SCTP, TCP, UDP, Peer
from translators.selectors.ast import Node
from translators.semantics.calico.columns import named_keys
from translators.semantics.calico.shapes import ScopedRule, TierWalk
from translators.world import HostEndpoint, NamedPort, NetworkSet, Pod, World

__all__ = ["NUMBERS", "PORTED", "Ends", "Named"]

NUMBERS: Mapping[str, int] = {"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
PORTED = frozenset(NUMBERS.values())
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """Everything that the rules of one set name, each once, in the order of the policies.

    ``naming`` are the selectors beside port names: there an endpoint's own labels count, not its network sets'.
    """

    rules: tuple[ScopedRule, ...]
    subjects: tuple[Node, ...]
    peers: tuple[Node, ...]
    nets: tuple[Cidr, ...]
    ports: frozenset[str]
    source_ports: frozenset[str]
    services: tuple[tuple[str, str], ...]
    naming: frozenset[Node]

    @classmethod
    def of(cls, tiers: Iterable[TierWalk]) -> Named:
        """Collect it from the tiers."""
        policies = [p for t in tiers for p in t.policies]
        rules = tuple(r for p in policies for listed in p.rules.values() for r in listed)
        entities = [e for r in rules for e in (r.source, r.destination)]
        nodes = (n for e in entities for n in (e.positive, e.negative) if n is not None)
        return cls(
            rules,
            tuple(dict.fromkeys(p.subject for p in policies)),
            tuple(dict.fromkeys(nodes)),
            tuple(dict.fromkeys(net for e in entities for net in (*e.nets, *e.not_nets))),
            frozenset(p for e in entities for p in (*e.ports, *e.not_ports) if isinstance(p, str)),
            frozenset(p for r in rules for p in (*r.source.ports, *r.source.not_ports) if isinstance(p, str)),
            tuple(dict.fromkeys(e.service for e in entities if e.service is not None)),
            frozenset(
                e.positive
                for e in entities
                if e.positive and any(isinstance(p, str) for p in (*e.ports, *e.not_ports))
            ),
        )


class Ends:
    """Answers for addresses and pods of one world; its sets and host endpoints are indexed once.

    ``others`` are the labels of host endpoints, then of network sets; ``hosts`` says how many the former are.
    """

    def __init__(self, world: World, named: Named) -> None:
        """Index the world as far as the rules can ask for it."""
        self._world = world
        self._ports = named.ports
        self._keys = frozenset(named_keys((*named.subjects, *named.peers)))
        self._listed = hosts = list(world.host_endpoints.values())
        self.hosts = len(hosts)
        self.others: Sequence[Labels] = [
            *(self._kept(self._of_host(host)) for host in hosts),
            *(self._kept(self._of_set(item)) for item in world.network_sets),
        ]
        self._hosts_at: dict[Address, list[int]] = {}
        for place, host in enumerate(hosts):
            for address in host.addresses:
                self._hosts_at.setdefault(address, []).append(place)
        ranges = [(n, i) for i, item in enumerate(world.network_sets, self.hosts) for n in item.nets]
        self._owners = [owner for _, owner in ranges]
        self._sets = Memberships([net.interval for net, _ in ranges])
        self._backs = self._backing(named.services)

    def _backing(self, services: Sequence[tuple[str, str]]) -> dict[Address, set[tuple[object, ...]]]:
        wanted = {service for service in services if service[0]}
        found: dict[Address, set[tuple[object, ...]]] = {}
        for item in self._world.slices:
            service = (item.namespace, item.service)
            if service not in wanted:
                continue
            ports = {(service, NUMBERS[p.protocol], p.number) for p in item.ports if p.number is not None}
            for address in item.addresses:
                found.setdefault(address, set()).update(ports, {(service, 0, 0)})
        return found

    @property
    def addressed(self) -> frozenset[Address]:
        """Give the single addresses that rules tell apart: of services that they name, and of host endpoints."""
        return frozenset((*self._backs, *self._hosts_at))

    def backs(self, peer: Peer) -> frozenset[tuple[object, ...]]:
        """Give (service, protocol, port) of what a peer backs; protocol and port 0 for its address alone."""
        return frozenset(self._backs.get(peer.address, ())) if peer.address is not None else frozenset()

    def behind(self, address: Address | None) -> tuple[int, ...]:
        """Give the places, in ``others``, of what has this address besides pods."""
        if address is None:
            return ()
        sets = dict.fromkeys(self._owners[i] for i in self._sets.of(address))
        return (*self._hosts_at.get(address, ()), *sets)

    def called(self, peer: Peer) -> frozenset[tuple[str, int, int]]:
        """Give (name, protocol, number) of the ports behind a peer's address that a rule can name."""
        listed: list[NamedPort] = list(peer.pod.ports) if peer.pod is not None else []
        for place in self._hosts_at.get(peer.address, ()) if peer.address is not None else ():
            listed += self._listed[place].ports
        return frozenset(
            (p.name, NUMBERS[p.protocol], p.number)
            for p in listed
            if p.name in self._ports and p.protocol in NUMBERS
        )

    def is_placed(self, pod: Pod) -> bool:
        """Say whether the namespace of a pod is there; without it the profile that allows is not either."""
        return pod.namespace in self._world.namespaces

    def of_pod(self, pod: Pod) -> Labels:
        """Give the labels behind a pod, those left out that no selector names."""
        account = self._world.service_accounts.get((pod.namespace, pod.service_account))
        found = self._of_namespace(pod.namespace)
        found |= {f"pcsa.{k}": v for k, v in (account.labels if account else {}).items()}
        found["pcsa.projectcalico.org/name"] = pod.service_account
        found |= {k: v for k, v in pod.labels.items() if k[:5] not in {"pcns.", "pcsa."}}
        found["projectcalico.org/namespace"] = pod.namespace
        found["projectcalico.org/serviceaccount"] = pod.service_account
        found["projectcalico.org/orchestrator"] = "k8s"
        return self._kept(found)

    def _of_namespace(self, name: str) -> dict[str, str]:
        namespace = self._world.namespaces.get(name)
        found = {f"pcns.{k}": v for k, v in (namespace.labels if namespace else {}).items()}
        found["pcns.projectcalico.org/name"] = name
        return found

    def _of_set(self, item: NetworkSet) -> Labels:
        if item.namespace is None:
            return item.labels
        found = self._of_namespace(item.namespace)
        return {**found, **item.labels, "projectcalico.org/namespace": item.namespace}

    def _of_host(self, host: HostEndpoint) -> Labels:
        profiles = self._world.profiles
        applied = [profiles[p].labels_to_apply for p in host.profiles if p in profiles]
        return {k: v for labels in (*applied, host.labels) for k, v in labels.items()}

    def _kept(self, labels: Labels) -> Labels:
        return {k: v for k, v in labels.items() if k in self._keys}
