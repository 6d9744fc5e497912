"""Calico's policies as ordered items: what each rule, each end of a tier and the residual decide.

``C`` of an item is its match region, its subject included, minus the earlier Passes of its tier; the verdict
of a flow is the action of the first item whose ``C`` holds it (``expansion.md`` §1). Built from the normalised
Calico objects alone; only pods are subjects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from translators.algebra.cidrs import BITS, Address, Cidr
from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import AddressAtom, AtomKind, Field, SideName, Space, TrafficKind
from translators.backing import backing
from translators.flows import Direction
from translators.proof.fields import atoms_inside, bits_of, bits_where, kinds, label_field, present
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.semantics.calico.labels import host_labels, selects, set_labels
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import Ports, ScopedEntity, ScopedRule
from translators.span import Span
from translators.world import World

__all__ = ["SourceItem", "source_items", "subjects"]

_CAP = 20_000
_PORTED = (6, 17, 132)
VXLAN_PORT = 4789
_ADDRESSED = (AtomKind.POD, AtomKind.HOST, AtomKind.REMOTE, AtomKind.WORLD)


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One step of Calico's walk: ``by`` names it as a trace does."""

    allows: bool
    region: tuple[int, ...]
    by: str
    span: Span | None


def source_items(policies: CalicoPolicies, space: Space, direction: Direction) -> list[SourceItem]:
    """Give the items of one direction in order; host traffic to own pods is in none on ingress."""
    reader = _Reader(space, policies.world, direction)
    layers = []
    for tier in policies.tiers:
        members = [p for p in tier.policies if p.applies(direction) and not p.special]
        if members:
            layers.append((tier, members))
    items: list[SourceItem] = []
    everyone: list[int] = []
    if policies.encapsulation and direction is Direction.EGRESS:
        items.append(SourceItem(False, tuple(reader.tunnelled()), "Encap#drop", None))
        everyone += reader.subject(All())
    for index, (tier, members) in enumerate(layers):
        last = index == len(layers) - 1
        passes: list[int] = []
        subjects: list[int] = []
        for policy in members:
            subject = reader.subject(policy.subject)
            subjects += subject
            for rule in policy.rules[direction]:
                if rule.action == "log":
                    continue
                region = reader.rule(rule, subject)
                region = _minus(space, region, passes)
                by = f"{policy.label}#{rule.index}"
                if rule.action == "pass" and not last:
                    passes += region
                else:
                    items.append(SourceItem(rule.action != "deny", tuple(region), by, rule.span))
        joined = join(space.layout, subjects)
        if not tier.passes:
            rest = _minus(space, joined, passes)
            items.append(SourceItem(False, tuple(rest), f"Tier:{tier.name}#end", None))
        everyone += joined
    items.append(SourceItem(True, tuple(join(space.layout, everyone)), "Profile:kns#0", None))
    return items


def subjects(
    policies: CalicoPolicies, space: Space, direction: Direction, nodes: Iterable[Node]
) -> list[int]:
    """Give the pods that these selectors select, with every peer that is policed in this direction."""
    reader = _Reader(space, policies.world, direction)
    return join(space.layout, (cube for node in nodes for cube in reader.subject(node)))


def _minus(space: Space, region: Sequence[int], holes: Sequence[int]) -> list[int]:
    if not holes:
        return list(region)
    rest = sub(space.layout, region, holes, _CAP, Budget())
    if rest is None:
        message = "the passes of one tier need too many terms"
        raise OverflowError(message)
    return rest


class _Reader:
    """Turns scoped rules into regions of one direction."""

    def __init__(self, space: Space, world: World, direction: Direction) -> None:
        self._space = space
        self._world = world
        self._ingress = direction is Direction.INGRESS
        self._known: dict[tuple[Node, SideName], list[int]] = {}
        self._regions: dict[tuple[object, ...], list[int]] = {}
        self._pods = kinds(space, AtomKind.POD)
        self._sets = [(set_labels(item, world), item.nets) for item in world.network_sets]
        self._hosts = [
            (host_labels(host, world), [Cidr(a.family, a.value, BITS[a.family]) for a in host.addresses])
            for host in world.host_endpoints.values()
        ]
        policed = space.peer.mask
        if self._ingress:
            policed &= ~kinds(space, AtomKind.HOST)
        pods = space.subject.where(lambda a: isinstance(a, AddressAtom) and a.kind is AtomKind.POD)
        self._policed = space.only(space.peer, policed) & space.only(space.subject, pods)

    def subject(self, node: Node) -> list[int]:
        """Give the pods that a selector selects as subjects, with every peer that is policed."""
        chosen = self._labels(node, SideName.SUBJECT)
        return self._space.layout.meet(chosen, [self._policed])

    def tunnelled(self) -> list[int]:
        """Give VXLAN from every pod to everyone: dropped before any policy is asked."""
        return self._space.layout.meet(self.subject(All()), self._ported(((VXLAN_PORT, VXLAN_PORT),), 17))

    def rule(self, rule: ScopedRule, subject: Sequence[int]) -> list[int]:
        """Give what one rule matches."""
        own, other = (rule.destination, rule.source) if self._ingress else (rule.source, rule.destination)
        layout = self._space.layout
        region = layout.meet(self._own(own, subject), self._traffic(rule))
        return join(layout, layout.meet(region, self._peers(other, rule)))

    def _labels(self, node: Node, side: SideName) -> list[int]:
        key = (node, side)
        if key not in self._known:
            self._known[key] = join(self._space.layout, self._walk(node, side, wanted=True))
        return self._known[key]

    def _walk(self, node: Node, side: SideName, *, wanted: bool) -> list[int]:
        match node:
            case All() | Global():
                return [self._space.full] if wanted else []
            case Not(operand):
                return self._walk(operand, side, wanted=not wanted)
            case And(operands) | Or(operands):
                parts = [self._walk(part, side, wanted=wanted) for part in operands]
                if isinstance(node, And) is not wanted:
                    return [cube for part in parts for cube in part]
                region = [self._space.full]
                for part in parts:
                    region = join(self._space.layout, self._space.layout.meet(region, part))
                return region
            case Has() | Compare() | In():
                return self._leaf(node, side, wanted=wanted)

    def _leaf(self, leaf: Has | Compare | In, side: SideName, *, wanted: bool) -> list[int]:
        key = leaf.key

        def holds(value: str | None) -> bool:
            return selects(leaf, {} if value is None else {key: value}) is wanted

        if key == "projectcalico.org/orchestrator":
            return [self._space.full] if holds("k8s") else []
        if key.startswith("pcsa.") and key != "pcsa.projectcalico.org/name":
            return self._accounts(leaf, side, wanted=wanted)
        name = _field_name(key)
        field = label_field(self._space, side, *name)
        if field is None:
            return [self._space.full] if holds(None) else []
        bits = _chosen(field, leaf)
        if not wanted:
            bits = field.mask & ~bits
        return [self._space.only(field, bits)] if bits else []

    def _accounts(self, leaf: Has | Compare | In, side: SideName, *, wanted: bool) -> list[int]:
        """Accounts that the world does not list have no labels."""
        place, name = self._space.field(side, "namespace"), self._space.field(side, "account")
        cubes, listed = [], []
        for account in self._world.service_accounts.values():
            labels = {f"pcsa.{k}": v for k, v in account.labels.items()}
            cube = self._space.only(place, place.of([account.namespace]))
            cube &= self._space.only(name, name.of([account.name]))
            listed.append(cube)
            if selects(leaf, labels) is wanted:
                cubes.append(cube)
        if selects(leaf, {}) is wanted:
            cubes += _minus(self._space, [self._space.full], listed)
        return cubes

    def _own(self, entity: ScopedEntity, subject: Sequence[int]) -> list[int]:
        layout, region = self._space.layout, list(subject)
        field = self._space.subject
        if entity.positive is not None:
            bits = self._own_address(entity.positive)
            held = [self._space.only(field, bits)] if bits else []
            selected = [*self._labels(entity.positive, SideName.SUBJECT), *held]
            region = join(layout, layout.meet(region, selected))
        if entity.negative is not None:
            region = layout.meet(region, self._labels(Not(entity.negative), SideName.SUBJECT))
            outside = field.mask & ~self._own_address(entity.negative)
            region = layout.meet(region, [self._space.only(field, outside)])
        if entity.nets:
            bits = atoms_inside(field, entity.nets, AtomKind.POD)
            region = layout.meet(region, [self._space.only(field, bits)]) if bits else []
        if entity.not_nets:
            bits = field.mask & ~atoms_inside(field, entity.not_nets, AtomKind.POD)
            region = layout.meet(region, [self._space.only(field, bits)])
        return region

    def _own_address(self, node: Node) -> int:
        """Give the subject atoms inside the networks of matching sets: a pod is in them by its address."""
        nets = [net for labels, own in self._sets if selects(node, labels) for net in own]
        return atoms_inside(self._space.subject, nets, AtomKind.POD)

    def _peers(self, entity: ScopedEntity, rule: ScopedRule) -> list[int]:
        """Give the peers of one end; ends that say the same are worked out once."""
        said = (entity.positive, entity.negative, entity.nets, entity.not_nets, entity.service)
        key = ("peers", *said, self._of_families(rule))
        if key not in self._regions:
            self._regions[key] = self._worked_out(entity, rule)
        return self._regions[key]

    def _worked_out(self, entity: ScopedEntity, rule: ScopedRule) -> list[int]:
        if entity.service is not None:
            return self._limited(self._service(entity.service), self._of_families(rule))
        region = self._set(entity)
        for nets, inside in ((entity.nets, True), (entity.not_nets, False)):
            if nets:
                bits = atoms_inside(self._space.peer, nets, *_ADDRESSED)
                region = self._limited(region, bits if inside else self._space.peer.mask & ~bits)
        return self._limited(region, self._of_families(rule))

    def _of_families(self, rule: ScopedRule) -> int:
        """A family that the protocol implies leaves peers alone: the other combinations do not exist."""
        families = set(rule.families)
        if rule.protocol in {1, 58} and not _nets(rule):
            return self._space.peer.mask
        if families == {4, 6}:
            return self._space.peer.mask
        return self._in_families(families)

    def _in_families(self, families: Collection[int]) -> int:
        return self._space.peer.where(lambda a: isinstance(a, AddressAtom) and a.family in families)

    def _limited(self, region: list[int], bits: int) -> list[int]:
        if not bits:
            return []
        return self._space.layout.meet(region, [self._space.only(self._space.peer, bits)])

    def _set(self, entity: ScopedEntity) -> list[int]:
        """A peer is in a set by its address: a pod by its labels, anything by a matching set's networks."""
        pods = self._pods
        if entity.positive is not None:
            chosen = self._limited(self._labels(entity.positive, SideName.PEER), pods)
            held = self._held(entity.positive)
            return [*chosen, *([self._space.only(self._space.peer, held)] if held else [])]
        if entity.negative is None:
            return [self._space.full]
        held = self._held(entity.negative)
        rest = self._limited(self._labels(Not(entity.negative), SideName.PEER), pods & ~held)
        others = self._space.peer.mask & ~pods & ~held
        return [*rest, *([self._space.only(self._space.peer, others)] if others else [])]

    def _held(self, node: Node) -> int:
        nets = [net for labels, own in (*self._sets, *self._hosts) if selects(node, labels) for net in own]
        return atoms_inside(self._space.peer, nets, *_ADDRESSED)

    def _service(self, name: tuple[str, str]) -> list[int]:
        """Pods of the Service's selector where it has one, but for the addresses of which its slices say otherwise."""
        space, found = self._space, backing(self._world, name, egress=not self._ingress)
        region = []
        if found.service.selector:
            odd = self._at_addresses(found.odd)
            own = [space.only(space.peer, self._pods & ~odd & self._in_families(found.families))]
            wanted = {**found.service.selector, "projectcalico.org/namespace": found.service.namespace}
            for key, value in wanted.items():
                own = space.layout.meet(
                    own, self._leaf(Compare(key, "==", value), SideName.PEER, wanted=True)
                )
            targets = [(0, 0)] if self._ingress else found.targets
            region += [c for target in targets for c in space.layout.meet(own, self._backed(*target))]
        for address, ports in found.odd.items():
            bits = self._at_addresses([address])
            here = [space.only(space.peer, bits)] if bits else []
            region += [c for port in sorted(ports) for c in space.layout.meet(here, self._backed(*port))]
        return join(space.layout, region)

    def _backed(self, protocol: int, port: int | str) -> list[int]:
        if not protocol:
            return [self._space.full]
        return self._ported((port,) if isinstance(port, str) else ((port, port),), protocol)

    def _at_addresses(self, addresses: Iterable[Address]) -> int:
        nets = [Cidr(a.family, a.value, BITS[a.family]) for a in addresses]
        return atoms_inside(self._space.peer, nets, *_ADDRESSED)

    def _traffic(self, rule: ScopedRule) -> list[int]:
        """Give the traffic of a rule; rules that say the same of it are worked out once."""
        source, target = rule.source, rule.destination
        kind = (rule.protocol, rule.not_protocol, rule.icmp, rule.not_icmp)
        ports = (source.ports, source.not_ports, target.ports, target.not_ports)
        key = ("traffic", *kind, *ports, target.positive if _names_ports(target) else None)
        if key not in self._regions:
            self._regions[key] = self._spoken(rule)
        return self._regions[key]

    def _spoken(self, rule: ScopedRule) -> list[int]:
        space = self._space
        bits = space.traffic.where(lambda t: isinstance(t, TrafficKind) and _speaks(rule, t))
        if not bits:
            return []
        region = [space.only(space.traffic, bits)]
        if rule.destination.ports:
            region = space.layout.meet(
                region, self._ported(rule.destination.ports, None, rule.destination.positive)
            )
        if rule.destination.not_ports:
            holes = self._ported(rule.destination.not_ports, None, rule.destination.positive)
            region = _minus(space, region, holes)
        return self._from_ports(rule.source, region)

    def _ported(self, ports: Ports, protocol: int | None, chosen: Node | None = None) -> list[int]:
        """Give the traffic to these ports; by name only at endpoints that the selector matches by their labels."""
        protocols = _PORTED if protocol is None else (protocol,)
        ranges = [p for p in ports if not isinstance(p, str)]
        space = self._space

        def numbered(t: object) -> bool:
            return (
                isinstance(t, TrafficKind)
                and t.protocol in protocols
                and any(a <= t.first and t.last <= b for a, b in ranges)
            )

        bits = space.traffic.where(numbered)
        cubes = [space.only(space.traffic, bits)] if bits else []
        every = space.traffic.where(lambda t: isinstance(t, TrafficKind) and t.protocol in protocols)
        for name in (p for p in ports if isinstance(p, str)):
            field = space.field("named", name)
            cube = space.only(space.traffic, every) & space.only(field, field.of([True]))
            cubes += space.layout.meet([cube], self._callers(name, chosen))
        return cubes

    def _callers(self, name: str, chosen: Node | None) -> list[int]:
        """Give the destinations that can call a port by this name: pods, and host endpoints that list it."""
        side = SideName.SUBJECT if self._ingress else SideName.PEER
        labelled = self._labels(chosen, side) if chosen is not None else [self._space.full]
        if self._ingress:
            return labelled
        pods = self._space.only(self._space.peer, self._pods)
        named = [
            h
            for h in self._world.host_endpoints.values()
            if any(p.name == name for p in h.ports)
            and (chosen is None or selects(chosen, host_labels(h, self._world)))
        ]
        nets = [Cidr(a.family, a.value, BITS[a.family]) for h in named for a in h.addresses]
        hosts = atoms_inside(self._space.peer, nets, AtomKind.HOST, AtomKind.REMOTE)
        found = self._space.layout.meet(labelled, [pods])
        return [*found, self._space.only(self._space.peer, hosts)] if hosts else found

    def _from_ports(self, entity: ScopedEntity, region: list[int]) -> list[int]:
        space, field = self._space, self._space.source_port
        for ports, inside in ((entity.ports, True), (entity.not_ports, False)):
            if not ports:
                continue
            ranges = [p for p in ports if not isinstance(p, str)]
            bits = field.where(partial(_from_one_of, ranges))
            bits = bits if inside else field.mask & ~bits
            ported = space.traffic.where(lambda t: isinstance(t, TrafficKind) and t.protocol in _PORTED)
            cube = space.only(field, bits) & space.only(space.traffic, ported)
            region = space.layout.meet(region, [cube]) if bits else []
        return region


def _chosen(field: Field, leaf: Has | Compare | In) -> int:
    """Give the bits of the values of a field that a leaf selects; a missing label meets what is negated."""
    match leaf:
        case Has():
            return present(field)
        case In(_, values, negated):
            named = bits_of(field, values)
            return field.mask & ~named if negated else named
        case Compare(_, "==", value):
            return bits_of(field, (value,))
        case Compare(_, "!=", value):
            return field.mask & ~bits_of(field, (value,))
    return bits_where(field, lambda v: selects(leaf, {} if v is None else {leaf.key: v}))


def _field_name(key: str) -> tuple[str, ...]:
    if key in {"projectcalico.org/namespace", "pcns.projectcalico.org/name"}:
        return ("namespace",)
    if key in {"projectcalico.org/serviceaccount", "pcsa.projectcalico.org/name"}:
        return ("account",)
    if key.startswith("pcns."):
        return ("nslabel", key.removeprefix("pcns."))
    return ("label", key)


def _names_ports(entity: ScopedEntity) -> bool:
    return any(isinstance(port, str) for port in (*entity.ports, *entity.not_ports))


def _nets(rule: ScopedRule) -> bool:
    return any(e.nets or e.not_nets for e in (rule.source, rule.destination))


def _speaks(rule: ScopedRule, atom: TrafficKind) -> bool:
    if rule.protocol is not None and atom.protocol != rule.protocol:
        return False
    if rule.not_protocol is not None and atom.protocol == rule.not_protocol:
        return False
    if rule.icmp is not None and not _is_icmp(rule.icmp, atom):
        return False
    return rule.not_icmp is None or not _is_icmp(rule.not_icmp, atom)


def _is_icmp(wanted: tuple[int, int | None], atom: TrafficKind) -> bool:
    type_, code = wanted
    return atom.first <= type_ <= atom.last and (code is None or any(a <= code <= b for a, b in atom.codes))


def _from_one_of(ranges: Sequence[tuple[int, int]], value: object) -> bool:
    return isinstance(value, tuple) and any(a <= value[0] and value[1] <= b for a, b in ranges)
