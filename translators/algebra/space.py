"""The flow space of one comparison: which field of a cube says what, and how a region is built in it.

A point is (peer atom, subject atom, traffic atom, source port atom, named-port facts, labels of both sides).
*Atoms* of an address field are sets of addresses that no network of the input tells apart, by kind of peer:
a pod's own address, the local host's, another node's, an address outside. Label fields have a bit for
*absent*, one for *other* (every value that the input does not name) and one per named value, so a cube speaks
of every label set, also of pods that do not exist yet (``expansion.md`` §2).

Invariant: a cube that holds a peer atom other than a pod is full in every peer label field, because such
peers have no labels. The peer field is cut first, which keeps it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from translators.algebra.bitsets import positions
from translators.algebra.cidrs import BITS, Interval, cut, merge
from translators.algebra.cubes import Layout
from translators.world import AddressPlan, World

__all__ = [
    "ENTITIES",
    "EXTENDED",
    "AddressAtom",
    "AtomKind",
    "Field",
    "SideName",
    "Space",
    "TrafficKind",
    "Vocabulary",
    "recast",
]

ENTITIES = ("health", "ingress", "init", "unmanaged")
"""Endpoints of Cilium without an address that Calico could know."""

EXTENDED = (2, 4, 41, 47, 50, 51, 112)
"""IP protocols that Cilium can name behind ``enable-extended-ip-protocols``."""

PORTED = (6, 17, 132)
ICMPS = (1, 58)
ALL_PORTS = (1, 65535)


class SideName(StrEnum):
    """Whose labels a field holds."""

    SUBJECT = "subject"
    PEER = "peer"


class AtomKind(StrEnum):
    """What a peer atom is: see the module."""

    POD = "pod"
    HOST = "host"
    REMOTE = "remote"
    WORLD = "world"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class AddressAtom:
    """Peers of one kind whose addresses no network of the input tells apart.

    ``intervals`` is empty where the address is not known (no plan) or does not exist (an entity).
    """

    kind: AtomKind
    family: int
    intervals: tuple[Interval, ...] = ()
    name: str = ""
    api_server: bool = False


@dataclass(frozen=True, slots=True, order=True)
class TrafficKind:
    """One traffic atom: ``first``–``last`` are ports, ICMP types, or protocol numbers for ``protocol`` 0.

    ``protocol`` 0 stands for "every other protocol"; codes are (0, 255) where no code is named.
    """

    protocol: int
    first: int = 0
    last: int = 0
    codes: tuple[tuple[int, int], ...] = ((0, 255),)


@dataclass(slots=True)
class Vocabulary:
    """Everything that a set of policies can tell apart; collected first, then laid out as a space.

    ``labels[side]`` and ``namespace_labels[side]`` map a key to the values named for it.
    """

    labels: Mapping[SideName, dict[str, set[str]]] = field(
        default_factory=lambda: {SideName.SUBJECT: {}, SideName.PEER: {}}
    )
    namespace_labels: Mapping[SideName, dict[str, set[str]]] = field(
        default_factory=lambda: {SideName.SUBJECT: {}, SideName.PEER: {}}
    )
    namespaces: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    networks: set[Interval] = field(default_factory=set)
    own_networks: set[Interval] = field(default_factory=set)
    ports: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    source_ports: set[tuple[int, int]] = field(default_factory=set)
    icmp: dict[int, set[tuple[int, int | None]]] = field(default_factory=dict)
    protocols: set[int] = field(default_factory=set)
    port_names: set[str] = field(default_factory=set)

    def add(self, other: Vocabulary) -> None:
        """Take in everything that another vocabulary names."""
        for mine, theirs in (
            (self.labels, other.labels),
            (self.namespace_labels, other.namespace_labels),
        ):
            for side, keys in theirs.items():
                for key, values in keys.items():
                    mine[side].setdefault(key, set()).update(values)
        for name in ("ports", "icmp"):
            for protocol, marks in getattr(other, name).items():
                getattr(self, name).setdefault(protocol, set()).update(marks)
        for name in (
            "namespaces",
            "accounts",
            "networks",
            "own_networks",
            "source_ports",
            "protocols",
            "port_names",
        ):
            getattr(self, name).update(getattr(other, name))


ABSENT, OTHER = "\0absent", "\0other"
"""The first two bits of a label field; no label value can hold a NUL."""


@dataclass(frozen=True, slots=True)
class Field:
    """One dimension: ``listed[i]`` is what bit ``offset + i`` stands for."""

    name: tuple[str, ...]
    offset: int
    mask: int
    bits: Mapping[object, int]
    listed: tuple[object, ...]

    def of(self, values: Iterable[object]) -> int:
        """Give the bits of these values; a value that the field does not name raises ``KeyError``."""
        result = 0
        for value in values:
            result |= self.bits[value]
        return result

    def where(self, holds: Callable[[object], bool]) -> int:
        """Give the bits of all values for which ``holds``."""
        return sum(bit for value, bit in self.bits.items() if holds(value))

    def of_label(self, value: str | None) -> int:
        """Give the bit of one label value: *absent* for None, *other* for a value that the field does not name."""
        key = ABSENT if value is None else value if value in self.bits else OTHER
        return self.bits[key]

    def values(self, cube: int) -> list[object]:
        """Give the values that a cube takes in this field, in field order."""
        return [self.listed[place] for place in positions((cube & self.mask) >> self.offset)]


class Space:
    """A layout with names; the same for both directions of one translation.

    Fields: ``("peer-address",)``, ``("subject-address",)``, ``("traffic",)``, ``("source-port",)``, ``("named", port name)``,
    and for each side ``(side, "namespace")``, ``(side, "account")``, ``(side, "nslabel", key)``,
    ``(side, "label", key)``.
    """

    def __init__(self, vocabulary: Vocabulary, world: World) -> None:
        """Lay out every field that the vocabulary names."""
        self.vocabulary = vocabulary
        columns = list(_columns(vocabulary, world))
        self.layout = Layout([len(values) for _, values in columns])
        self.full = self.layout.full
        self._fields: dict[tuple[str, ...], Field] = {}
        for index, (name, values) in enumerate(columns):
            offset = self.layout.offsets[index]
            bits = {value: 1 << (offset + i) for i, value in enumerate(values)}
            self._fields[name] = Field(name, offset, self.layout.masks[index], bits, tuple(values))
        self.fields = tuple(self._fields.values())
        self.peer = self._fields[("peer-address",)]
        self.subject = self._fields[("subject-address",)]
        self.traffic = self._fields[("traffic",)]
        self.source_port = self._fields[("source-port",)]

    def field(self, *name: str) -> Field:
        """Give a field by name; ``KeyError`` if the vocabulary did not name it."""
        return self._fields[name]

    def only(self, which: Field, bits: int) -> int:
        """Give the cube that is full but for ``which``, where it takes ``bits``."""
        return (self.full & ~which.mask) | bits

    def label_bits(
        self,
        which: Field,
        values: Iterable[str] = (),
        *,
        absent: bool = False,
        other: bool = False,
    ) -> int:
        """Give bits of a label, namespace or account field; ``other`` is every unnamed value.

        Namespace and account fields have no *absent*; asking for it there adds nothing.
        """
        bits = which.of(values)
        if other:
            bits |= which.bits[OTHER]
        if absent:
            bits |= which.bits.get(ABSENT, 0)
        return bits

    def peers(self, holds: Callable[[AddressAtom], bool]) -> int:
        """Give the cube of all peers whose atom satisfies ``holds``."""
        return self.only(
            self.peer,
            self.peer.where(lambda v: isinstance(v, AddressAtom) and holds(v)),
        )

    def subjects(self, holds: Callable[[AddressAtom], bool]) -> int:
        """Give the cube of all subjects whose atom satisfies ``holds``; kind POD or HOST."""
        return self.only(
            self.subject,
            self.subject.where(lambda v: isinstance(v, AddressAtom) and holds(v)),
        )

    def traffic_where(self, holds: Callable[[TrafficKind], bool]) -> int:
        """Give the cube of all traffic whose atom satisfies ``holds``."""
        return self.only(
            self.traffic,
            self.traffic.where(lambda v: isinstance(v, TrafficKind) and holds(v)),
        )


def recast(cube: int, source: Space, target: Space) -> int:
    """Give the same region in another space whose vocabulary holds at least that of ``source``.

    A field that ``source`` does not have stays full; *other* becomes *other* and every value that only
    ``target`` names; an atom becomes the atoms inside it.
    """
    result = target.full
    for index in source.layout.fields_of(cube):
        old = source.fields[index]
        new = target.field(*old.name)
        kept = old.values(cube)
        bits = new.where(partial(_within, kept=kept, old=old))
        result = (result & ~new.mask) | bits
    return result


def _within(value: object, kept: list[object], old: Field) -> bool:
    match value:
        case AddressAtom():
            return any(_atom_inside(value, k) for k in kept if isinstance(k, AddressAtom))
        case TrafficKind():
            return any(_traffic_inside(value, k, old) for k in kept if isinstance(k, TrafficKind))
        case (int(first), int(last)):
            return any(k[0] <= first and last <= k[1] for k in kept if isinstance(k, tuple))
        case _ if value in old.bits:
            return value in kept
    return OTHER in kept


def _atom_inside(inner: AddressAtom, outer: AddressAtom) -> bool:
    if (inner.kind, inner.name) != (outer.kind, outer.name):
        return False
    if not inner.intervals:
        return inner.family == outer.family
    first = inner.intervals[0]
    return any(o.family == first.family and o.first <= first.first <= o.last for o in outer.intervals)


def _traffic_inside(inner: TrafficKind, outer: TrafficKind, old: Field) -> bool:
    if inner.protocol != outer.protocol:
        return outer.protocol == 0 and all(
            k.protocol != inner.protocol for k in old.bits if isinstance(k, TrafficKind)
        )
    code = inner.codes[0][0]
    return (
        outer.first <= inner.first
        and inner.last <= outer.last
        and any(first <= code <= last for first, last in outer.codes)
    )


def _columns(vocabulary: Vocabulary, world: World) -> Iterable[tuple[tuple[str, ...], list[object]]]:
    yield ("peer-address",), list(_peer_atoms(vocabulary.networks, world))
    yield ("subject-address",), list(_subject_atoms(vocabulary.own_networks, world.plan))
    yield ("traffic",), list(_traffic_atoms(vocabulary))
    yield ("source-port",), list(_cuts((0, 65535), vocabulary.source_ports))
    for name in sorted(vocabulary.port_names):
        yield ("named", name), [False, True]
    for side in (SideName.PEER, SideName.SUBJECT):
        yield (side, "namespace"), [OTHER, *sorted(vocabulary.namespaces)]
    for side in (SideName.PEER, SideName.SUBJECT):
        for key, values in sorted(vocabulary.namespace_labels[side].items()):
            yield (side, "nslabel", key), [ABSENT, OTHER, *sorted(values)]
    for side in (SideName.PEER, SideName.SUBJECT):
        yield (side, "account"), [OTHER, *sorted(vocabulary.accounts)]
        for key, values in sorted(vocabulary.labels[side].items()):
            yield (side, "label", key), [ABSENT, OTHER, *sorted(values)]


def _peer_atoms(networks: Iterable[Interval], world: World) -> Iterable[AddressAtom]:
    marks = sorted(networks)
    api = [cidr.interval for cidr in world.plan.api_servers]
    yield from _atoms(AtomKind.POD, _pod_ranges(world.plan), marks, [])
    nodes = _node_ranges(world)
    yield from _atoms(AtomKind.HOST, nodes, marks, api)
    yield from _atoms(AtomKind.REMOTE, nodes, marks, api)
    for name in ENTITIES:
        yield AddressAtom(AtomKind.ENTITY, 0, name=name)
    outside = [Interval(family, 0, (1 << BITS[family]) - 1) for family in (4, 6)]
    yield from _atoms(AtomKind.WORLD, outside, marks, api)


def _pod_ranges(plan: AddressPlan) -> list[Interval]:
    return list(merge(cidr.interval for cidr in plan.pods))


def _node_ranges(world: World) -> list[Interval]:
    """Give the nodes' own addresses where nodes are known, else the ranges of the plan."""
    known = [
        Interval(address.family, address.value, address.value)
        for node in world.nodes.values()
        for address in node.addresses
    ]
    return list(merge(known or (cidr.interval for cidr in world.plan.nodes)))


def _subject_atoms(networks: Iterable[Interval], plan: AddressPlan) -> Iterable[AddressAtom]:
    yield from _atoms(AtomKind.POD, _pod_ranges(plan), sorted(networks), [])
    yield AddressAtom(AtomKind.HOST, 0)


def _atoms(
    kind: AtomKind, ranges: list[Interval], marks: list[Interval], api: list[Interval]
) -> Iterable[AddressAtom]:
    """Cut the ranges at every mark and put pieces of equal membership into one atom."""
    if not ranges:
        yield AddressAtom(kind, 4)
        return
    groups: dict[tuple[int, tuple[Interval, ...], bool], list[Interval]] = {}
    for whole in ranges:
        near = [
            m for m in marks if m.family == whole.family and m.first <= whole.last and whole.first <= m.last
        ]
        for piece in cut(whole, [*near, *api]):
            within = tuple(m for m in near if m.first <= piece.first <= m.last)
            is_api = any(a.family == piece.family and a.first <= piece.first <= a.last for a in api)
            groups.setdefault((whole.family, within, is_api), []).append(piece)
    for (family, _, is_api), pieces in groups.items():
        yield AddressAtom(kind, family, merge(pieces), api_server=is_api)


def _traffic_atoms(vocabulary: Vocabulary) -> Iterable[TrafficKind]:
    for protocol in PORTED:
        for first, last in _cuts(ALL_PORTS, vocabulary.ports.get(protocol, ())):
            yield TrafficKind(protocol, first, last)
    for protocol in ICMPS:
        yield from _icmp_atoms(protocol, vocabulary.icmp.get(protocol, set()))
    named = sorted({*EXTENDED, *vocabulary.protocols} - {*PORTED, *ICMPS})
    for number in named:
        yield TrafficKind(number)
    yield TrafficKind(0)


def _icmp_atoms(protocol: int, named: Iterable[tuple[int, int | None]]) -> Iterable[TrafficKind]:
    """Type 0 always stands alone: Cilium reads it as every type."""
    codes: dict[int, set[int]] = {0: set()}
    for type_, code in named:
        codes.setdefault(type_, set()).update(() if code is None else (code,))
    for first, last in _cuts((0, 255), [(t, t) for t in codes]):
        split = sorted(codes.get(first, ())) if first == last else []
        for code in split:
            yield TrafficKind(protocol, first, last, ((code, code),))
        rest = tuple(r for r in _cuts((0, 255), [(c, c) for c in split]) if r[0] not in split)
        if rest:
            yield TrafficKind(protocol, first, last, rest)


def _cuts(whole: tuple[int, int], marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = {whole[0]}
    for first, last in marks:
        starts.update(s for s in (first, last + 1) if whole[0] < s <= whole[1])
    ordered = sorted(starts)
    return list(zip(ordered, [s - 1 for s in ordered[1:]] + [whole[1]], strict=True))
