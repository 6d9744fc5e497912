"""What backs a Service: the pods of its selector, and the addresses at which its EndpointSlices say otherwise.

Calico matches the addresses and ports that the slices list (projectcalico/calico ``felix/serviceindex``); a target can
only be told the selector. While the slices follow the selector the two are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from translators.algebra.cidrs import Address
from translators.world import EndpointSlice, Pod, Service, World

__all__ = ["ANY", "Backing", "Listed", "backing"]

Listed = frozenset[tuple[int, int]]
"""(IP protocol, port) pairs at which slices list one address."""

ANY: Listed = frozenset({(0, 0)})

_NUMBERS = {"TCP": 6, "UDP": 17, "SCTP": 132}


@dataclass(frozen=True, slots=True)
class Backing:
    """A Service as policies mean it.

    ``families`` are those of its slices, both where it has none. ``odd``: the addresses that the slices list with other
    ports than the selector gives them, pods that they leave out (with no port) and whatever is no pod of the selector
    included. All that a Service without a selector has is odd.
    """

    service: Service
    families: tuple[int, ...] = (4, 6)
    odd: Mapping[Address, Listed] = field(default_factory=dict)

    @property
    def targets(self) -> list[tuple[int, int | str]]:
        """Give (IP protocol, port number or name) of the ports that pods are reached at, sorted."""
        ports = self.service.ports
        said = {(_NUMBERS[p.protocol], p.port if p.target is None else p.target) for p in ports}
        return sorted(said, key=str)


def backing(world: World, name: tuple[str, str], *, egress: bool) -> Backing:
    """Say what backs the Service (namespace, name); one that does not exist has nothing behind it.

    As the source of an ingress rule a Service is its addresses, with any port: each is listed with ``ANY`` then.
    """
    service = world.services.get(name) or Service(*name)
    listed: dict[Address, frozenset[tuple[int, int]]] = {}
    for item in world.slices:
        if (item.namespace, item.service) == name:
            ports = frozenset(_ports(item)) if egress else ANY
            listed.update((address, listed.get(address, frozenset()) | ports) for address in item.addresses)
    families = tuple(sorted({address.family for address in listed})) or (4, 6)
    if not service.selector:
        return Backing(service, families, listed)
    if not world.pods:
        return Backing(service)
    odd = dict(listed)
    for pod in world.pods:
        if pod.finished or pod.host_network or not _selects(service, pod):
            continue
        expected = frozenset(_reached(service, pod)) if egress else ANY
        for address in pod.addresses:
            if address.family in families and listed.get(address, frozenset()) == expected:
                odd.pop(address, None)
            elif address.family in families:
                odd.setdefault(address, frozenset())
    return Backing(service, families, odd)


def _selects(service: Service, pod: Pod) -> bool:
    return pod.namespace == service.namespace and service.selector.items() <= pod.labels.items()


def _ports(item: EndpointSlice) -> list[tuple[int, int]]:
    return [(_NUMBERS[p.protocol], p.number) for p in item.ports if p.number is not None]


def _reached(service: Service, pod: Pod) -> list[tuple[int, int]]:
    """Give the ports at which a pod of the selector is reached, those that the Service calls by name looked up."""
    found = []
    for port in service.ports:
        target = port.port if port.target is None else port.target
        named = {p.name: p.number for p in pod.ports if p.protocol == port.protocol}
        number = named.get(target) if isinstance(target, str) else target
        if number is not None:
            found.append((_NUMBERS[port.protocol], number))
    return found
