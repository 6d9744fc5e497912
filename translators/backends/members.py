"""Write the peers of a cube back as members of elements: selectors, entities, networks and CIDR groups.

One member per element; a cube that holds pods and other peers becomes several elements (``translation.md``
§6 rule 1). The entity ``all`` and a missing member are written for Allows only: a Deny of everyone names its
peers, because it must not reach the local host (rule 15).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from translators.algebra.cidrs import BITS, Interval, subtract, to_cidrs
from translators.algebra.space import AddressAtom, AtomKind, SideName, Space
from translators.backends.terms import terms
from translators.flows import Direction
from translators.lowering.reach import Reach

__all__ = ["Group", "Members", "Peering"]


@dataclass(frozen=True, slots=True)
class Group:
    """A CiliumCIDRGroup that may be referred to: its name and the bits of the world atoms that it holds."""

    name: str
    bits: int


@dataclass(frozen=True, slots=True)
class Members:
    """The peers of one cube: each field becomes an element of its own; ``anyone`` needs no member at all."""

    anyone: bool = False
    endpoints: tuple[dict[str, object], ...] = ()
    entities: tuple[str, ...] = ()
    cidrs: tuple[dict[str, object], ...] = ()


class Peering:
    """Knows the peer field of one space in one direction."""

    def __init__(self, space: Space, direction: Direction, groups: Sequence[Group], reach: Reach) -> None:
        """``groups`` are tried in this order; one is used where the cube holds all of its addresses."""
        self.direction = direction
        self._reach = reach
        self._peer_labels = sum(f.mask for f in space.fields if f.name[0] == SideName.PEER)
        self._space = space
        self._groups = groups
        field = space.peer
        ingress = direction is Direction.INGRESS

        def bits(kind: AtomKind, name: str = "", *, api: bool | None = None) -> int:
            return field.where(
                lambda a: (
                    isinstance(a, AddressAtom)
                    and a.kind is kind
                    and (not name or a.name == name)
                    and (api is None or a.api_server is api)
                )
            )

        self._hosts = bits(AtomKind.HOST)
        self._relevant = field.mask & ~(self._hosts if ingress else 0)
        self._pods = bits(AtomKind.POD)
        self._world = bits(AtomKind.WORLD)
        own = 0 if ingress else self._hosts
        self._nodes = bits(AtomKind.REMOTE) | own
        api_nodes = bits(AtomKind.REMOTE, api=True) | (own & bits(AtomKind.HOST, api=True))
        self._entities: Mapping[str, int] = {
            "host": own,
            "remote-node": bits(AtomKind.REMOTE),
            "kube-apiserver": api_nodes,
            **{name: bits(AtomKind.ENTITY, name) for name in ("health", "ingress", "init", "unmanaged")},
        }

    def members(self, cube: int, home: str | None, *, allow: bool) -> Members:
        """Give the members for one cube; ``home`` is the namespace of the object, None for a CCNP."""
        held = cube & self._relevant
        if held == self._relevant and allow:
            return Members(anyone=True)
        anonymous = cube & self._peer_labels == self._peer_labels
        partly = held & self._pods not in {0, self._pods}
        by_address = self._reach.by_address and anonymous and partly
        endpoints: tuple[dict[str, object], ...] = ()
        if held & self._pods and not by_address:
            endpoints = tuple(terms(self._space, cube, SideName.PEER, home, subject=False))
        entities = self._entity_names(held)
        single = held & self._nodes & ~self._said(entities)
        outside = held & self._world
        if outside == self._world:
            entities.append("world")
            outside = 0
        if outside:
            outside &= ~self._not_meant(held, anonymous=anonymous, allow=allow)
        if by_address:
            outside |= self._reach.outside_at(held & self._pods)
        cidrs = self._networks(outside) if outside else []
        if single and self._reach.nodes:
            cidrs += self._written_out(self._reach.outside_at(single))
        return Members(endpoints=endpoints, entities=tuple(entities), cidrs=tuple(cidrs))

    def _said(self, entities: Sequence[str]) -> int:
        return reduce(or_, (self._entities[name] for name in entities), 0)

    def _not_meant(self, held: int, *, anonymous: bool, allow: bool) -> int:
        """Give the addresses of pods and nodes that a network would reach in this mode and must not."""
        found = 0
        if self._reach.pods:
            meant = held & self._pods if anonymous and self._reach.by_address else 0
            found |= self._reach.outside_at(self._pods & ~meant)
        if self._reach.nodes:
            denies_local = self.direction is Direction.INGRESS and not allow
            units = () if denies_local else self._reach.units
            meant = reduce(or_, (unit for unit in units if unit & held == unit), 0)
            found |= self._reach.outside_at(self._nodes & ~meant)
        return found

    def _entity_names(self, held: int) -> list[str]:
        names = []
        for name, bits in self._entities.items():
            if bits and held & bits == bits:
                names.append(name)
        if "kube-apiserver" in names and {"host", "remote-node"} & set(names):
            whole = all(
                not bits or name in names
                for name, bits in self._entities.items()
                if name in {"host", "remote-node"}
            )
            if whole:
                names.remove("kube-apiserver")
        return names

    def _networks(self, held: int) -> list[dict[str, object]]:
        """Refer to groups where that is no longer than the networks themselves."""
        plain = self._written_out(held)
        named: list[dict[str, object]] = []
        rest = held
        for group in self._groups:
            if group.bits and group.bits & held == group.bits and group.bits & rest:
                named.append({"cidrGroupRef": group.name})
                rest &= ~group.bits
        grouped = [*named, *self._written_out(rest)]
        return grouped if named and _length(grouped) <= _length(plain) else plain

    def _written_out(self, held: int) -> list[dict[str, object]]:
        intervals = [
            i
            for atom in self._space.peer.values(held)
            if isinstance(atom, AddressAtom) and atom.kind is AtomKind.WORLD
            for i in atom.intervals
        ]
        return [
            entry
            for family in (4, 6)
            for entry in _prefixes(family, [i for i in intervals if i.family == family])
        ]


def _length(entries: Sequence[dict[str, object]]) -> int:
    return sum(1 + len(holes) for e in entries if isinstance(holes := e.get("except", []), list))


def _prefixes(family: int, intervals: Sequence[Interval]) -> list[dict[str, object]]:
    """Give the shorter of two ways: the prefixes themselves, or everything except the others."""
    if not intervals:
        return []
    plain: list[dict[str, object]] = [{"cidr": str(cidr)} for cidr in to_cidrs(intervals)]
    everything = Interval(family, 0, (1 << BITS[family]) - 1)
    holes = [str(cidr) for cidr in to_cidrs(subtract([everything], intervals))]
    if not holes or len(holes) + 1 >= len(plain):
        return plain
    zero = "0.0.0.0/0" if family == 4 else "::/0"
    return [{"cidr": zero, "except": holes}]
