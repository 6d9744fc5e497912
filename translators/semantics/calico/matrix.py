"""Judge every class against every class at once: tiers walked with sets of peers as integers.

The second evaluator of this package. It shares the normalised policies with ``point`` and nothing else: labels,
membership and ports are worked out per peer class, once per distinct selector (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property

from translators.flows import ICMP, ICMPV6, SCTP, TCP, UDP, Direction, Peer, PeerKind
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedPolicy, ScopedRule
from translators.universe import Cuts, Matrix, TrafficAtom, Universe
from translators.world import NetworkSet, Pod

__all__ = ["CalicoSide"]

_NAMES = {"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
_PORTED = frozenset(_NAMES.values())


class CalicoSide:
    """One set of Calico policies, as the comparison of matrices sees it.

    The built-in drop of tunnel packets (CAL-L514) is left out, as it is from the obligations.
    """

    def __init__(self, policies: CalicoPolicies) -> None:
        """Collect every distinct selector, network and port name once."""
        self._tiers = policies.tiers
        self._world = policies.world
        self._rules = [
            rule for t in policies.tiers for p in t.policies for rules in p.rules.values() for rule in rules
        ]
        self._subjects = {p.subject for t in policies.tiers for p in t.policies}
        entities = [e for rule in self._rules for e in (rule.source, rule.destination)]
        self._nodes = list(
            dict.fromkeys(n for e in entities for n in (e.positive, e.negative) if n is not None)
        )
        self._nets = list(dict.fromkeys(net for e in entities for net in (*e.nets, *e.not_nets)))
        self._names = sorted({p for e in entities for p in (*e.ports, *e.not_ports) if isinstance(p, str)})
        self._services = sorted({e.service for e in entities if e.service is not None})
        self._asked: dict[Hashable, tuple[int, int]] = {}
        self._sets = [(item, _set_labels(item, self._namespace_labels)) for item in self._world.network_sets]

    @cached_property
    def _namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        return {name: ns.labels for name, ns in self._world.namespaces.items()}

    def cuts(self) -> Cuts:
        """Give every boundary that the policies, or the sets and services behind them, can tell apart."""
        ports: dict[int, set[tuple[int, int]]] = {}
        sources: dict[int, set[tuple[int, int]]] = {}
        icmp: dict[int, set[tuple[int, int, int]]] = {}
        for rule in self._rules:
            protocols = _PORTED if rule.protocol is None else {rule.protocol}
            for protocol in protocols & _PORTED:
                ports.setdefault(protocol, set()).update(_numbers(rule.destination))
                sources.setdefault(protocol, set()).update(_numbers(rule.source))
            for wanted in (rule.icmp, rule.not_icmp):
                if wanted is not None and rule.protocol is not None:
                    low, high = (0, 255) if wanted[1] is None else (wanted[1], wanted[1])
                    icmp.setdefault(rule.protocol, set()).add((wanted[0], low, high))
        for pod in self._world.pods:
            for port in pod.ports:
                if port.name in self._names:
                    ports.setdefault(_NAMES[port.protocol], set()).add((port.number, port.number))
        for item in self._world.slices:
            for listed in item.ports:
                if listed.number is not None:
                    ports.setdefault(_NAMES[listed.protocol], set()).add((listed.number, listed.number))
        nets = {net.interval for net in self._nets}
        nets |= {net.interval for item, _ in self._sets for net in item.nets}
        numbers = {n for r in self._rules for n in (r.protocol, r.not_protocol) if n is not None}
        return Cuts(frozenset(nets), _frozen(ports), _frozen(sources), _frozen(icmp), frozenset(numbers))

    def signature(self, peer: Peer) -> Hashable:
        """Give everything that some policy can tell of a peer."""
        family = peer.address.family if peer.address is not None else 0
        nets = tuple(net.holds(peer.address) for net in self._nets)
        chosen, subject = self._of_pod(peer.pod) if peer.pod is not None else (0, 0)
        for labels in self._sets_at(peer):
            chosen |= _bits(_holds(node, labels) for node in self._nodes)
        ports = tuple(sorted(self._called(peer)))
        backs = tuple(self._backs(service, peer) for service in self._services)
        return (peer.kind is PeerKind.HOST, family, nets, chosen, subject, ports, backs)

    def _of_pod(self, pod: Pod) -> tuple[int, int]:
        """Give the selectors and subjects that a pod's labels match; pods of equal labels are asked once."""
        key = (pod.namespace, pod.service_account, frozenset(pod.labels.items()))
        if key not in self._asked:
            own = self._pod_labels(pod)
            chosen = _bits(_holds(node, own) for node in self._nodes)
            self._asked[key] = (chosen, _bits(_holds(node, own) for node in self._subjects))
        return self._asked[key]

    def matrix(self, universe: Universe, subjects: Iterable[int] | None = None) -> Matrix:
        """Walk the tiers for every subject; rows stand in the order of ``universe.subjects``."""
        facts = _Facts(self, universe)
        wanted = range(len(universe.subjects)) if subjects is None else subjects
        indexes = [universe.subjects[i] for i in wanted]
        return {
            direction: tuple(self._row(facts, index, direction) for index in indexes)
            for direction in Direction
        }

    def _row(self, facts: _Facts, subject: int, direction: Direction) -> tuple[int, ...]:
        peer = facts.universe.peers[subject].representative
        atoms = range(len(facts.universe.atoms))
        if peer.pod is None:
            return tuple(facts.everyone for _ in atoms)
        own = self._pod_labels(peer.pod)
        undecided = [facts.everyone] * len(atoms)
        allowed = [0] * len(atoms)
        for tier in self._tiers:
            members = [p for p in self._near(tier.policies, peer.pod) if _selects(p, direction, own)]
            if not members:
                continue
            passed = [0] * len(atoms)
            for policy in members:
                for rule in policy.rules[direction]:
                    self._apply(facts, (rule, subject, direction), (undecided, allowed, passed))
            if tier.passes:
                passed = [a | b for a, b in zip(passed, undecided, strict=True)]
            undecided = passed
        local = facts.local_hosts if direction is Direction.INGRESS else 0
        if peer.pod.namespace not in self._world.namespaces:
            undecided = [0] * len(atoms)
        return tuple(a | u | local for a, u in zip(allowed, undecided, strict=True))

    def _near(self, policies: Iterable[ScopedPolicy], pod: Pod) -> Iterator[ScopedPolicy]:
        for policy in policies:
            if not policy.special and policy.namespace in {"", pod.namespace}:
                yield policy

    def _apply(
        self,
        facts: _Facts,
        asked: tuple[ScopedRule, int, Direction],
        state: tuple[list[int], list[int], list[int]],
    ) -> None:
        rule, subject, direction = asked
        if rule.action == "log":
            return
        undecided, allowed, passed = state
        for atom, peers in facts.matched(rule, subject, direction):
            hit = undecided[atom] & peers
            undecided[atom] ^= hit
            if rule.action == "allow":
                allowed[atom] |= hit
            elif rule.action == "pass":
                passed[atom] |= hit

    def _pod_labels(self, pod: Pod) -> dict[str, str]:
        account = self._world.service_accounts.get((pod.namespace, pod.service_account))
        found = {f"pcns.{k}": v for k, v in self._namespace_labels.get(pod.namespace, {}).items()}
        found |= {f"pcsa.{k}": v for k, v in (account.labels if account else {}).items()}
        found["pcns.projectcalico.org/name"] = pod.namespace
        found["pcsa.projectcalico.org/name"] = pod.service_account
        found |= {k: v for k, v in pod.labels.items() if k[:5] not in {"pcns.", "pcsa."}}
        found["projectcalico.org/namespace"] = pod.namespace
        found["projectcalico.org/serviceaccount"] = pod.service_account
        found["projectcalico.org/orchestrator"] = "k8s"
        return found

    def _label_sets(self, peer: Peer) -> list[Mapping[str, str]]:
        """Give the labels of everything that has the peer's address."""
        own = [self._pod_labels(peer.pod)] if peer.pod is not None else []
        return [*own, *self._sets_at(peer)]

    def _own_labels(self, peer: Peer) -> list[Mapping[str, str]]:
        """Give the labels of the endpoints at the peer's address, sets left out."""
        pod = [self._pod_labels(peer.pod)] if peer.pod is not None else []
        hosts = [h.name for h in self._world.host_endpoints.values() if peer.address in h.addresses]
        return [*pod, *(self._host_labels(name) for name in hosts)]

    def _sets_at(self, peer: Peer) -> list[Mapping[str, str]]:
        """Give the labels of the host endpoints and network sets that hold the peer's address."""
        found: list[Mapping[str, str]] = []
        if peer.address is None:
            return found
        for host in self._world.host_endpoints.values():
            if peer.address in host.addresses:
                found.append(self._host_labels(host.name))
        found += [labels for item, labels in self._sets if any(net.holds(peer.address) for net in item.nets)]
        return found

    def _host_labels(self, name: str) -> dict[str, str]:
        host = self._world.host_endpoints[name]
        applied = [
            self._world.profiles[p].labels_to_apply for p in host.profiles if p in self._world.profiles
        ]
        return {k: v for labels in (*applied, host.labels) for k, v in labels.items()}

    def _called(self, peer: Peer) -> set[tuple[str, int, int]]:
        """Give (name, protocol, number) of the named ports behind a peer's address."""
        listed = list(peer.pod.ports) if peer.pod is not None else []
        for host in self._world.host_endpoints.values():
            if peer.address is not None and peer.address in host.addresses:
                listed += host.ports
        return {(p.name, _NAMES[p.protocol], p.number) for p in listed if p.protocol in _NAMES}

    def _backs(self, service: tuple[str, str], peer: Peer) -> tuple[tuple[int, int], ...]:
        """Give the (protocol, port) pairs at which a peer backs a service; (0, 0) for its address alone."""
        found: set[tuple[int, int]] = set()
        for item in self._world.slices:
            if service[0] and (item.namespace, item.service) == service and peer.address in item.addresses:
                found.add((0, 0))
                found |= {(_NAMES[p.protocol], p.number) for p in item.ports if p.number is not None}
        return tuple(sorted(found))


class _Facts:
    """What is true of each peer class of one universe, as bits; worked out once per distinct question."""

    def __init__(self, side: CalicoSide, universe: Universe) -> None:
        self.side = side
        self.universe = universe
        peers = [c.representative for c in universe.peers]
        self.everyone = (1 << len(peers)) - 1
        self.local_hosts = _bits(p.kind is PeerKind.HOST for p in peers)
        self._peers = peers
        self._labels = [side._label_sets(p) for p in peers]  # noqa: SLF001  # the two are one evaluator
        self._own = [side._own_labels(p) for p in peers]  # noqa: SLF001
        self._called = [side._called(p) for p in peers]  # noqa: SLF001
        self._known: dict[Hashable, int] = {}
        self._traffic: dict[int, list[int]] = {}

    def _once(self, key: Hashable, values: Iterator[bool]) -> int:
        if key not in self._known:
            self._known[key] = _bits(values)
        return self._known[key]

    def selected(self, node: Node) -> int:
        return self._once(("set", node), (any(_holds(node, f) for f in labels) for labels in self._labels))

    def matched(self, rule: ScopedRule, subject: int, direction: Direction) -> Iterator[tuple[int, int]]:
        """Give, for each atom that the rule can match, the peers with which it does."""
        ingress = direction is Direction.INGRESS
        own, other = (rule.destination, rule.source) if ingress else (rule.source, rule.destination)
        if not self._of(own) >> subject & 1:
            return
        peers = self._of(other) & self._families(rule)
        for atom in self._atoms(rule):
            traffic = self.universe.atoms[atom]
            here = peers & self._at_ports(rule, subject, traffic, ingress=ingress)
            if other.service is not None:
                here &= self._backing(other.service, traffic, egress=not ingress)
            if here:
                yield atom, here

    def _of(self, entity: ScopedEntity) -> int:
        found = self.everyone
        if entity.positive is not None:
            found &= self.selected(entity.positive)
        if entity.negative is not None:
            found &= ~self.selected(entity.negative)
        for nets, inside in ((entity.nets, True), (entity.not_nets, False)):
            if nets:
                bits = self._once(
                    ("nets", nets), (any(n.holds(p.address) for n in nets) for p in self._peers)
                )
                found &= bits if inside else self.everyone & ~bits
        return found

    def _families(self, rule: ScopedRule) -> int:
        """A peer without an address is of no family: only a rule that does not ask for one reaches it."""
        families, asks = rule.families, rule.asks_family
        return self._once(
            ("families", families, asks),
            (not asks if p.address is None else p.address.family in families for p in self._peers),
        )

    def _atoms(self, rule: ScopedRule) -> list[int]:
        key = id(rule)
        if key not in self._traffic:
            self._traffic[key] = [i for i, atom in enumerate(self.universe.atoms) if _speaks(rule, atom)]
        return self._traffic[key]

    def _at_ports(self, rule: ScopedRule, subject: int, atom: TrafficAtom, *, ingress: bool) -> int:
        """Give the peers with which the destination's ports fit: on egress a name depends on the peer."""
        ports, nots = rule.destination.ports, rule.destination.not_ports
        if not ports and not nots:
            return self.everyone
        named = self._named(rule.destination.positive)
        place = (subject, ingress)
        wanted = self._fits(ports, place, atom, named) if ports else self.everyone
        refused = self._fits(nots, place, atom, named) if nots else 0
        return wanted & ~refused

    def _named(self, positive: Node | None) -> int:
        """A port name counts for endpoints whose own labels match, not for a set that holds their address."""
        if positive is None:
            return self.everyone
        return self._once(("own", positive), (any(_holds(positive, f) for f in own) for own in self._own))

    def _fits(self, ports: Ports, place: tuple[int, bool], atom: TrafficAtom, named: int) -> int:
        if atom.protocol not in _PORTED:
            return 0
        subject, ingress = place
        found = 0
        for port in ports:
            if isinstance(port, tuple):
                if port[0] <= atom.ports[0] and atom.ports[1] <= port[1]:
                    return self.everyone
            elif atom.ports[0] == atom.ports[1]:
                asked = (port, atom.protocol, atom.ports[0])
                if ingress and named >> subject & 1 and asked in self._called[subject]:
                    return self.everyone
                if not ingress:
                    calling = self._once(("called", asked), (asked in called for called in self._called))
                    found |= calling & named
        return found

    def _backing(self, service: tuple[str, str], atom: TrafficAtom, *, egress: bool) -> int:
        asked = (atom.protocol, atom.ports[0]) if egress else (0, 0)
        if egress and atom.ports[0] != atom.ports[1]:
            return 0
        return self._once(
            ("backs", service, asked),
            (asked in self.side._backs(service, p) for p in self._peers),  # noqa: SLF001
        )


def _selects(policy: ScopedPolicy, direction: Direction, labels: Mapping[str, str]) -> bool:
    return policy.applies(direction) and _holds(policy.subject, labels)


def _speaks(rule: ScopedRule, atom: TrafficAtom) -> bool:
    if rule.protocol not in {None, atom.protocol} or rule.not_protocol == atom.protocol:
        return False
    if rule.icmp is not None and not _is(rule.icmp, atom):
        return False
    if rule.not_icmp is not None and _is(rule.not_icmp, atom):
        return False
    for ports, inside in ((rule.source.ports, True), (rule.source.not_ports, False)):
        ranges = [p for p in ports if isinstance(p, tuple)]
        low, high = atom.source_ports
        within = atom.protocol in _PORTED and any(a <= low and high <= b for a, b in ranges)
        if ports and within is not inside:
            return False
    return True


def _is(wanted: tuple[int, int | None], atom: TrafficAtom) -> bool:
    if atom.protocol not in {ICMP, ICMPV6} or atom.types != (wanted[0], wanted[0]):
        return False
    return wanted[1] is None or atom.codes == (wanted[1], wanted[1])


def _holds(node: Node, labels: Mapping[str, str]) -> bool:
    """Evaluate bottom-up, with a missing label as None."""
    match node:
        case And(operands):
            return all(_holds(part, labels) for part in operands)
        case Or(operands):
            return any(_holds(part, labels) for part in operands)
        case Not(operand):
            return not _holds(operand, labels)
        case Has(key):
            return labels.get(key) is not None
        case In(key, values, negated):
            return (labels.get(key) in values) is not negated
        case Compare(key, op, value):
            found = labels.get(key)
            if op in {"==", "!="}:
                return (found == value) is (op == "==")
            tests = {"contains": str.__contains__, "starts with": str.startswith, "ends with": str.endswith}
            return found is not None and bool(tests[op](found, value))
        case All() | Global():
            return True


def _set_labels(item: NetworkSet, namespaces: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    if item.namespace is None:
        return dict(item.labels)
    found = {f"pcns.{k}": v for k, v in namespaces.get(item.namespace, {}).items()}
    found["pcns.projectcalico.org/name"] = item.namespace
    return {**found, **item.labels, "projectcalico.org/namespace": item.namespace}


def _numbers(entity: ScopedEntity) -> set[tuple[int, int]]:
    return {p for p in (*entity.ports, *entity.not_ports) if isinstance(p, tuple)}


def _bits(values: Iterable[bool]) -> int:
    return sum(1 << index for index, value in enumerate(values) if value)


def _frozen[T](marks: Mapping[int, set[T]]) -> dict[int, frozenset[T]]:
    return {protocol: frozenset(values) for protocol, values in marks.items()}
