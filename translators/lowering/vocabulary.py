"""Collect everything that a set of policies can tell apart: the vocabulary of its space."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from functools import cached_property

from translators.algebra.cidrs import Cidr, Interval
from translators.algebra.space import SideName, Vocabulary
from translators.backing import backing
from translators.flows import Direction
from translators.ir.items import ScopedPeer
from translators.ir.policy import Entity, PortRange, Rule
from translators.lowering.hidden import is_hidden
from translators.lowering.keys import Home, home_of, leaves, pod_can_carry
from translators.lowering.pods import living
from translators.selectors.ast import Compare, Has, In, Node
from translators.world import Pod, World

__all__ = ["Collector"]

_TEXT = frozenset({"contains", "starts with", "ends with"})
_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_PORTED = (6, 17, 132)


class Collector:
    """Takes in selectors and rules one by one; ``vocabulary`` is the result."""

    def __init__(self, world: World, labels: str, *, by_number: bool = False) -> None:
        """Start with what the world itself tells apart: addresses of sets, nodes and host endpoints.

        ``labels`` is the agent's setting: which labels of pods can tell them apart. ``by_number``: the target takes
        no port names on egress that mean several numbers, so the pods that give them are told apart.
        """
        self._by_number = by_number
        self.vocabulary = Vocabulary()
        self._labels = labels
        self._world = world
        self._identities: dict[int, Hashable] = {}
        self._pairs = {(a.namespace, a.name) for a in world.service_accounts.values()}
        self._set_networks: set[Interval] = set()
        for item in world.network_sets:
            self._set_networks.update(net.interval for net in item.nets)
        self.vocabulary.networks.update(self._set_networks)
        for host in world.host_endpoints.values():
            self.vocabulary.networks.update(Interval(a.family, a.value, a.value) for a in host.addresses)

    def subject(self, node: Node) -> None:
        """Take in a policy's subject, or a rule's narrowing of it."""
        self._selector(node, SideName.SUBJECT)

    def rule(self, rule: Rule, direction: Direction, scoped: tuple[ScopedPeer, ScopedPeer]) -> None:
        """Take in one rule; ``scoped`` holds its source and destination after scoping."""
        ingress = direction is Direction.INGRESS
        sides = (SideName.PEER, SideName.SUBJECT) if ingress else (SideName.SUBJECT, SideName.PEER)
        for entity, peer, side in zip((rule.source, rule.destination), scoped, sides, strict=True):
            for node in (peer.positive, peer.negative):
                if node is not None:
                    self._selector(node, side)
                    if side is SideName.SUBJECT:
                        self.vocabulary.own_networks.update(self._set_networks)
            self._networks(entity, side)
            self._service(entity, egress=not ingress)
        self._traffic(rule)
        if self._by_number and not ingress:
            self._callers({p for p in rule.destination.ports if isinstance(p, str)})

    def _callers(self, names: set[str]) -> None:
        """Take in what names the pods that call a port so."""
        for pod in living(self._world) if self._world.is_cluster else ():
            if any(p.name in names for p in pod.ports):
                self._label_set(pod)

    def _selector(self, node: Node, side: SideName) -> None:
        for leaf in leaves(node):
            self._leaf(leaf, side)

    def _leaf(self, leaf: Has | Compare | In, side: SideName) -> None:
        home, name = home_of(leaf.key)
        values = self._values(leaf, home, name)
        match home:
            case Home.NAMESPACE:
                self.vocabulary.namespaces.update(values)
            case Home.ACCOUNT:
                self.vocabulary.accounts.update(values)
            case Home.ACCOUNT_LABEL:
                self.vocabulary.namespaces.update(ns for ns, _ in self._pairs)
                self.vocabulary.accounts.update(account for _, account in self._pairs)
            case Home.LABEL | Home.NAMESPACE_LABEL if pod_can_carry(name):
                labels = self.vocabulary.labels
                if home is Home.NAMESPACE_LABEL:
                    labels = self.vocabulary.namespace_labels
                labels[side].setdefault(name, set()).update(values)

    def _values(self, leaf: Has | Compare | In, home: Home, name: str) -> set[str]:
        match leaf:
            case Has():
                return set()
            case In(_, values, _):
                return {v for v in values if pod_can_carry("k", v)}
            case Compare(_, op, _) if op in _TEXT:
                return self._live_values(home, name)
            case Compare(_, _, value):
                return {value} if pod_can_carry("k", value) else set()

    def _live_values(self, home: Home, name: str) -> set[str]:
        match home:
            case Home.NAMESPACE:
                return set(self._world.namespaces)
            case Home.ACCOUNT:
                return {account for _, account in self._pairs}
            case Home.NAMESPACE_LABEL:
                sets = [ns.labels for ns in self._world.namespaces.values()]
            case _:
                sets = [pod.labels for pod in self._world.pods]
        return {labels[name] for labels in sets if name in labels}

    def _networks(self, entity: Entity, side: SideName) -> None:
        nets = {net.interval for net in (*entity.nets, *entity.not_nets)}
        peers = side is SideName.PEER
        (self.vocabulary.networks if peers else self.vocabulary.own_networks).update(nets)

        if peers and entity.nets and self._world.is_cluster:
            self._tell_apart(entity.nets)

    def _tell_apart(self, nets: Sequence[Cidr]) -> None:
        """Take in what names the pods at these addresses, if it tells them from all others (grade S2)."""
        if not any(self._meets(net) for net in nets):
            return
        inside, outside = [], set[Hashable]()
        for pod in living(self._world):
            held = [any(net.holds(a) for net in nets) for a in pod.addresses]
            if held and all(held):
                inside.append(pod)
            if not all(held):
                outside.add(self._identity(pod))
        if not inside or not outside or any(self._identity(pod) in outside for pod in inside):
            return
        for pod in inside:
            self._label_set(pod)

    def _label_set(self, pod: Pod) -> None:
        self.vocabulary.namespaces.add(pod.namespace)
        self.vocabulary.accounts.add(pod.service_account)
        for key, value in self._seen(pod):
            self.vocabulary.labels[SideName.PEER].setdefault(key, set()).add(value)

    def _meets(self, net: Cidr) -> bool:
        """Say whether a pod has an address in a network: for most there is none, and nothing is to be told apart."""
        place = bisect_left(self._pod_addresses, (net.family, net.first))
        return place < len(self._pod_addresses) and self._pod_addresses[place] <= (net.family, net.last)

    @cached_property
    def _pod_addresses(self) -> list[tuple[int, int]]:
        return sorted({(a.family, a.value) for pod in living(self._world) for a in pod.addresses})

    def _identity(self, pod: Pod) -> Hashable:
        if id(pod) not in self._identities:
            self._identities[id(pod)] = (pod.namespace, pod.service_account, self._seen(pod))
        return self._identities[id(pod)]

    def _seen(self, pod: Pod) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((k, v) for k, v in pod.labels.items() if not is_hidden(k, self._labels)))

    def _service(self, entity: Entity, *, egress: bool) -> None:
        if entity.service is None:
            return
        found = backing(self._world, entity.service, egress=egress)
        self.vocabulary.namespaces.add(found.service.namespace)
        for key, value in found.service.selector.items():
            self.vocabulary.labels[SideName.PEER].setdefault(key, set()).add(value)
        self.vocabulary.networks.update(Interval(a.family, a.value, a.value) for a in found.odd)
        for protocol, port in (*found.targets, *(port for ports in found.odd.values() for port in ports)):
            if protocol:
                self._port(protocol, port)

    def _port(self, protocol: int, port: int | str) -> None:
        if isinstance(port, str):
            self.vocabulary.port_names.add(port)
        else:
            self.vocabulary.ports.setdefault(protocol, set()).add((port, port))

    def _port_name(self, name: str) -> None:
        self.vocabulary.port_names.add(name)
        listed = [pod.ports for pod in self._world.pods]
        listed += [host.ports for host in self._world.host_endpoints.values()]
        for port in (port for ports in listed for port in ports):
            if port.name == name and port.protocol in _NUMBERS:
                self._port(_NUMBERS[port.protocol], port.number)

    def _traffic(self, rule: Rule) -> None:
        for number in (rule.protocol, rule.not_protocol):
            if number is not None:
                self.vocabulary.protocols.add(number)
        for wanted in (rule.icmp, rule.not_icmp):
            if wanted is not None and rule.protocol is not None:
                self.vocabulary.icmp.setdefault(rule.protocol, set()).add(wanted)
        protocols = _PORTED if rule.protocol is None else (rule.protocol,)
        for port in (*rule.destination.ports, *rule.destination.not_ports):
            if isinstance(port, PortRange):
                for protocol in protocols:
                    marks = self.vocabulary.ports.setdefault(protocol, set())
                    marks.add((port.first, port.last))
            else:
                self._port_name(port)
        for port in (*rule.source.ports, *rule.source.not_ports):
            if isinstance(port, PortRange):
                self.vocabulary.source_ports.add((port.first, port.last))
