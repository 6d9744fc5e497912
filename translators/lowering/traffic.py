"""Protocols, ports and ICMP as regions of traffic.

A list of ports matches a number or, for a name, the port that the destination itself calls so, each with its
own protocol (``calico.md`` §6.3, §8). Port 0 is left aside on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translators.algebra.space import ALL_PORTS, ICMPS, PORTED, AtomKind, Space, TrafficKind
from translators.flows import Direction
from translators.ir.policy import PortRange, Rule
from translators.world import World

__all__ = ["Traffic"]


class Traffic:
    """Turns the protocol side of a rule into a region; the peers are somebody else's matter."""

    def __init__(self, space: Space, world: World, direction: Direction) -> None:
        """Only the traffic, source port and named fields of the space are used."""
        self._space = space
        self._world = world
        self._direction = direction
        self._protocols: dict[int, int] = {}
        self._known: dict[tuple[object, ...], int] = {}

    def region(self, rule: Rule) -> list[int]:
        """Give the traffic that the rule matches."""
        cube = self._space.full
        if rule.protocol is not None:
            cube &= self._space.only(self._space.traffic, self._protocol(rule.protocol))
        if rule.not_protocol is not None:
            rest = self._space.traffic.mask & ~self._protocol(rule.not_protocol)
            cube &= self._space.only(self._space.traffic, rest)
        if rule.icmp is not None:
            cube &= self._space.only(self._space.traffic, self._icmp(rule.protocol, rule.icmp))
        if rule.not_icmp is not None:
            rest = self._space.traffic.mask & ~self._icmp(rule.protocol, rule.not_icmp)
            cube &= self._space.only(self._space.traffic, rest)
        cube &= self._source_ports(rule)
        region = self._ports([cube], rule.destination.ports)
        return self._not_ports(region, rule.destination.not_ports)

    def ported(self, protocol: int | None, ports: Iterable[PortRange | str]) -> list[int]:
        """Give one protocol's (None: every ported protocol's) traffic to these ports."""
        cube = self._space.full
        if protocol is not None:
            cube = self._space.only(self._space.traffic, self._protocol(protocol))
        return self._ports([cube], tuple(ports))

    def _protocol(self, number: int) -> int:
        if number not in self._protocols:
            self._protocols[number] = self._space.traffic.where(
                lambda t: isinstance(t, TrafficKind) and t.protocol == number
            )
        return self._protocols[number]

    def _icmp(self, protocol: int | None, wanted: tuple[int, int | None]) -> int:
        type_, code = wanted

        def holds(atom: object) -> bool:
            if not isinstance(atom, TrafficKind) or atom.protocol not in ICMPS:
                return False
            if protocol is not None and atom.protocol != protocol:
                return False
            return atom.first <= type_ <= atom.last and (
                code is None or any(a <= code <= b for a, b in atom.codes)
            )

        return self._space.traffic.where(holds)

    def _numbers(self, ports: Iterable[PortRange | str]) -> int:
        ranges = tuple(p for p in ports if isinstance(p, PortRange))
        if ranges not in self._known:
            self._known[ranges] = self._space.traffic.where(
                lambda t: (
                    isinstance(t, TrafficKind)
                    and t.protocol in PORTED
                    and any(r.first <= t.first <= r.last for r in ranges)
                )
            )
        return self._known[ranges]

    def _ported(self) -> int:
        return self._numbers((PortRange(*ALL_PORTS),))

    def _ports(self, region: list[int], ports: Sequence[PortRange | str]) -> list[int]:
        if not ports:
            return region
        allowed = []
        if numbers := self._numbers(ports):
            allowed.append(self._space.only(self._space.traffic, numbers))
        for name in sorted({p for p in ports if isinstance(p, str)}):
            allowed.append(self._named(name, called=True))
        return self._space.layout.meet(region, allowed)

    def _named(self, name: str, *, called: bool) -> int:
        """Only a pod calls a port by a name that Cilium knows; on egress that is the peer."""
        which = self._space.field("named", name)
        cube = self._space.only(self._space.traffic, self._ported())
        if called and self._direction is Direction.EGRESS:
            cube &= self._space.peers(lambda atom: atom.kind is AtomKind.POD)
        return cube & self._space.only(which, which.of([called]))

    def _not_ports(self, region: list[int], ports: Sequence[PortRange | str]) -> list[int]:
        if not ports:
            return region
        names = {p for p in ports if isinstance(p, str)}
        listed = [PortRange(n, n) for name in names for n in sorted(self.numbers_meant(name))]
        rest = self._space.traffic.mask & ~self._numbers([*ports, *listed])
        return self._space.layout.meet(region, [self._space.only(self._space.traffic, rest)])

    def numbers_called(self, name: str) -> set[int]:
        """Give the numbers that the pods of the input give a port name (CAL-L509)."""
        return {p.number for pod in self._world.pods for p in pod.ports if p.name == name}

    def numbers_meant(self, name: str) -> set[int]:
        """Give the numbers that pods and host endpoints of the input give a port name."""
        hosts = {p.number for h in self._world.host_endpoints.values() for p in h.ports if p.name == name}
        return self.numbers_called(name) | hosts

    def called(self, name: str) -> int:
        """Give the traffic to a port that its destination, whoever it is, calls by this name."""
        which = self._space.field("named", name)
        ported = self._space.only(self._space.traffic, self._ported())
        return ported & self._space.only(which, which.of([True]))

    def contradicting(self, name: str, hosts: int) -> list[int]:
        """Give the traffic that cannot be while pods and host endpoints give a name no other numbers than now.

        ``hosts`` is the cube of the nodes that call a port so, 0 for none.
        """
        which = self._space.field("named", name)
        called = self._space.only(which, which.of([True]))
        others = self._ported() & ~self._numbers_of(name)
        cubes = [called & self._space.only(self._space.traffic, others)]
        if self._direction is Direction.EGRESS:
            nobody = called & self._space.peers(lambda atom: atom.kind is not AtomKind.POD)
            known = hosts & self._space.only(self._space.traffic, self._numbers_of(name)) if hosts else 0
            cubes += self._space.layout.sharp(nobody, known) if known else [nobody]
        return cubes

    def unnamed(self, name: str) -> list[int]:
        """Give the traffic to these numbers at destinations that do not call them by the name."""
        numbers = self._numbers_of(name)
        if not numbers:
            return []
        which = self._space.field("named", name)
        numbered = self._space.only(self._space.traffic, numbers)
        return [numbered & self._space.only(which, which.of([False]))]

    def _numbers_of(self, name: str) -> int:
        return self._numbers([PortRange(n, n) for n in self.numbers_meant(name)])

    def _source_ports(self, rule: Rule) -> int:
        """Named source ports were refused with their policy (CAL-L501)."""
        which = self._space.source_port
        bits = which.mask
        if rule.source.ports:
            bits = self._of_ranges(rule.source.ports)
        bits &= ~self._of_ranges(rule.source.not_ports)
        if bits & which.mask == which.mask:
            return self._space.full
        ported = self._space.only(self._space.traffic, self._ported())
        return ported & self._space.only(which, bits & which.mask)

    def _of_ranges(self, ports: Iterable[PortRange | str]) -> int:
        ranges = [p for p in ports if isinstance(p, PortRange)]

        def holds(value: object) -> bool:
            return isinstance(value, tuple) and any(
                r.first <= value[0] and value[1] <= r.last for r in ranges
            )

        return self._space.source_port.where(holds)
