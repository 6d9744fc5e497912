"""Judge one flow by asking every rule of the endpoint in the plainest way: the reference of this package.

Deny beats allow, whatever is more specific; without a match default deny decides, and the local host always
reaches its pods unless an explicit deny covers it (``cilium.md`` §5, §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translators.flows import Decision, Direction, Flow, FlowVerdict, Peer, PeerKind, Step, Verdict
from translators.semantics.cilium.labels import addresses_of, identity_labels
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import Selector
from translators.semantics.cilium.shapes import Element, PortMatch, Prefix, Rule
from translators.world import Node

__all__ = ["PointEvaluator"]

_NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}
_IN_CLUSTER = frozenset({"health", "ingress", "init", "unmanaged"})


class PointEvaluator:
    """Judges flows over one set of policies."""

    def __init__(self, policies: CiliumPolicies) -> None:
        """Keep the rules and the configuration."""
        self._rules = policies.rules
        self._config = policies.config
        self._world = policies.world
        self._api = policies.world.plan.api_servers
        self._named = policies.named

    def judge(self, flow: Flow) -> FlowVerdict:
        """Give both directions; None where that end is no endpoint that Cilium polices."""
        return FlowVerdict(
            egress=self._end(flow, Direction.EGRESS, flow.source, flow.destination),
            ingress=self._end(flow, Direction.INGRESS, flow.destination, flow.source),
        )

    def _end(self, flow: Flow, direction: Direction, own: Peer, other: Peer) -> Decision | None:
        if own.kind is PeerKind.HOST_ENDPOINT and own.node is not None:
            return self._node_end(flow, direction, own.node, other)
        if own.kind is not PeerKind.POD or own.pod is None or own.pod.host_network:
            return None
        labels = identity_labels(own.pod, self._world, self._config)
        rules = [
            r for r in self._rules if not r.of_nodes and direction in r.applies and r.subject.holds(labels)
        ]
        steps: list[Step] = []
        decision = self._decide(rules, (direction, flow), other, steps)
        return Decision(decision.verdict, decision.by, decision.span, tuple(steps))

    def _node_end(self, flow: Flow, direction: Direction, node: Node, other: Peer) -> Decision | None:
        """The host firewall polices nodes that a policy selects, by the labels of nodes."""
        labels = node.labels if self._config.node_selector_labels else {}
        own = [r for r in self._rules if r.of_nodes and r.subject.holds(labels)]
        if not own or not self._config.host_firewall:
            return None
        rules = [r for r in own if direction in r.applies]
        steps: list[Step] = []
        decision = self._decide(rules, (direction, flow), other, steps)
        return Decision(decision.verdict, decision.by, decision.span, tuple(steps))

    def _decide(
        self,
        rules: list[Rule],
        asked: tuple[Direction, Flow],
        other: Peer,
        steps: list[Step],
    ) -> Decision:
        direction, _ = asked
        if self._config.enforcement == "never":
            return Decision(Verdict.ALLOW, "enforcement never")
        deny = self._first(((r, r.denies.get(direction, ())) for r in rules), asked, other)
        if deny is not None:
            steps.append(Step(deny[0].object, deny[1].label, "deny", deny[1].span))
            return Decision(Verdict.DENY, f"{deny[0].object} {deny[1].label}", deny[1].span)
        local = direction is Direction.INGRESS and other.kind is PeerKind.HOST
        isolated = any(direction in r.isolates for r in rules)
        if (
            local
            and self._config.allow_localhost != "policy"
            and (rules or self._config.enforcement != "always")
        ):
            return Decision(Verdict.ALLOW, "local host")
        allow = self._first(((r, r.allows.get(direction, ())) for r in rules), asked, other)
        if allow is not None:
            steps.append(Step(allow[0].object, allow[1].label, "allow", allow[1].span))
            return Decision(Verdict.ALLOW, f"{allow[0].object} {allow[1].label}", allow[1].span)
        if isolated or self._config.enforcement == "always":
            return Decision(Verdict.DENY, "default deny")
        return Decision(Verdict.ALLOW, "not isolated")

    def _first(
        self,
        sections: Iterable[tuple[Rule, tuple[Element, ...]]],
        asked: tuple[Direction, Flow],
        other: Peer,
    ) -> tuple[Rule, Element] | None:
        for rule, elements in sections:
            for element in elements:
                if self._peer(element, other) and self._traffic(element, asked, other):
                    return rule, element
        return None

    def _traffic(self, element: Element, asked: tuple[Direction, Flow], other: Peer) -> bool:
        """A port name of the destination is looked up for each identity that is meant by its own labels."""
        if element.traffic is None:
            return True
        direction, flow = asked
        ingress = direction is Direction.INGRESS
        named = ingress or self._peer(element, other, by_labels=True)
        return any((named or not m.name) and _port_matches(m, flow, ingress=ingress) for m in element.traffic)

    def _peer(self, element: Element, other: Peer, *, by_labels: bool = False) -> bool:
        """``by_labels``: without what a selector reaches too far."""
        if element.anyone:
            return not (by_labels and element.every_group)
        return (
            any(self._selected(s, other, by_labels=by_labels) for s in element.selectors)
            or any(self._entity(name, other) for name in element.entities)
            or any(self._in_prefix(prefix, other) for prefix in element.prefixes)
            or any(self._node(s, other) for s in element.nodes)
        )

    def _selected(self, selector: Selector, other: Peer, *, by_labels: bool) -> bool:
        if any(r.reserved for r in selector.requirements):
            return self._reserved(selector, other, by_labels=by_labels)
        told_apart = self._config.node_selector_labels and other.node is not None
        if selector.over_selects and not by_labels and not (told_apart and other.kind is PeerKind.HOST):
            return True
        if told_apart and other.node is not None and other.kind in _NODES:
            return selector.holds_of_node(other.node.labels)
        if other.kind is not PeerKind.POD or other.pod is None:
            return False
        return selector.holds(identity_labels(other.pod, self._world, self._config))

    def _reserved(self, selector: Selector, other: Peer, *, by_labels: bool) -> bool:
        """A reserved key switches off every limit that is otherwise added.

        Terms of absence alone are met by whoever has an identity of its own: those stand for whole classes of
        identities whose labels are not looked at. The reserved identities are asked one by one.
        """
        if selector.only_negative and not by_labels and self._has_own_identity(other):
            return True
        if other.kind is PeerKind.POD and other.pod is not None:
            return selector.holds(identity_labels(other.pod, self._world, self._config))
        held = {name: "" for name in self._reserved_names(other)}
        if self._config.node_selector_labels and other.node is not None and other.kind in _NODES:
            held.update(other.node.labels)
        return selector.holds(held)

    def _reserved_names(self, other: Peer) -> Iterator[str]:
        if self._is_api_server(other):
            yield "kube-apiserver"
        match other.kind:
            case PeerKind.HOST:
                yield "host"
            case PeerKind.REMOTE:
                yield "remote-node"
            case PeerKind.ENTITY:
                yield other.entity
            case PeerKind.WORLD if other.address is not None:
                both = self._config.ipv4 and self._config.ipv6
                yield f"world-ipv{other.address.family}" if both else "world"

    def _has_own_identity(self, other: Peer) -> bool:
        """Say whether a peer is no reserved identity: pods, named networks outside, nodes that are told apart."""
        match other.kind:
            case PeerKind.POD:
                return True
            case PeerKind.REMOTE:
                return self._config.node_selector_labels or "nodes" in self._config.cidr_match_mode
            case PeerKind.WORLD:
                return self._is_api_server(other) or any(cidr.holds(other.address) for cidr in self._named)
        return False

    def _entity(self, name: str, other: Peer) -> bool:
        match name:
            case "all":
                return True
            case "none":
                return False
            case "world":
                return other.kind is PeerKind.WORLD
            case "host":
                return other.kind is PeerKind.HOST
            case "remote-node":
                return other.kind is PeerKind.REMOTE
            case "kube-apiserver":
                return self._is_api_server(other)
            case "cluster":
                return other.kind is not PeerKind.WORLD or self._is_api_server(other)
        return other.kind is PeerKind.ENTITY and other.entity == name

    def _is_api_server(self, other: Peer) -> bool:
        kinds = {PeerKind.HOST, PeerKind.REMOTE, PeerKind.WORLD}
        return other.kind in kinds and any(cidr.holds(other.address) for cidr in self._api)

    def _in_prefix(self, prefix: Prefix, other: Peer) -> bool:
        """Networks match the world, and pods or nodes only in the match mode that says so."""
        mode = {PeerKind.POD: "pods", PeerKind.HOST: "nodes", PeerKind.REMOTE: "nodes"}.get(other.kind)
        labelled = other.kind is PeerKind.REMOTE and self._config.node_selector_labels
        absent = other.kind in _PLACED or labelled
        if prefix.by_absence and "pods" in self._config.cidr_match_mode and absent:
            return True
        if other.kind is not PeerKind.WORLD and mode not in self._config.cidr_match_mode:
            return False
        if mode == "nodes" and prefix.cidr.length == 0 and not prefix.by_absence:
            return False
        addresses = addresses_of(other)
        inside = any(prefix.cidr.holds(a) for a in addresses)
        return inside and not any(hole.holds(a) for hole in prefix.holes for a in addresses)

    def _node(self, selector: Selector, other: Peer) -> bool:
        """Nodes as peers are other nodes: a label of theirs is added, which the own node has not."""
        if not self._config.node_selector_labels or other.node is None or other.kind is not PeerKind.REMOTE:
            return False
        return selector.holds_of_node(other.node.labels)


_NODES = frozenset({PeerKind.HOST, PeerKind.REMOTE})
_PLACED = frozenset({PeerKind.WORLD, PeerKind.POD, PeerKind.ENTITY})


def _port_matches(match: PortMatch, flow: Flow, *, ingress: bool) -> bool:
    """The end of a range that begins with a port name counts on ingress alone."""
    if flow.protocol not in match.protocols:
        return False
    if flow.protocol in {1, 58}:
        return match.types is None or flow.icmp_type in match.types
    if not match.name:
        return flow.protocol not in _NAMES or match.first <= flow.port <= match.last
    last = match.last if ingress else 0
    return any(
        port.name == match.name
        and port.protocol == _NAMES.get(flow.protocol)
        and port.number <= flow.port <= max(port.number, last)
        for port in (flow.destination.pod.ports if flow.destination.pod is not None else ())
    )
