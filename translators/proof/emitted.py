"""The emitted policies, read back, as allow and deny regions of the same space.

``allows`` holds also what is allowed because nothing isolates it: in a direction in which a rule selects a pod
without switching default deny on, everything (``expansion.md`` §6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from translators.algebra.cidrs import BITS, Cidr
from translators.algebra.cubes import Budget, join, sub
from translators.algebra.space import AddressAtom, AtomKind, Field, SideName, Space, TrafficKind
from translators.flows import Direction
from translators.proof.fields import atoms_inside, bits_of, kinds, label_field, present
from translators.semantics.cilium.labels import is_relevant
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import (
    CLUSTER,
    NAMESPACE,
    NAMESPACE_LABELS,
    Requirement,
    Selector,
)
from translators.semantics.cilium.shapes import Element, PortMatch, Prefix, Rule

__all__ = ["Regions", "emitted_regions", "rule_subjects"]

ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_PORTED = (6, 17, 132)
_CAP = 50_000


@dataclass(frozen=True, slots=True)
class Regions:
    """What one direction allows and explicitly denies; ``isolated``: the pods with default deny."""

    allows: tuple[int, ...]
    denies: tuple[int, ...]
    isolated: tuple[int, ...]


def emitted_regions(policies: CiliumPolicies, space: Space, direction: Direction) -> Regions:
    """Give the regions of one direction; rules for nodes are not about pods and left out."""
    reader = _Reader(space, policies, direction)
    allows: list[int] = []
    denies: list[int] = []
    isolated: list[int] = []
    selected: list[int] = []
    for rule in policies.rules:
        if rule.of_nodes or direction not in rule.applies:
            continue
        subject = reader.subject(rule)
        for element in rule.allows.get(direction, ()):
            allows += reader.element(element, subject, deny=False)
        for element in rule.denies.get(direction, ()):
            denies += reader.element(element, subject, deny=True)
        (isolated if direction in rule.isolates else selected).extend(subject)
    isolated = join(space.layout, isolated)
    free = sub(space.layout, join(space.layout, selected), isolated, _CAP, Budget()) or []
    return Regions(
        tuple(join(space.layout, [*allows, *free])), tuple(join(space.layout, denies)), tuple(isolated)
    )


def rule_subjects(
    policies: CiliumPolicies, space: Space, direction: Direction, rules: Iterable[Rule]
) -> list[int]:
    """Give the pods that these rules select, with every peer that is policed in this direction."""
    reader = _Reader(space, policies, direction)
    return join(space.layout, (cube for rule in rules for cube in reader.subject(rule)))


class _Reader:
    """Turns rules into regions of one direction."""

    def __init__(self, space: Space, policies: CiliumPolicies, direction: Direction) -> None:
        self._space = space
        self._config = policies.config
        self._world = policies.world
        self._ingress = direction is Direction.INGRESS
        pods = space.subject.where(lambda a: isinstance(a, AddressAtom) and a.kind is AtomKind.POD)
        self._pods = space.only(space.subject, pods)
        self._peer_pods = kinds(space, AtomKind.POD)
        self._parts: dict[tuple[Requirement, SideName], int | None] = {}
        self._bits: dict[object, int] = {}
        self._policed = space.peer.mask
        if self._ingress:
            self._policed &= ~kinds(space, AtomKind.HOST)

    def subject(self, rule: Rule) -> list[int]:
        """Give the pods that a rule selects."""
        cube = self._cube(rule.subject, SideName.SUBJECT)
        policed = self._space.only(self._space.peer, self._policed)
        return [] if cube is None else [cube & self._pods & policed]

    def element(self, element: Element, subject: Sequence[int], *, deny: bool) -> list[int]:
        """Give what one element allows or denies; a deny also shows where it covers the local host."""
        limit = self._space.full
        if not deny:
            limit = self._space.only(self._space.peer, self._policed)
        layout = self._space.layout
        wide = [cube | self._space.peer.mask for cube in subject] if deny else list(subject)
        region = layout.meet(wide, list(self._traffic(element)))
        return layout.meet(layout.meet(region, list(self._peers(element))), [limit])

    def _peers(self, element: Element) -> Iterator[int]:
        space = self._space
        if element.anyone:
            yield space.full
        for selector in element.selectors:
            cube = self._cube(selector, SideName.PEER)
            if cube is not None:
                yield cube & space.only(space.peer, self._peer_pods)
            if selector.over_selects:
                yield space.full
            elif selector.only_negative:
                yield space.only(space.peer, space.peer.mask & ~self._peer_pods)
        atoms = self._entities(element.entities)
        for prefix in element.prefixes:
            atoms |= self._once(prefix, partial(self._inside, prefix))
        for chosen in element.nodes:
            atoms |= self._of_nodes(chosen)
        if atoms:
            yield space.only(space.peer, atoms)

    def _once(self, key: object, worked_out: Callable[[], int]) -> int:
        """Give the bits of a question that elements share."""
        if key not in self._bits:
            self._bits[key] = worked_out()
        return self._bits[key]

    def _inside(self, prefix: Prefix) -> int:
        modes = self._config.cidr_match_mode
        reached = [AtomKind.WORLD, *([AtomKind.POD] if "pods" in modes else [])]
        if "nodes" in modes and prefix.cidr.length:
            reached += [AtomKind.HOST, AtomKind.REMOTE]
        inside = atoms_inside(self._space.peer, [prefix.cidr], *reached)
        return inside & ~atoms_inside(self._space.peer, prefix.holes, *AtomKind)

    def _of_nodes(self, chosen: Selector) -> int:
        """Give the addresses of the other nodes whose labels match, where the agent has node selectors on."""
        if not self._config.node_selector_labels:
            return 0
        nets = [
            Cidr(a.family, a.value, BITS[a.family])
            for node in self._world.nodes.values()
            if chosen.holds(node.labels)
            for a in node.addresses
        ]
        return atoms_inside(self._space.peer, nets, AtomKind.REMOTE)

    def _entities(self, names: frozenset[str]) -> int:
        def held(atom: object) -> bool:
            return isinstance(atom, AddressAtom) and any(_is(name, atom) for name in names)

        return self._once(names, partial(self._space.peer.where, held)) if names else 0

    def _cube(self, selector: Selector, side: SideName) -> int | None:
        """Give the pods of a selector; None where no pod can match."""
        cube = self._space.full
        for item in selector.requirements:
            key = (item, side)
            if key not in self._parts:
                self._parts[key] = self._requirement(item, side)
            part = self._parts[key]
            if part is None:
                return None
            cube &= part
        return cube if self._space.layout.nonempty(cube) else None

    def _requirement(self, item: Requirement, side: SideName) -> int | None:
        field, fixed = self._field(item, side)
        if field is None:
            return self._space.full if item.holds({} if fixed is None else {item.key: fixed}) else None
        bits = _chosen(field, item)
        return self._space.only(field, bits) if bits else None

    def _field(self, item: Requirement, side: SideName) -> tuple[Field | None, str | None]:
        """Give the field of a key, or the one value that every pod has for it."""
        key = item.key
        if item.reserved or not is_relevant(key, self._config.labels):
            return None, None
        if key == CLUSTER:
            return None, "default"
        if key == NAMESPACE:
            return self._space.field(side, "namespace"), None
        if key == ACCOUNT:
            return self._space.field(side, "account"), None
        if key.startswith(NAMESPACE_LABELS):
            return label_field(self._space, side, "nslabel", key.removeprefix(NAMESPACE_LABELS)), None
        return label_field(self._space, side, "label", key), None

    def _traffic(self, element: Element) -> Iterator[int]:
        space = self._space
        if element.traffic is None:
            yield space.full
            return
        plain = 0
        for match in element.traffic:
            if match.name:
                if self._ingress or not element.every_group:
                    yield self._named(match)
            else:
                plain |= self._once(match, partial(space.traffic.where, partial(_carries, match)))
        if plain:
            yield space.only(space.traffic, plain)

    def _named(self, match: PortMatch) -> int:
        space, field = self._space, self._space.field("named", match.name)
        every = space.traffic.where(lambda t: isinstance(t, TrafficKind) and t.protocol in match.protocols)
        cube = space.only(space.traffic, every) & space.only(field, field.of([True]))
        return cube if self._ingress else cube & space.only(space.peer, self._peer_pods)


def _chosen(field: Field, item: Requirement) -> int:
    """Give the bits of the values of a field that meet a requirement; NotIn holds for a missing label."""
    match item.operator:
        case "In":
            return bits_of(field, item.values)
        case "NotIn":
            return field.mask & ~bits_of(field, item.values)
        case "Exists":
            return present(field)
    return field.mask & ~present(field)


def _carries(match: PortMatch, atom: object) -> bool:
    if not isinstance(atom, TrafficKind) or atom.protocol not in match.protocols:
        return False
    if atom.protocol in {1, 58}:
        return match.types is None or set(range(atom.first, atom.last + 1)) <= match.types
    return atom.protocol not in _PORTED or (match.first <= atom.first and atom.last <= match.last)


def _is(entity: str, atom: AddressAtom) -> bool:
    match entity:
        case "all":
            return True
        case "world":
            return atom.kind is AtomKind.WORLD
        case "host":
            return atom.kind is AtomKind.HOST
        case "remote-node":
            return atom.kind is AtomKind.REMOTE
        case "kube-apiserver":
            return atom.api_server
        case "cluster":
            return atom.kind is not AtomKind.WORLD or atom.api_server
    return atom.kind is AtomKind.ENTITY and atom.name == entity
