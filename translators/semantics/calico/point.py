"""Judge one flow by walking tiers, policies and rules in the plainest way: the reference of this package.

Source: projectcalico/calico ``felix/rules/endpoints.go`` (chains and their ends), ``felix/rules/policy.go``
(matches); ``calico.md`` §9.1, §6.3, §8, §11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from translators.algebra.cidrs import Address, Cidr
from translators.flows import (
    UDP,
    Decision,
    Direction,
    Flow,
    FlowVerdict,
    Peer,
    PeerKind,
    Step,
    Verdict,
)
from translators.selectors.ast import Node
from translators.semantics.calico.labels import Endpoints, Labels, host_labels, pod_labels, selects
from translators.semantics.calico.model import CalicoPolicies, profile_rules
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedRule
from translators.world import FAILSAFES, HostEndpoint, Profile, World

__all__ = ["PointEvaluator", "judge"]

VXLAN_PORT = 4789
IPIP = 4
_PORTED = {6: "TCP", 17: "UDP", 132: "SCTP"}
_FAILSAFE = {
    Direction.INGRESS: frozenset(FAILSAFES.inbound),
    Direction.EGRESS: frozenset(FAILSAFES.outbound),
}
DEFAULT_ALLOW = "projectcalico-default-allow"
_ALLOW_ALL = Profile("", {}, ({"action": "Allow"},), ({"action": "Allow"},))


def judge(policies: CalicoPolicies, flow: Flow) -> FlowVerdict:
    """Judge one flow; for many flows over one set keep a ``PointEvaluator``."""
    return PointEvaluator(policies).judge(flow)


@dataclass(slots=True)
class _Walk:
    """One direction of one flow: the judged end's labels, and the trace so far."""

    flow: Flow
    direction: Direction
    labels: Labels
    steps: list[Step] = field(default_factory=list)

    def decided(self, verdict: Verdict, by: str, rule: ScopedRule | None = None) -> Decision:
        span = rule.span if rule else None
        self.steps.append(Step(by, "", verdict.value, span))
        return Decision(verdict, by, span, tuple(self.steps))


class PointEvaluator:
    """Judges flows over one set of policies; the world's addresses are indexed once."""

    def __init__(self, policies: CalicoPolicies) -> None:
        """Keep the policies and index their world."""
        self._tiers = policies.tiers
        self._world: World = policies.world
        self._endpoints = Endpoints(policies.world)

    def judge(self, flow: Flow) -> FlowVerdict:
        """Give both directions; None where that end is no endpoint that Calico polices."""
        return FlowVerdict(
            egress=self._end(flow, Direction.EGRESS, flow.source, flow.destination),
            ingress=self._end(flow, Direction.INGRESS, flow.destination, flow.source),
        )

    def _end(self, flow: Flow, direction: Direction, own: Peer, other: Peer) -> Decision | None:
        if own.kind is PeerKind.HOST_ENDPOINT and own.host_endpoint is not None:
            return self._host(flow, direction, own.host_endpoint)
        if own.kind is not PeerKind.POD or own.pod is None or own.pod.host_network:
            return None
        pod = own.pod
        walk = _Walk(flow, direction, pod_labels(pod, self._world))
        if direction is Direction.INGRESS and other.kind is PeerKind.HOST:
            return walk.decided(Verdict.ALLOW, "Host#own-pod")
        if direction is Direction.EGRESS and self._is_encapsulated(flow):
            return walk.decided(Verdict.DENY, "Encap#drop")
        kns, ksa = f"kns.{pod.namespace}", f"ksa.{pod.namespace}.{pod.service_account}"
        return self._tiers_then_profiles(walk, [kns, ksa])

    def _is_encapsulated(self, flow: Flow) -> bool:
        return flow.protocol == IPIP or (flow.protocol == UDP and flow.port == VXLAN_PORT)

    def _host(self, flow: Flow, direction: Direction, host: HostEndpoint) -> Decision | None:
        """An automatic host endpoint that no policy selects polices nothing."""
        walk = _Walk(flow, direction, host_labels(host, self._world))
        selected = any(selects(p.subject, walk.labels) for t in self._tiers for p in t.policies)
        if not selected and DEFAULT_ALLOW in host.profiles:
            return None
        if (flow.protocol, flow.port) in _FAILSAFE[direction]:
            return walk.decided(Verdict.ALLOW, "Failsafe")
        return self._tiers_then_profiles(walk, list(host.profiles))

    def _tiers_then_profiles(self, walk: _Walk, profiles: list[str]) -> Decision:
        for tier in self._tiers:
            applied = [
                p
                for p in tier.policies
                if not p.special and p.applies(walk.direction) and selects(p.subject, walk.labels)
            ]
            if not applied:
                continue
            passed = False
            for policy in applied:
                rule = self._first(walk, policy.rules[walk.direction], policy.label)
                if rule is None:
                    continue
                if rule.action == "pass":
                    passed = True
                    break
                return walk.decided(Verdict(rule.action), f"{policy.label}#{rule.index}", rule)
            if passed or tier.passes:
                continue
            return walk.decided(Verdict.DENY, f"Tier:{tier.name}#end")
        return self._profiles(walk, profiles)

    def _profiles(self, walk: _Walk, names: list[str]) -> Decision:
        for name in names:
            profile = self._profile(name)
            if profile is None:
                return walk.decided(Verdict.DENY, f"Profile:{name}#0")
            rules = profile.ingress if walk.direction is Direction.INGRESS else profile.egress
            rule = self._first(walk, profile_rules(rules, walk.direction), f"Profile:{name}")
            if rule is not None and rule.action != "pass":
                return walk.decided(Verdict(rule.action), f"Profile:{name}#{rule.index}", rule)
        return walk.decided(Verdict.DENY, "Profile:#end")

    def _profile(self, name: str) -> Profile | None:
        """Give a profile; that of a namespace exists with it, and allows both ways."""
        if name in self._world.profiles:
            return self._world.profiles[name]
        if name.startswith("kns."):
            return _ALLOW_ALL if name.removeprefix("kns.") in self._world.namespaces else None
        if name.startswith("ksa."):
            return Profile(name)
        return _ALLOW_ALL if name == DEFAULT_ALLOW else None

    def _first(self, walk: _Walk, rules: Iterable[ScopedRule], label: str) -> ScopedRule | None:
        for rule in rules:
            if not self._matches(rule, walk.flow):
                continue
            walk.steps.append(Step(label, f"rule {rule.index + 1}", rule.action, rule.span))
            if rule.action != "log":
                return rule
        return None

    def _matches(self, rule: ScopedRule, flow: Flow) -> bool:
        return (
            _family(rule, flow)
            and _protocol(rule, flow)
            and _icmp(rule, flow)
            and self._entity(rule.source, flow.source.address, flow, flow.source_port)
            and self._entity(rule.destination, flow.destination.address, flow, flow.port)
            and self._services(rule, flow)
        )

    def _entity(self, entity: ScopedEntity, address: Address | None, flow: Flow, port: int) -> bool:
        if entity.positive is not None and not self._in_set(entity.positive, address):
            return False
        if entity.negative is not None and self._in_set(entity.negative, address):
            return False
        if entity.nets and not _inside(address, entity.nets):
            return False
        if entity.not_nets and _inside(address, entity.not_nets):
            return False
        if entity.ports and not self._in_ports(entity.ports, entity.positive, address, (flow.protocol, port)):
            return False
        return not (
            entity.not_ports
            and self._in_ports(entity.not_ports, entity.positive, address, (flow.protocol, port))
        )

    def _in_set(self, node: Node, address: Address | None) -> bool:
        return address is not None and any(
            selects(node, labels) for labels in self._endpoints.label_sets(address)
        )

    def _in_ports(
        self, ports: Ports, positive: Node | None, address: Address | None, asked: tuple[int, int]
    ) -> bool:
        protocol, number = asked
        if protocol not in _PORTED:
            return False
        for port in ports:
            if isinstance(port, tuple):
                if port[0] <= number <= port[1]:
                    return True
            elif self._has_port(port, positive, address, asked):
                return True
        return False

    def _has_port(
        self, name: str, positive: Node | None, address: Address | None, asked: tuple[int, int]
    ) -> bool:
        protocol, number = asked
        return address is not None and any(
            called == name
            and text.upper() == _PORTED[protocol]
            and listed == number
            and (positive is None or selects(positive, labels))
            for labels, called, text, listed in self._endpoints.ports(address)
        )

    def _services(self, rule: ScopedRule, flow: Flow) -> bool:
        """A destination needs address, protocol and port of a service, a source the address alone."""
        source, destination = rule.source.service, rule.destination.service
        if source is not None and not any(
            flow.source.address in members.addresses for members in self._members(source)
        ):
            return False
        return destination is None or any(
            flow.destination.address in members.addresses and (flow.protocol, flow.port) in members.ports
            for members in self._members(destination)
        )

    def _members(self, service: tuple[str, str]) -> Iterator[_Members]:
        numbers = {name: number for number, name in _PORTED.items()}
        for item in self._world.slices:
            if (item.namespace, item.service) == service and service[0]:
                ports = {(numbers[p.protocol], p.number) for p in item.ports if p.number is not None}
                yield _Members(frozenset(item.addresses), frozenset(ports))


@dataclass(frozen=True, slots=True)
class _Members:
    addresses: frozenset[Address]
    ports: frozenset[tuple[int, int | None]]


def _inside(address: Address | None, nets: Iterable[Cidr]) -> bool:
    return any(net.holds(address) for net in nets)


def _protocol(rule: ScopedRule, flow: Flow) -> bool:
    if rule.protocol is not None and rule.protocol != flow.protocol:
        return False
    return rule.not_protocol is None or rule.not_protocol != flow.protocol


def _icmp(rule: ScopedRule, flow: Flow) -> bool:
    def hits(wanted: tuple[int, int | None]) -> bool:
        return wanted[0] == flow.icmp_type and wanted[1] in {None, flow.icmp_code}

    if rule.icmp is not None and not hits(rule.icmp):
        return False
    return rule.not_icmp is None or not hits(rule.not_icmp)


def _family(rule: ScopedRule, flow: Flow) -> bool:
    """A peer without an address is of no family: only a rule that does not ask for one reaches it."""
    if flow.source.address is None or flow.destination.address is None:
        return not rule.asks_family
    return flow.family in rule.families
