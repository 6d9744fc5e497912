"""One entity of a rule as a region of peers: the positive or negated set, its networks, its service.

Source: projectcalico/calico ``felix/calc/rule_scanner.go`` (``extractSelectors``,
``combineMatchesIfPossible``); ``calico.md`` §6.1, §6.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from translators.algebra.cidrs import BITS, Address, Cidr
from translators.algebra.cubes import join
from translators.algebra.space import AddressAtom, AtomKind, Space
from translators.backing import Backing, Listed, backing
from translators.flows import Direction
from translators.ir.items import Grade, Note, ScopedPeer, Source
from translators.ir.policy import Entity, PortRange
from translators.lowering.addresses import Addresses
from translators.lowering.labels import PodSelectors
from translators.lowering.traffic import Traffic
from translators.selectors.ast import And, Compare, Node
from translators.world import HostEndpoint, NetworkSet, Service, World

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
        self._backings: dict[tuple[tuple[str, str], bool], Backing] = {}

    def region(
        self, peer: ScopedPeer, entity: Entity, families: tuple[int, ...], source: Source
    ) -> tuple[list[int], list[Note]]:
        """Give the peers of an entity, and notes; ``families`` is empty where the rule has both."""
        notes: list[Note] = []
        if entity.service is not None:
            region = self._service(entity, source, notes)
        else:
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

    def _service(self, entity: Entity, source: Source, notes: list[Note]) -> list[int]:
        """A service is its selector's pods at its ports, and what its slices list beside them: on ingress any port."""
        found = self._backing(entity, source)
        if found is None:
            return []
        service, layout = found.service, self._space.layout
        label = f"{service.namespace}/{service.name}"
        if not service.selector and not found.odd:
            notes.append(Note("CAL-N422", source, Grade.S1, {"svc": label}, (f"Service {label}",)))
            return []
        slices = [s for s in self._world.slices if (s.namespace, s.service) == entity.service]
        region = self._listed(found, self._space.peer.mask & ~(self._pods.pods if service.selector else 0))
        if service.selector:
            own = self._selected_by(service)
            for protocol, target in found.targets if _is_egress(source) else [(0, 0)]:
                region += layout.meet(own, self._at(protocol, target))
        code = "CAL-N414" if _is_egress(source) else "CAL-N416"
        fills = {
            "svc": label,
            "selector": _selector_text(service),
            "ports": _port_text(service),
            "list": _odd_text(found),
        }
        objects = (f"Service {label}", *(f"EndpointSlice {s.namespace}/{s.name}" for s in slices))
        notes.append(Note(code, source, Grade.S1, fills, objects))
        return join(layout, region)

    def doubted(self, entity: Entity, source: Source) -> list[int]:
        """Give the pods of a service of which its slices say otherwise than its selector, at the ports of either.

        A slice holds addresses of one family: the other one of a pod is not listed.
        """
        found = self._backing(entity, source)
        if found is None or not found.service.selector:
            return []
        odd = self._only_atoms(self._addresses.inside(map(_alone, found.odd)) & self._pods.pods)
        others = tuple({4, 6}.difference(found.families))
        unlisted = self._narrowed(self._selected_by(found.service), self._addresses.of_families(others))
        said = found.targets if _is_egress(source) else [(0, 0)]
        named = [cube for protocol, target in said for cube in self._at(protocol, target)]
        return [*self._space.layout.meet([*odd, *unlisted], named), *self._listed(found, self._pods.pods)]

    def _backing(self, entity: Entity, source: Source) -> Backing | None:
        if entity.service is None or not entity.service[0]:
            return None
        key = (entity.service, _is_egress(source))
        if key not in self._backings:
            self._backings[key] = backing(self._world, entity.service, egress=key[1])
        return self._backings[key]

    def _selected_by(self, service: Service) -> list[int]:
        parts: list[Node] = [Compare(key, "==", value) for key, value in service.selector.items()]
        parts.append(Compare("projectcalico.org/namespace", "==", service.namespace))
        return self._pods.region(And(tuple(parts)))

    def _listed(self, found: Backing, among: int) -> list[int]:
        """Give the odd addresses of a service, at the ports that slices list for them, as far as atoms of ``among`` go."""
        alike: dict[Listed, list[Cidr]] = {}
        for address, ports in found.odd.items():
            alike.setdefault(ports, []).append(_alone(address))
        return [
            cube
            for ports, nets in alike.items()
            for atoms in [self._only_atoms(self._addresses.inside(nets) & among)]
            for protocol, port in sorted(ports)
            for cube in self._space.layout.meet(atoms, self._at(protocol, port))
        ]

    def _at(self, protocol: int, port: int | str) -> list[int]:
        if not protocol:
            return [self._space.full]
        return self._traffic.ported(protocol, [port if isinstance(port, str) else PortRange(port, port)])


def _is_egress(source: Source) -> bool:
    return source.direction is Direction.EGRESS


def _alone(address: Address) -> Cidr:
    return Cidr(address.family, address.value, BITS[address.family])


def _odd_text(found: Backing) -> str:
    """Say which addresses are odd, a few of them by name."""
    if not found.odd or not found.service.selector:
        return "none now"
    shown = [
        f"{a} {'listed otherwise' if ports else 'not listed'}" for a, ports in sorted(found.odd.items())[:3]
    ]
    more = len(found.odd) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])


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
