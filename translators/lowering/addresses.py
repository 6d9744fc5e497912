"""Networks, network sets and host endpoints as regions of peers or subjects.

A network matches an address, whoever has it: a pod, a node, a host outside (``calico.md`` §6.3). Without an
address plan only networks that need none are decided; any other raises ``InputError`` (CAL-P115).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial

from translators.algebra.cidrs import BITS, Cidr, Interval, parse_cidr
from translators.algebra.space import AddressAtom, AtomKind, Field, Space
from translators.errors import InputError
from translators.selectors.ast import Node
from translators.selectors.evaluate import matches
from translators.world import AddressPlan, HostEndpoint, NetworkSet, World

__all__ = ["Addresses", "host_labels", "set_labels"]

_PRIVATE = tuple(
    parse_cidr(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
                 "fc00::/7", "fe80::/10")
)  # fmt: skip


class Addresses:
    """Answers which atoms of an address field lie in networks, sets or host endpoints."""

    def __init__(self, space: Space, world: World) -> None:
        """Index the atoms of the peer field once.

        ``outside_unless_placed`` is somebody's word that a network without a plan lies outside the cluster.
        """
        self._space = space
        self._world = world
        self._inside: dict[tuple[str, Cidr], int] = {}
        self.outside_unless_placed = False

    @property
    def plan(self) -> AddressPlan:
        """Give the ranges of the cluster."""
        return self._world.plan

    def inside(self, nets: Iterable[Cidr], which: Field | None = None) -> int:
        """Give the bits of the atoms (of the peer field unless named) that lie in one of the networks."""
        field = which or self._space.peer
        bits = 0
        for net in nets:
            key = (field.name[0], net)
            self._require_plan(net)
            if key not in self._inside:
                self._inside[key] = field.where(partial(_lies_in, net=net))
            bits |= self._inside[key]
        return bits

    def without_names(self) -> int:
        """Give the bits of every peer atom that is not a pod: peers that no label describes."""
        return self._space.peer.where(
            lambda atom: isinstance(atom, AddressAtom) and atom.kind is not AtomKind.POD
        )

    def of_families(self, families: Sequence[int]) -> int:
        """Give the bits of the peer atoms of these families; an entity has none and is left out."""
        return self._space.peer.where(lambda atom: isinstance(atom, AddressAtom) and atom.family in families)

    def selected_sets(self, node: Node) -> list[NetworkSet]:
        """Give the network sets whose labels the selector matches, in input order."""
        return [s for s, labels in self._labelled_sets if matches(node, labels)]

    def selected_hosts(self, node: Node) -> list[HostEndpoint]:
        """Give the host endpoints whose own labels the selector matches, by name."""
        return [h for _, h in sorted(self._world.host_endpoints.items()) if matches(node, host_labels(h))]

    def of_sets(self, sets: Iterable[NetworkSet], hosts: Iterable[HostEndpoint]) -> int:
        """Give the bits of the peer atoms whose addresses belong to these sets or host endpoints."""
        nets = [net for item in sets for net in item.nets]
        own = [Cidr(a.family, a.value, BITS[a.family]) for host in hosts for a in host.addresses]
        return self.inside(nets) | self._hosts(own)

    def _hosts(self, nets: Iterable[Cidr]) -> int:
        """A host endpoint's address is a node's, so it needs no plan."""
        bits = 0
        for net in nets:
            bits |= self._space.peer.where(partial(_lies_in, net=net))
        return bits

    @cached_property
    def _labelled_sets(self) -> list[tuple[NetworkSet, dict[str, str]]]:
        return [(item, set_labels(item, self._world)) for item in self._world.network_sets]

    def is_unplaced(self, net: Cidr) -> bool:
        """Say whether a network may hold pods or nodes for all that anybody said."""
        return not self._world.plan.stated and net.length > 0 and _touches_private(net)

    def _require_plan(self, net: Cidr) -> None:
        if not self.is_unplaced(net) or self.outside_unless_placed:
            return
        raise InputError(
            str(net),
            code="CAL-P115",
            why="networks match pods and nodes in Calico, and only the outside world in Cilium",
            fix="give --address-plan FILE, or --cluster SNAPSHOT",
        )


def set_labels(item: NetworkSet, world: World) -> dict[str, str]:
    """Give the labels that Calico sees on a network set: a namespaced one inherits its namespace's."""
    if item.namespace is None:
        return dict(item.labels)
    namespace = world.namespaces.get(item.namespace)
    inherited = {f"pcns.{key}": value for key, value in (namespace.labels if namespace else {}).items()}
    return {
        **inherited,
        "pcns.projectcalico.org/name": item.namespace,
        **item.labels,
        "projectcalico.org/namespace": item.namespace,
    }


def host_labels(host: HostEndpoint) -> dict[str, str]:
    """Give the labels that Calico sees on a host endpoint: its own, and no namespace's."""
    return dict(host.labels)


def _lies_in(atom: object, net: Cidr) -> bool:
    """An atom lies wholly inside a network or wholly outside: the space was cut at every network."""
    if not isinstance(atom, AddressAtom) or atom.kind is AtomKind.ENTITY or atom.family != net.family:
        return False
    if not atom.intervals:
        return net.length == 0
    return net.first <= atom.intervals[0].first <= net.last


def _touches_private(net: Cidr) -> bool:
    return any(p.family == net.family and p.first <= net.last and net.first <= p.last for p in _PRIVATE)


def intervals_of(atoms: Iterable[object]) -> list[Interval]:
    """Give every address of these atoms."""
    return [i for atom in atoms if isinstance(atom, AddressAtom) for i in atom.intervals]
