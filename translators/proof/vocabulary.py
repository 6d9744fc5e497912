"""Everything that either side can tell apart, read from its own objects."""

from __future__ import annotations

from collections.abc import Iterator

from translators.algebra.cidrs import Interval
from translators.algebra.space import SideName, Vocabulary
from translators.backing import backing
from translators.flows import Direction
from translators.proof.fields import possible
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import ScopedEntity, ScopedRule
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import NAMESPACE, NAMESPACE_LABELS, Selector
from translators.semantics.cilium.shapes import Element, PortMatch
from translators.world import World

__all__ = ["cilium_vocabulary", "source_vocabulary"]

_TEXT = frozenset({"contains", "starts with", "ends with"})
_PORTED = (6, 17, 132)
VXLAN_PORT = 4789


def source_vocabulary(policies: CalicoPolicies) -> Vocabulary:
    """Give the vocabulary of the Calico side, the world's sets and host endpoints included."""
    found = Vocabulary()
    world = policies.world
    if policies.encapsulation:
        found.ports.setdefault(17, set()).add((VXLAN_PORT, VXLAN_PORT))
    for item in world.network_sets:
        found.networks.update(net.interval for net in item.nets)
    for host in world.host_endpoints.values():
        found.networks.update(Interval(a.family, a.value, a.value) for a in host.addresses)
    for tier in policies.tiers:
        for policy in tier.policies:
            _selector(found, policy.subject, SideName.SUBJECT, world)
            for direction, rules in policy.rules.items():
                for rule in rules:
                    _rule(found, rule, direction, world)
    return found


def _leaves(node: Node) -> Iterator[Has | Compare | In]:
    match node:
        case Has() | Compare() | In():
            yield node
        case Not(operand):
            yield from _leaves(operand)
        case And(operands) | Or(operands):
            for part in operands:
                yield from _leaves(part)
        case All() | Global():
            return


def _selector(found: Vocabulary, node: Node, side: SideName, world: World) -> None:
    for leaf in _leaves(node):
        key = leaf.key
        values = _named(leaf, world)
        if key in {"projectcalico.org/namespace", "pcns.projectcalico.org/name"}:
            found.namespaces.update(values)
        elif key in {"projectcalico.org/serviceaccount", "pcsa.projectcalico.org/name"}:
            found.accounts.update(values)
        elif key.startswith("pcsa."):
            found.namespaces.update(ns for ns, _ in world.service_accounts)
            found.accounts.update(name for _, name in world.service_accounts)
        elif key.startswith("pcns.") and possible(key[5:]):
            found.namespace_labels[side].setdefault(key[5:], set()).update(values)
        elif key != "projectcalico.org/orchestrator" and possible(key):
            found.labels[side].setdefault(key, set()).update(values)


def _named(leaf: Has | Compare | In, world: World) -> set[str]:
    match leaf:
        case Has():
            return set()
        case In(_, values, _):
            return {value for value in values if possible("k", value)}
        case Compare(key, op, value) if op not in _TEXT:
            return {value} if possible("k", value) else set()
    key = leaf.key
    if key == "projectcalico.org/namespace":
        return set(world.namespaces)
    if key == "projectcalico.org/serviceaccount":
        return {name for _, name in world.service_accounts}
    if key.startswith("pcns."):
        return {n.labels[key[5:]] for n in world.namespaces.values() if key[5:] in n.labels}
    return {pod.labels[key] for pod in world.pods if key in pod.labels}


def _rule(found: Vocabulary, rule: ScopedRule, direction: Direction, world: World) -> None:
    ingress = direction is Direction.INGRESS
    sides = (SideName.PEER, SideName.SUBJECT) if ingress else (SideName.SUBJECT, SideName.PEER)
    for entity, side in zip((rule.source, rule.destination), sides, strict=True):
        for node in (entity.positive, entity.negative):
            if node is not None:
                _selector(found, node, side, world)
                if side is SideName.SUBJECT:
                    found.own_networks.update(n.interval for s in world.network_sets for n in s.nets)
        nets = {net.interval for net in (*entity.nets, *entity.not_nets)}
        (found.networks if side is SideName.PEER else found.own_networks).update(nets)
        _service(found, entity, world, egress=not ingress)
    for number in (rule.protocol, rule.not_protocol):
        if number is not None:
            found.protocols.add(number)
    for wanted in (rule.icmp, rule.not_icmp):
        if wanted is not None and rule.protocol is not None:
            found.icmp.setdefault(rule.protocol, set()).add(wanted)
    _ports(found, rule)


def _ports(found: Vocabulary, rule: ScopedRule) -> None:
    protocols = _PORTED if rule.protocol is None else (rule.protocol,)
    for port in (*rule.destination.ports, *rule.destination.not_ports):
        if isinstance(port, str):
            found.port_names.add(port)
        else:
            for protocol in protocols:
                found.ports.setdefault(protocol, set()).add(port)
    for port in (*rule.source.ports, *rule.source.not_ports):
        if not isinstance(port, str):
            found.source_ports.add(port)


def _service(found: Vocabulary, entity: ScopedEntity, world: World, *, egress: bool) -> None:
    if entity.service is None:
        return
    behind = backing(world, entity.service, egress=egress)
    found.namespaces.add(behind.service.namespace)
    for key, value in behind.service.selector.items():
        found.labels[SideName.PEER].setdefault(key, set()).add(value)
    found.networks.update(Interval(a.family, a.value, a.value) for a in behind.odd)
    for protocol, port in (*behind.targets, *(port for ports in behind.odd.values() for port in ports)):
        if isinstance(port, str):
            found.port_names.add(port)
        elif protocol:
            found.ports.setdefault(protocol, set()).add((port, port))


def cilium_vocabulary(policies: CiliumPolicies) -> Vocabulary:
    """Give the vocabulary of the Cilium side."""
    found = Vocabulary()
    for rule in policies.rules:
        _cilium_selector(found, rule.subject, SideName.SUBJECT)
        for section in (rule.allows, rule.denies):
            for elements in section.values():
                for element in elements:
                    _element(found, element)
    found.networks.update(_placed(policies))
    return found


def _placed(policies: CiliumPolicies) -> Iterator[Interval]:
    """Give the addresses of pods and nodes where the target's networks, or names of nodes, can mean them."""
    modes, plan = policies.config.cidr_match_mode, policies.world.plan
    if "pods" in modes:
        yield from (cidr.interval for cidr in (*plan.pods, *plan.cilium_pods))
    sections = [s for rule in policies.rules for s in (*rule.allows.values(), *rule.denies.values())]
    if "nodes" not in modes and not any(element.nodes for elements in sections for element in elements):
        return
    yield from (cidr.interval for cidr in plan.nodes)
    for node in policies.world.nodes.values():
        yield from (Interval(a.family, a.value, a.value) for a in node.addresses)


def _cilium_selector(found: Vocabulary, selector: Selector, side: SideName) -> None:
    for item in selector.requirements:
        values = set(item.values)
        if item.key == NAMESPACE:
            found.namespaces.update(values)
        elif item.key == "io.cilium.k8s.policy.serviceaccount":
            found.accounts.update(values)
        elif item.key.startswith(NAMESPACE_LABELS):
            key = item.key.removeprefix(NAMESPACE_LABELS)
            found.namespace_labels[side].setdefault(key, set()).update(values)
        elif item.key != "io.cilium.k8s.policy.cluster" and not item.reserved:
            found.labels[side].setdefault(item.key, set()).update(values)


def _element(found: Vocabulary, element: Element) -> None:
    for selector in element.selectors:
        _cilium_selector(found, selector, SideName.PEER)
    for prefix in element.prefixes:
        found.networks.add(prefix.cidr.interval)
        found.networks.update(hole.interval for hole in prefix.holes)
    for match in element.traffic or ():
        _match(found, match)


def _match(found: Vocabulary, match: PortMatch) -> None:
    if match.name:
        found.port_names.add(match.name)
    for protocol in match.protocols:
        if protocol in _PORTED and (match.first, match.last) != (0, 65535) and not match.name:
            found.ports.setdefault(protocol, set()).add((match.first, match.last))
        if protocol in {1, 58}:
            for type_ in match.types or ():
                found.icmp.setdefault(protocol, set()).add((type_, None))
        if protocol not in {1, 58, *_PORTED}:
            found.protocols.add(protocol)
