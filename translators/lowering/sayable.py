"""What Cilium can say: round a cube to the nearest one that its policy language holds.

A cube is *sayable* if every field takes whole units: all pods or none (labels apart), all nodes or none, every
code of an ICMP type, no ICMP type 0 without all others, any source port. ``inspect`` names what is not, with
the code of the diagnostic; ``narrow`` gives the largest sayable part. Specification: ``translation.md`` §5, §6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

from translators.algebra.space import (
    EXTENDED,
    ICMPS,
    PORTED,
    AddressAtom,
    AtomKind,
    Field,
    SideName,
    Space,
    TrafficKind,
)
from translators.flows import Direction
from translators.ir.items import Grade
from translators.lowering.reach import Reach
from translators.settings import CiliumConfig

__all__ = ["GRADES", "Misfit", "Sayable"]

GRADES = {
    "CAL-L501": Grade.X,
    "CAL-N410": Grade.X,
    "CAL-N401": Grade.X,
    "CAL-N405": Grade.X,
    "CAL-S204": Grade.X,
    "CAL-L502": Grade.A,
    "CAL-L515": Grade.A,
    "CAL-L507": Grade.A,
    "CAL-L505": Grade.A,
    "CAL-N403": Grade.A,
    "CAL-N407": Grade.A,
    "CAL-N408": Grade.A,
    "CAL-N409": Grade.A,
}
"""The grade that each kind of rounding causes."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One field that Cilium cannot say: its bits, the largest sayable part, the smallest sayable whole."""

    code: str
    field: Field
    narrow: int
    wide: int


class Sayable:
    """Knows the units of one space under one configuration of Cilium."""

    def __init__(
        self,
        space: Space,
        config: CiliumConfig,
        hidden: frozenset[tuple[str, ...]],
        direction: Direction,
        reach: Reach,
        *,
        of_nodes: bool = False,
    ) -> None:
        """``hidden``: fields of labels that Cilium leaves out of identities; those of subjects that are nodes it keeps.

        On ingress nobody polices the subject's own host, so its atoms are never in a region.
        """
        self.space = space
        self._ingress = direction is Direction.INGRESS
        self.reach = reach
        self.hidden = hidden
        self._extended = config.enable_extended_ip_protocols
        self._hidden = tuple(
            space.field(side, *name)
            for side in (*(() if of_nodes else (SideName.SUBJECT,)), SideName.PEER)
            for name in sorted(hidden)
            if (side, *name) in {f.name for f in space.fields}
        )
        self._peer_labels = sum(f.mask for f in space.fields if f.name[0] == SideName.PEER)
        self._named = [f for f in space.fields if f.name[0] == "named"]
        self._index_peers()
        self._index_traffic()

    def _index_peers(self) -> None:
        def bits(kind: AtomKind, **wanted: object) -> int:
            return self.space.peer.where(
                lambda a: (
                    isinstance(a, AddressAtom)
                    and a.kind is kind
                    and all(getattr(a, name) == value for name, value in wanted.items())
                )
            )

        self._subject_pods = self.space.subject.where(
            lambda a: isinstance(a, AddressAtom) and a.kind is AtomKind.POD
        )
        self.pods = bits(AtomKind.POD)
        self.hosts = 0 if self._ingress else bits(AtomKind.HOST)
        self.remotes = bits(AtomKind.REMOTE)
        self.api_hosts = 0 if self._ingress else bits(AtomKind.HOST, api_server=True)
        self.api_remotes = bits(AtomKind.REMOTE, api_server=True)
        self._pod_families = {f: bits(AtomKind.POD, family=f) for f in (4, 6)}

    def _index_traffic(self) -> None:
        def bits(protocol: int) -> int:
            return self.space.traffic.where(lambda t: isinstance(t, TrafficKind) and t.protocol == protocol)

        speakable = {*PORTED, *ICMPS, *(EXTENDED if self._extended else ())}
        self.unspeakable = self.space.traffic.where(
            lambda t: isinstance(t, TrafficKind) and t.protocol not in speakable
        )
        self.protocols = {p: bits(p) for p in sorted(speakable)}
        self._type_zero = {p: self.space.traffic.where(partial(_is_type, p, 0)) for p in ICMPS}
        self._types = [
            self.space.traffic.where(partial(_is_type, atom.protocol, atom.first))
            for atom in self.space.traffic.bits
            if isinstance(atom, TrafficKind) and atom.codes != ((0, 255),)
        ]

    def __call__(self, cube: int, *, denies: bool) -> bool:
        """Say whether Cilium can say the cube as it stands."""
        return next(self.inspect(cube, denies=denies), None) is None and self.narrow(cube) == [cube]

    def inspect(self, cube: int, *, denies: bool = False) -> Iterator[Misfit]:
        """Give the misfits that belong to the rule, not to what other rules take from it."""
        yield from self._peers(cube, denies=denies)
        subject = self.space.subject
        pods = self._subject_pods
        if 0 < cube & pods < pods:
            rest = cube & subject.mask & ~pods
            yield Misfit("CAL-N410", subject, rest, rest | pods)
        yield from self._traffic(cube)
        if cube & self.space.source_port.mask != self.space.source_port.mask:
            yield Misfit("CAL-L501", self.space.source_port, 0, self.space.source_port.mask)
        for field in self._hidden:
            if cube & field.mask != field.mask:
                yield Misfit("CAL-S204", field, 0, field.mask)

    def _peers(self, cube: int, *, denies: bool) -> Iterator[Misfit]:
        field = self.space.peer
        bits = cube & field.mask
        narrow = wide = bits
        code = ""
        if bits & self.pods not in {0, self.pods} and not self._by_address(cube):
            narrow, wide = narrow & ~self.pods, wide | self.pods
            code = self._pod_code(bits, cube)
        nodes = self.hosts | self.remotes
        kept = self._whole_nodes(bits, denies=denies)
        if kept != bits & nodes:
            narrow, wide = (narrow & ~nodes) | kept, wide | self._nodes_around(bits)
            code = code or "CAL-N403"
        if code:
            yield Misfit(code, field, narrow, wide)

    def _by_address(self, cube: int) -> bool:
        """In match mode ``pods`` networks reach pods without their labels, and with all their addresses at once."""
        labels_full = cube & self._peer_labels == self._peer_labels
        return self.reach.by_address and labels_full

    def _pod_code(self, bits: int, cube: int) -> str:
        for mine, other in ((4, 6), (6, 4)):
            if bits & self.pods == self._pod_families[mine] and self._pod_families[other]:
                return "CAL-N408"
        labelled = cube & self._peer_labels != self._peer_labels
        return "CAL-N405" if labelled else "CAL-N401"

    def _whole_nodes(self, bits: int, *, denies: bool) -> int:
        """Give the units inside: all own addresses, all remote ones, all API servers, single nodes.

        A deny on ingress never names single nodes: the subject may run on one of them (rule 15).
        """
        units = [self.hosts, self.remotes, self.api_hosts | self.api_remotes]
        if not (denies and self._ingress):
            units += self.reach.units
        return reduce(or_, (unit for unit in units if bits & unit == unit), 0)

    def _nodes_around(self, bits: int) -> int:
        result = 0
        for unit in (self.hosts, self.remotes):
            if bits & unit:
                result |= unit
        return result

    def _traffic(self, cube: int) -> Iterator[Misfit]:
        field = self.space.traffic
        bits = cube & field.mask
        if bits == field.mask:
            return
        if bits & self.unspeakable:
            rest = bits & ~self.unspeakable
            yield Misfit("CAL-L507" if rest else "CAL-L505", field, rest, rest)
        narrow = wide = bits
        for unit in self._types:
            if bits & unit not in {0, unit}:
                narrow, wide = narrow & ~unit, wide | unit
        if narrow != bits:
            yield Misfit("CAL-L502", field, narrow, wide)

    def narrow(self, cube: int) -> list[int]:
        """Give the largest sayable part of a cube that rounding per rule has left sayable by itself.

        What subtraction can spoil: an ICMP set that keeps type 0 but not every type, single API servers, a port
        that is "not the one of that name", protocols without a name.
        """
        for misfit in self.inspect(cube):
            cube = (cube & ~misfit.field.mask) | misfit.narrow
            if not misfit.narrow:
                return []
        bits = cube & self.space.traffic.mask
        if bits != self.space.traffic.mask:
            for protocol, zero in self._type_zero.items():
                every = self.protocols[protocol]
                if bits & zero and bits & every != every:
                    bits &= ~zero
        if not bits:
            return []
        return self._names_said((cube & ~self.space.traffic.mask) | bits)

    def _names_said(self, cube: int) -> list[int]:
        """Say at most one port name, with whole protocols; "not called so" has no words."""
        called = [f for f in self._named if cube & f.mask == f.bits[True]]
        if any(cube & f.mask == f.bits[False] for f in self._named) or len(called) > 1:
            return []
        return [cube] if not called or self._whole_protocols(cube) else []

    def _whole_protocols(self, cube: int) -> bool:
        bits = cube & self.space.traffic.mask
        return all(bits & every in {0, every} for every in self.protocols.values())


def _is_type(protocol: int, first: int, atom: object) -> bool:
    return isinstance(atom, TrafficKind) and (atom.protocol, atom.first) == (protocol, first)
