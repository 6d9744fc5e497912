"""One entity of a rule as a region of peers: the positive or negated set, its networks, its service.

Source: projectcalico/calico ``felix/calc/rule_scanner.go`` (``extractSelectors``,
``combineMatchesIfPossible``); ``calico.md`` §6.1, §6.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from translators.algebra.cidrs import BITS, Cidr
from translators.algebra.cubes import join
from translators.algebra.space import AddressAtom, AtomKind, Space
from translators.ir.items import Grade, Note, ScopedPeer, Source
from translators.ir.policy import Entity, PortRange
from translators.lowering.addresses import Addresses
from translators.lowering.labels import PodSelectors
from translators.lowering.traffic import Traffic
from translators.selectors.ast import And, Compare, Node
from translators.world import EndpointSlice, HostEndpoint, NetworkSet, Service, World

__all__ = ["Peers"]


class Peers:
    """Turns entities into regions; ``notes`` collects what the user should know of each."""

    def __init__(
        self, space: Space, world: World, pods: PodSelectors, others: tuple[Addresses, Traffic]
    ) -> None:
        """``pods`` selects on the peer side; ``others`` answer for networks and for ports."""
        self._space = space
        self._world = world
        self._pods = pods
        self._addresses, self._traffic = others

    def region(
        self, peer: ScopedPeer, entity: Entity, families: tuple[int, ...], source: Source
    ) -> tuple[list[int], list[Note]]:
        """Give the peers of an entity, and notes; ``families`` is empty where the rule has both."""
        if entity.service is not None:
            return self._service(entity, source)
        notes: list[Note] = []
        region = self._selected(peer, source, notes)
        if entity.nets:
            region = self._narrowed(region, self._addresses.inside(entity.nets))
        if entity.not_nets:
            outside = self._space.peer.mask & ~self._addresses.inside(entity.not_nets)
            region = self._narrowed(region, outside)
        if families:
            region = self._narrowed(region, self._addresses.of_families(families))
        return region, notes

    def hosts_calling(self, name: str) -> int:
        """Give the cube of nodes whose host endpoint lists a port of this name, 0 if none does."""
        hosts = [
            host
            for host in self._world.host_endpoints.values()
            if any(port.name == name for port in host.ports)
        ]
        on_nodes = (AtomKind.HOST, AtomKind.REMOTE)
        bits = self._addresses.of_sets([], hosts)
        bits &= self._space.peer.where(lambda a: isinstance(a, AddressAtom) and a.kind in on_nodes)
        return self._space.only(self._space.peer, bits) if bits else 0

    def _narrowed(self, region: list[int], bits: int) -> list[int]:
        if not bits:
            return []
        return self._space.layout.meet(region, [self._space.only(self._space.peer, bits)])

    def _selected(self, peer: ScopedPeer, source: Source, notes: list[Note]) -> list[int]:
        if peer.positive is not None:
            pods = self._pods.region(peer.positive)
            sets = self._addresses.selected_sets(peer.positive)
            hosts = self._addresses.selected_hosts(peer.positive)
            notes.extend(_set_notes(sets, hosts, source))
            notes.extend(self._of_the_cluster(sets, source))
            held = self._addresses.of_sets(sets, hosts)
            return join(self._space.layout, [*pods, *self._only_atoms(held)])
        if peer.negative is None:
            return [self._space.full]
        return self._everyone_but(peer.negative, source, notes)

    def _of_the_cluster(self, sets: list[NetworkSet], source: Source) -> Iterator[Note]:
        """A set that holds addresses of pods or nodes hangs on the address plan."""
        outside = (AtomKind.WORLD, AtomKind.ENTITY)
        own = self._space.peer.where(lambda a: isinstance(a, AddressAtom) and a.kind not in outside)
        for item in sets:
            name = f"{item.namespace}/{item.name}" if item.namespace else item.name
            held = [str(n) for n in item.nets if self._addresses.inside([n]) & own]
            if held:
                fills = {"cidr": ", ".join(held), "set": name}
                yield Note("CAL-N412", source, Grade.S1, fills, ("address plan",))

    def _everyone_but(self, node: Node, source: Source, notes: list[Note]) -> list[int]:
        """A lone notSelector in a cluster-wide policy: every address that is not in the set."""
        sets = self._addresses.selected_sets(node)
        hosts = self._addresses.selected_hosts(node)
        notes.extend(_set_notes(sets, hosts, source))
        held = self._addresses.of_sets(sets, hosts)
        pods = self._narrowed(self._pods.region(node, negated=True), self._space.peer.mask & ~held)
        others = self._addresses.without_names() & ~held
        return [*pods, *self._only_atoms(others)]

    def _only_atoms(self, bits: int) -> list[int]:
        return [self._space.only(self._space.peer, bits)] if bits else []

    def _service(self, entity: Entity, source: Source) -> tuple[list[int], list[Note]]:
        """A service is its backends: pods and ports as the slices list them, on ingress pods alone."""
        namespace, name = entity.service or ("", "")
        if not namespace:
            return [], []
        label = f"{namespace}/{name}"
        service = self._world.services.get((namespace, name)) or Service(namespace, name)
        slices = [s for s in self._world.slices if (s.namespace, s.service) == entity.service]
        if not service.selector and not slices:
            note = Note("CAL-N422", source, Grade.S1, {"svc": label}, (f"Service {label}",))
            return [], [note]
        egress = source.direction.value == "egress"
        backends = self._backends(service, slices)
        region = [
            cube
            for ports in self._service_ports(service, slices if egress else [], egress=egress)
            for cube in self._space.layout.meet(backends, ports)
        ]
        code = "CAL-N414" if egress else "CAL-N416"
        fills = {"svc": label, "selector": _selector_text(service), "ports": _port_text(service),
                 "list": "named target ports, backends that are not ready or not pods"}  # fmt: skip
        objects = (f"Service {label}", *(f"EndpointSlice {s.namespace}/{s.name}" for s in slices))
        return join(self._space.layout, region), [Note(code, source, Grade.S1, fills, objects)]

    def _backends(self, service: Service, slices: list[EndpointSlice]) -> list[int]:
        if service.selector:
            parts: list[Node] = [Compare(key, "==", value) for key, value in service.selector.items()]
            parts.append(Compare("projectcalico.org/namespace", "==", service.namespace))
            return self._pods.region(And(tuple(parts)))
        listed = [NetworkSet(None, s.name, {}, _full_length(s)) for s in slices]
        return self._only_atoms(self._addresses.of_sets(listed, []))

    def _service_ports(
        self, service: Service, slices: list[EndpointSlice], *, egress: bool
    ) -> Iterator[list[int]]:
        if not egress:
            yield [self._space.full]
            return
        for protocol, port in sorted(set(_targets(service, slices)), key=str):
            wanted = [port] if isinstance(port, str) else [PortRange(port, port)]
            yield self._traffic.ported(protocol, wanted)


def _targets(service: Service, slices: list[EndpointSlice]) -> Iterator[tuple[int, int | str]]:
    numbers = {"TCP": 6, "UDP": 17, "SCTP": 132}
    for port in service.ports:
        target = port.target if port.target is not None else port.port
        if isinstance(target, int) or service.selector:
            yield numbers[port.protocol], target
    if not service.selector:
        for item in slices:
            for listed in item.ports:
                if listed.number is not None:
                    yield numbers[listed.protocol], listed.number


def _full_length(item: EndpointSlice) -> tuple[Cidr, ...]:
    return tuple(Cidr(a.family, a.value, BITS[a.family]) for a in item.addresses)


def _selector_text(service: Service) -> str:
    return ", ".join(f"{k}={v}" for k, v in sorted(service.selector.items())) or "its endpoints"


def _port_text(service: Service) -> str:
    return ", ".join(f"{p.protocol} {p.target or p.port}" for p in service.ports)


def _set_notes(sets: list[NetworkSet], hosts: list[HostEndpoint], source: Source) -> Iterator[Note]:
    for item in sets:
        name = f"{item.namespace}/{item.name}" if item.namespace else item.name
        kind = "NetworkSet" if item.namespace else "GlobalNetworkSet"
        fills = {"set": name, "group": name.replace("/", ".")}
        yield Note("CAL-N411", source, Grade.S1, fills, (f"{kind} {name}",))
    if hosts:
        objects = tuple(f"HostEndpoint {host.name}" for host in hosts)
        counted = {"n": len(hosts), "m": len(hosts), "selector": "the peer"}
        yield Note("CAL-N413", source, Grade.S1, counted, objects)
