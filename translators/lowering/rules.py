"""One rule as a region: its subject narrowed, its peers, its traffic, rounded to what Cilium can say.

Rounding is the only place where meaning changes: an Allow becomes narrower, a Deny wider (grade A), or the
part is left out (grade X); every point that changed is a claim, to be settled and printed later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from translators.algebra.cidrs import BITS, Address, Cidr, parse_cidr
from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import AddressAtom, AtomKind, SideName, Space
from translators.errors import InputError
from translators.flows import ICMP, ICMPV6, Direction
from translators.ir.items import Claim, Grade, Lowered, LoweredRule, Note, ScopedPeer, ScopedPolicy, Source
from translators.ir.policy import Action, Entity, Policy, Rule
from translators.lowering.addresses import Addresses
from translators.lowering.labels import PodSelectors
from translators.lowering.numbers import NumberedNames
from translators.lowering.peers import Peers
from translators.lowering.pods import Placed, living
from translators.lowering.remarks import Endpoints, rule_remarks, subject_remarks
from translators.lowering.sayable import GRADES, Misfit, Sayable
from translators.lowering.traffic import Traffic
from translators.selectors.ast import Node
from translators.settings import Options
from translators.world import World

__all__ = ["NAMES_SINCE", "RuleLowering"]

_ICMP = (1, 58)
NAMES_SINCE = (1, 20)
"""From here on Cilium resolves a port name for each pod."""
CLASSES = "label classes"
_LINK_LOCAL = (parse_cidr("169.254.0.0/16"), parse_cidr("fe80::/10"))
_OF_CLOUDS = (parse_cidr("169.254.169.0/24"), parse_cidr("169.254.170.2/32"))
"""Metadata, time and name services of clouds, which answer from outside the node."""
_LIMIT = 100_000
_PARTLY = frozenset({"CAL-N401", "CAL-N405"})
"""Misfits of rules that hold some pods by their address."""
MAX_LISTED = 20


class RuleLowering:
    """Lowers the rules of one direction in one space."""

    def __init__(
        self,
        space: Space,
        world: World,
        sayable: Sayable,
        direction: Direction,
        options: Options,
        endpoints: Endpoints,
    ) -> None:
        """Index the space once for all policies of the direction; ``endpoints`` are those of the world."""
        max_terms = options.limits.terms
        self._space = space
        self._world = world
        self._endpoints = endpoints
        self._sayable = sayable
        self.direction = direction
        self._options = options
        self._subjects = PodSelectors(space, world, SideName.SUBJECT, max_terms)
        self._pods = PodSelectors(space, world, SideName.PEER, max_terms)
        self._addresses = Addresses(space, world)
        self._traffic = Traffic(space, world, direction)
        self._placed = Placed(space, world, sayable.hidden) if world.is_cluster and world.pods else None
        self._names = NumberedNames(space, world, self._traffic, sayable.hidden)
        self._peers = Peers(space, world, self._pods, (self._addresses, self._traffic))
        self.policed = space.full
        if direction is Direction.INGRESS:
            self.policed = space.peers(lambda atom: atom.kind is not AtomKind.HOST)
        self.stays: Callable[[Policy], bool] = lambda _: False
        self._place = Source(None, direction)
        self.notes: list[Note] = []
        self.claims: list[Claim] = []

    def subject(self, scoped: ScopedPolicy) -> list[int]:
        """Give the pods that a policy selects, with everything that is policed of them."""
        region = self._subjects.region(scoped.subject)
        return self._space.layout.meet(region, [self.policed])

    def policy(
        self, scoped: ScopedPolicy, peers: Mapping[int, tuple[ScopedPeer, ScopedPeer]]
    ) -> Lowered | None:
        """Lower a policy; None if its subject itself cannot be said.

        Raises ``InputError`` for what no cube can hold: source ports by name, networks that nobody placed.

        ``peers`` holds the scoped source and destination of each rule by its index.
        """
        _refuse_named_sources(scoped.policy)
        self._addresses.outside_unless_placed = self._options.accepts("CAL-P115", scoped.policy.label)
        subject = self.subject(scoped)
        source = Source(scoped.policy, self.direction)
        self.notes.extend(subject_remarks(scoped, source, self._world, self._endpoints))
        hidden = [m for cube in subject for m in self._sayable.inspect(cube)]
        if hidden:
            self._note(hidden[0], source)
            self.claims.append(Claim(hidden[0].code, source, tuple(subject)))
            return None
        ingress = self.direction is Direction.INGRESS
        rules = scoped.policy.ingress if ingress else scoped.policy.egress
        lowered: list[LoweredRule] = []
        for rule in rules:
            place = self._place = Source(scoped.policy, self.direction, rule)
            if rule.action is Action.LOG:
                self.notes.append(Note("CAL-O306", place))
                continue
            exact = self._match(rule, peers[rule.index], subject)
            facts = (self._space, self._world, self._addresses)
            self.notes.extend(rule_remarks(rule, peers[rule.index], place, facts))
            if self.stays(scoped.policy):
                lowered += self._kept(rule, exact, place)
            else:
                lowered.append(LoweredRule(rule, tuple(self._rounded(rule, exact, place))))
        return Lowered(scoped, self.direction, tuple(subject), tuple(lowered))

    def _kept(self, rule: Rule, exact: list[int], source: Source) -> list[LoweredRule]:
        """Split a rule that stays native: Cilium reads its networks as the outside world, and what its mode adds.

        The rest of what Calico matched, pods and nodes, is allowed by a companion (CAL-K701); nodes in the widest
        network are, whether or not the release matches them by it.
        """
        nets = [n for e in (rule.source, rule.destination) for n in e.nets]
        if not nets:
            return [LoweredRule(rule, tuple(exact), native=True)]
        layout, reached = self._space.layout, self._sayable.reach.kinds
        world = self._space.peers(lambda a: a.kind in reached)
        told = reached if all(n.length for n in nets) else reached - {AtomKind.HOST, AtomKind.REMOTE}
        rest = layout.meet(exact, [self._space.peers(lambda a: a.kind not in told)])
        if rest:
            fills = {"cidr": ", ".join(str(n) for e in (rule.source, rule.destination) for n in e.nets)}
            self.notes.append(Note("CAL-K701", source, Grade.S1, fills, ("address plan",)))
        companion = self._rounded(rule, rest, source)
        return [
            LoweredRule(rule, tuple(layout.meet(exact, [world])), native=True),
            LoweredRule(rule, tuple(companion)),
        ]

    def _match(self, rule: Rule, peers: tuple[ScopedPeer, ScopedPeer], subject: Sequence[int]) -> list[int]:
        ingress = self.direction is Direction.INGRESS
        own, other = (rule.destination, rule.source) if ingress else (rule.source, rule.destination)
        own_peer, other_peer = (peers[1], peers[0]) if ingress else peers
        layout = self._space.layout
        subjects = self._narrowed(own, own_peer, subject)
        region = layout.meet(subjects, self._traffic.region(rule))
        if not region:
            return []
        self._assume_names(rule, subject, peers[1])
        self._claim_host_ports(rule, subject)
        reached = self._peer_region(rule, other, other_peer)
        doubted = tuple(layout.meet(subjects, self._peers.doubted(other, self._place)))
        if doubted:
            self.claims.append(Claim(self.notes[-1].code, self._place, doubted))
        matched = []
        for part, named in _by_ports(rule):
            traffic = self._numbered(part, subject) if named else None
            carried = self._traffic.region(part) if traffic is None else traffic
            held = layout.meet(layout.meet(subjects, carried), reached)
            matched += self._calling(held, peers[1]) if named else held
        return join(layout, [*matched, *self._own_host(rule, region)])

    def _calling(self, region: list[int], destination: ScopedPeer, *, others: bool = False) -> list[int]:
        """Keep what Calico finds by a port's name: destinations that the selector matches by their own labels.

        One that is in the selection only because its address is in a network set has no names there. ``others``
        gives these instead.
        """
        if destination.positive is None:
            return [] if others else region
        selectors = self._subjects if self.direction is Direction.INGRESS else self._pods
        return self._space.layout.meet(region, selectors.region(destination.positive, negated=others))

    def _own_host(self, rule: Rule, region: Sequence[int]) -> list[int]:
        """A link-local address of the node itself may be ``host`` to Cilium: that is emitted beside the network."""
        nets = [n for n in rule.destination.nets if _is_of_the_node(n)]
        if self.direction is Direction.INGRESS or not nets:
            return []
        fills = {"cidr": ", ".join(map(str, nets))}
        self.notes.append(Note("CAL-N417", self._place, Grade.A, fills))
        hosts = self._space.layout.meet(region, [self._space.peers(lambda a: a.kind is AtomKind.HOST)])
        self.claims.append(Claim("CAL-N417", self._place, tuple(hosts)))
        return hosts

    def _claim_host_ports(self, rule: Rule, subject: Sequence[int]) -> None:
        """A port name that a host endpoint lists is unknown to Cilium, which has no names for nodes."""
        if self.direction is Direction.INGRESS:
            return
        for name in sorted({p for p in rule.destination.ports if isinstance(p, str)}):
            hit = self._peers.hosts_calling(name)
            if not hit:
                continue
            source = self._place
            self.notes.append(Note("CAL-N413", source, Grade.A, {"selector": f"port {name}"}))
            region = self._space.layout.meet(subject, [hit & self._traffic.called(name)])
            self.claims.append(Claim("CAL-N413", source, tuple(region)))

    def _numbered(self, rule: Rule, subject: Sequence[int]) -> list[int] | None:
        """Say port names by numbers where the target would skip the rule for them; None where it takes names."""
        if self.direction is Direction.INGRESS or self._options.cilium_version >= NAMES_SINCE:
            return None
        layout, found, plain = self._space.layout, list[int](), list[str]()
        for name in sorted({p for p in rule.destination.ports if isinstance(p, str)}):
            numbers = sorted(self._traffic.numbers_called(name))
            fills = {"name": name, "numbers": ", ".join(map(str, numbers)) or "nothing yet"}
            if len(numbers) < 2:
                self.notes.append(Note("", self._place, Grade.S1, fills, (f"port name {name}",)))
                plain.append(name)
                continue
            said = self._names.of(name)
            ambiguous = Grade.A if said.ambiguous else Grade.S1
            self.notes.append(Note("CAL-L508", self._place, ambiguous, fills, (f"port name {name}", CLASSES)))
            if said.ambiguous:
                self.claims.append(
                    Claim("CAL-L508", self._place, tuple(layout.meet(subject, said.ambiguous)))
                )
            changed = tuple(layout.meet(subject, said.changed))
            self.claims.append(Claim("CAL-L508", self._place, changed, assumed=True))
            found += said.region
        limit = self._traffic.region(replace(rule, destination=replace(rule.destination, ports=())))
        if plain:
            names = replace(rule, destination=replace(rule.destination, ports=tuple(plain)))
            return [*layout.meet(limit, found), *self._traffic.region(names)]
        return layout.meet(limit, found)

    def _assume_names(self, rule: Rule, subject: Sequence[int], destination: ScopedPeer) -> None:
        """An excluded port name stands for the numbers that pods give it now, at whatever destination.

        A destination that does not call these numbers so, or that the selector reaches by its address alone, is
        excluded too: a difference, named as such.
        """
        for name in sorted({p for p in rule.destination.not_ports if isinstance(p, str)}):
            numbers = sorted(self._traffic.numbers_meant(name))
            source = self._place
            fills = {"name": name, "numbers": ", ".join(map(str, numbers)) or "no number"}
            self.notes.append(Note("CAL-L509", source, Grade.S1, fills, (f"port name {name}",)))
            layout = self._space.layout
            others = layout.meet(subject, self._traffic.unnamed(name))
            called = layout.meet(subject, [self._traffic.called(name)])
            others += self._calling(called, destination, others=True)
            self.claims.append(Claim("CAL-L509", source, tuple(others)))
            hosts = self._peers.hosts_calling(name)
            hit = layout.meet(subject, self._traffic.contradicting(name, hosts))
            self.claims.append(Claim("CAL-L509", source, tuple(hit), assumed=True))

    def _peer_region(self, rule: Rule, entity: Entity, peer: ScopedPeer) -> list[int]:
        region, notes = self._peers.region(peer, entity, self._families(rule), self._place)
        self.notes.extend(notes)
        return region

    def _families(self, rule: Rule) -> tuple[int, ...]:
        """An ICMP protocol fixes the family by itself; networks and ipVersion fix it for the peers."""
        nets = [net for e in (rule.source, rule.destination) for net in (*e.nets, *e.not_nets)]
        if nets:
            return (nets[0].family,)
        if rule.ip_version is not None and rule.protocol not in _ICMP:
            return (rule.ip_version,)
        return ()

    def _narrowed(self, entity: Entity, peer: ScopedPeer, subject: Sequence[int]) -> list[int]:
        """Narrow the subject by the criteria that a rule states for the subject's own side."""
        layout, region = self._space.layout, list(subject)
        field = self._space.subject
        if peer.positive is not None:
            selected = [*self._subjects.region(peer.positive), *self._held(peer.positive)]
            region = join(layout, layout.meet(region, selected))
        if peer.negative is not None:
            region = layout.meet(region, self._subjects.region(peer.negative, negated=True))
            outside = field.mask & ~sum(cube & field.mask for cube in self._held(peer.negative))
            region = layout.meet(region, [self._space.only(field, outside)])
        if entity.nets:
            inside = self._addresses.inside(entity.nets, field)
            region = layout.meet(region, [self._space.only(field, inside)] if inside else [])
        if entity.not_nets:
            rest = field.mask & ~self._addresses.inside(entity.not_nets, field)
            region = layout.meet(region, [self._space.only(field, rest)])
        return region

    def _held(self, node: Node) -> list[int]:
        """Give the subjects whose own address is in a network set that the selector matches."""
        sets = self._addresses.selected_sets(node)
        bits = self._addresses.inside((n for s in sets for n in s.nets), self._space.subject) if sets else 0
        return [self._space.only(self._space.subject, bits)] if bits else []

    def _rounded(self, rule: Rule, exact: list[int], source: Source) -> list[int]:
        result: list[int] = []
        waiting = list(exact)
        while waiting:
            cube = waiting.pop(0)
            misfits = list(self._sayable.inspect(cube, denies=rule.action is Action.DENY))
            today = self._today(rule, cube, misfits, source)
            if today is not None:
                waiting = [*today, *waiting]
            elif misfits:
                result.extend(self._round(rule, cube, misfits, source))
            else:
                self._note_places(rule, cube, source)
                result.append(cube)
        return join(self._space.layout, result)

    def _today(self, rule: Rule, cube: int, misfits: Sequence[Misfit], source: Source) -> list[int] | None:
        """Say by labels which pods are at some addresses now; None where that is not asked, or cannot be told.

        Exact for the pods that exist, until the next one starts (grade S2).
        """
        code = next((m.code for m in misfits if m.code in _PARTLY), "")
        named = self._placed.named(cube) if code and self._placed is not None else None
        if named is None:
            return None
        layout, pods = self._space.layout, self._pods.pods & self._space.peer.mask
        exact = cube & ~(self._space.peer.mask & ~pods)
        changed = [
            *(sub(layout, [exact], named, _LIMIT, Budget()) or []),
            *(sub(layout, named, [exact], _LIMIT, Budget()) or []),
        ]
        self.claims.append(Claim(code, source, tuple(changed), assumed=True))
        said = "CAL-N406" if code == "CAL-N405" else _code_of(code, rule)
        fills = {**self._fills(misfits[0], source), "n": self._held_now(rule)}
        self.notes.append(Note(said, source, Grade.S2, fills, ("pod addresses", *self._at_now(rule))))
        rest = cube & ~pods
        return [*named, *([rest] if layout.nonempty(rest) else [])]

    def _note_places(self, rule: Rule, cube: int, source: Source) -> None:
        """Say that networks hold single pods or nodes, where the target can say so too."""
        fills: dict[str, object] = {"cidr": ", ".join(map(str, _nets_of(rule))) or "the network"}
        if 0 < cube & self._sayable.pods < self._sayable.pods:
            count = {"n": self._held_now(rule)}
            self.notes.append(Note("CAL-N401", source, Grade.S1, {**fills, **count}, ("address plan",)))
        nodes = self._sayable.remotes
        if 0 < cube & nodes < nodes and cube & nodes != self._sayable.api_remotes:
            listed = [n for n in self._world.nodes.values() if _holds_any(rule, n.addresses)]
            counts = {"n": len(listed) or "some", "m": len(self._world.nodes) or "the"}
            objects = ("address plan", *(f"Node {n.name}" for n in listed[:MAX_LISTED]))
            self.notes.append(Note("CAL-N403", source, Grade.S1, {**fills, **counts}, objects))

    def _held_now(self, rule: Rule) -> object:
        """Count the pods whose addresses the rule's networks hold; "some" where no pods are known."""
        pods = living(self._world)
        return sum(_holds_any(rule, p.addresses) for p in pods) if pods else "some"

    def _at_now(self, rule: Rule) -> list[str]:
        held = [p for p in living(self._world) if _holds_any(rule, p.addresses)]
        return [f"Pod {p.namespace}/{p.name}" for p in held[:MAX_LISTED]]

    def _round(self, rule: Rule, cube: int, misfits: Sequence[Misfit], source: Source) -> list[int]:
        rounded = cube
        misfits = [replace(m, code=_code_of(m.code, rule)) for m in misfits]
        for misfit in misfits:
            bits = misfit.wide if self._widens(rule.action, misfit.code) else misfit.narrow
            rounded = (rounded & ~misfit.field.mask) | bits
            self._note(misfit, source)
        layout = self._space.layout
        kept = [rounded] if layout.nonempty(rounded) else []
        changed = [
            *(sub(layout, [cube], kept, _LIMIT, Budget()) or []),
            *(sub(layout, kept, [cube], _LIMIT, Budget()) or []),
        ]
        self.claims.append(Claim(misfits[0].code, source, tuple(changed)))
        return kept

    def _widens(self, action: Action, code: str) -> bool:
        """An X part is left out unless the user chose a side; an A part takes the strict side."""
        if code not in self._options.approximate and GRADES[code] is Grade.X:
            return False
        return (self._options.chosen(code) == "stricter") is (action is Action.DENY)

    def _note(self, misfit: Misfit, source: Source) -> None:
        self.notes.append(Note(misfit.code, source, GRADES[misfit.code], self._fills(misfit, source)))

    def _fills(self, misfit: Misfit, source: Source) -> dict[str, object]:
        """Give what the texts of the misfit codes ask for."""
        rule, policy = source.rule, source.policy
        nets = [str(n) for n in _nets_of(rule)] if rule else []
        denies = rule is not None and rule.action is Action.DENY
        pods = [a for a in self._space.peer.bits if isinstance(a, AddressAtom) and a.kind is AtomKind.POD]
        return {
            "rule": f"{policy.label if policy else 'the'} {self.direction} rule {rule.index + 1 if rule else ''}",
            "choice": "denied" if denies else "left out",
            "type": rule.icmp[0] if rule and rule.icmp else "the excluded one",
            "family": f"IPv{10 - pods[0].family}",
            "v": (rule.ip_version or _IMPLIED.get(rule.protocol or 0, "")) if rule else "",
            "cidr": ", ".join(nets) or "the network",
            "selector": "the peer",
            "n": self._held_now(rule) if rule and misfit.code in {"CAL-N401", "CAL-N405"} else "some",
            "m": len(self._world.nodes) or "all",
            "key": misfit.field.name[-1],
            "p": rule.protocol if rule and rule.protocol is not None else "without a name in Cilium",
            "form": "the protocols that have a name",
            "list": "protocols without a name",
        }


_IMPLIED = {ICMP: 4, ICMPV6: 6}


def _nets_of(rule: Rule) -> list[Cidr]:
    return [n for e in (rule.source, rule.destination) for n in (*e.nets, *e.not_nets)]


def _holds_any(rule: Rule, addresses: Iterable[Address]) -> bool:
    listed = list(addresses)
    return any(net.holds(address) for net in _nets_of(rule) for address in listed)


def _by_ports(rule: Rule) -> list[tuple[Rule, bool]]:
    """Give the rule once for its port numbers and once for its port names, and which of the two it is."""
    listed = rule.destination.ports
    names = tuple(p for p in listed if isinstance(p, str))
    if not names:
        return [(rule, False)]
    numbers = tuple(p for p in listed if not isinstance(p, str))
    found = [(replace(rule, destination=replace(rule.destination, ports=names)), True)]
    if numbers:
        found.append((replace(rule, destination=replace(rule.destination, ports=numbers)), False))
    return found


def _code_of(code: str, rule: Rule) -> str:
    """Say by what a rule speaks of some addresses only: its networks, those it excludes, or a family alone."""
    named = any(e.nets for e in (rule.source, rule.destination))
    excluded = any(e.not_nets for e in (rule.source, rule.destination))
    if code == "CAL-N408" and not named and not excluded:
        return "CAL-N409"
    return "CAL-N407" if code in {"CAL-N401", "CAL-N403"} and excluded and not named else code


def _is_of_the_node(net: Cidr) -> bool:
    """Say whether a network is one link-local address, as a node-local DNS cache has it."""
    single = net.length == BITS[net.family]
    local = any(n.family == net.family and n.first <= net.first <= n.last for n in _LINK_LOCAL)
    return (
        single
        and local
        and not any(n.family == net.family and n.first <= net.first <= n.last for n in _OF_CLOUDS)
    )


def _refuse_named_sources(policy: Policy) -> None:
    """A source port by name is another number for each pod that sends: there is no field for it."""
    for rule in (*policy.ingress, *policy.egress):
        named = [p for p in (*rule.source.ports, *rule.source.not_ports) if isinstance(p, str)]
        if named:
            raise InputError(
                f"source port {named[0]}", code="CAL-L501", fix="name the destination's port instead"
            )
