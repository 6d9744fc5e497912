"""Where the ends of a flow stand in a universe: the class of a peer, the atom of a packet."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from translators.algebra.cidrs import Address
from translators.flows import ICMP, ICMPV6, SCTP, TCP, UDP, Peer, PeerKind
from translators.proof.compare import other_protocol, pieces_of
from translators.universe import Cuts, TrafficAtom
from translators.world import World

__all__ = ["Atoms", "Places"]

_PORTED = (TCP, UDP, SCTP)
_ICMPS = (ICMP, ICMPV6)


class Places:
    """Finds the class of a pod, of a node, or of an address outside."""

    def __init__(self, world: World, cuts: Sequence[Cuts], placed: Iterable[tuple[Peer, int]]) -> None:
        """``placed`` holds every peer of the world with the place of its class."""
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        for piece in pieces_of(world, cuts):
            self._starts[piece.family].append(piece.first)
        held = Counter(a for p in world.pods if not (p.host_network or p.finished) for a in p.addresses)
        self._known: dict[tuple[object, ...], int] = {}
        for peer, place in placed:
            key = self._key(peer)
            if key is not None and held[key[-1]] < 2:  # type: ignore[index]  # a key ends in an address
                self._known[key] = place

    def of(self, peer: Peer) -> int | None:
        """Give the place of a peer's class; None for a peer that is not of the world, or one of two at an address."""
        key = self._key(peer)
        return None if key is None else self._known.get(key)

    def _key(self, peer: Peer) -> tuple[object, ...] | None:
        if peer.address is None or peer.entity:
            return None
        match peer.kind:
            case PeerKind.POD if peer.pod is not None:
                return (peer.kind, peer.pod.namespace, peer.pod.name, peer.address)
            case PeerKind.HOST | PeerKind.REMOTE if peer.node is not None:
                return (peer.kind, peer.node.name, peer.address)
            case PeerKind.WORLD:
                return (peer.kind, self._piece(peer.address))
        return None

    def _piece(self, address: Address) -> Address:
        """Give the first address of the piece of the outside that holds an address."""
        starts = self._starts[address.family]
        return Address(address.family, starts[bisect_right(starts, address.value) - 1])


class Atoms:
    """Finds the atom of a packet."""

    def __init__(self, atoms: Sequence[TrafficAtom], cuts: Sequence[Cuts]) -> None:
        """Index the atoms of a universe with these cuts."""
        self._other = other_protocol(cuts)
        self._ports = {p: sorted({a.ports[0] for a in atoms if a.protocol == p}) for p in _PORTED}
        self._sources = {p: sorted({a.source_ports[0] for a in atoms if a.protocol == p}) for p in _PORTED}
        self._at = {(a.protocol, a.ports[0], a.source_ports[0]): i for i, a in enumerate(atoms)}
        self._icmp = [(a, i) for i, a in enumerate(atoms) if a.protocol in _ICMPS]

    def of(self, protocol: int, ports: tuple[int, int], icmp: tuple[int, int]) -> int | None:
        """Give the place of an atom; ``ports`` are destination and source; None for a packet that cannot be."""
        if protocol in _PORTED:
            port, source = ports
            if not (1 <= port <= 65535 and 0 <= source <= 65535):
                return None
            low = self._ports[protocol][bisect_right(self._ports[protocol], port) - 1]
            begin = self._sources[protocol][bisect_right(self._sources[protocol], source) - 1]
            return self._at[protocol, low, begin]
        if protocol in _ICMPS:
            type_, code = icmp
            held = (
                place
                for atom, place in self._icmp
                if atom.protocol == protocol
                and atom.types[0] <= type_ <= atom.types[1]
                and atom.codes[0] <= code <= atom.codes[1]
            )
            return next(held, None)
        return self._at.get((protocol, 0, 0), self._at[self._other, 0, 0])
