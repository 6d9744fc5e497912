"""The finite universe over which the two matrices are compared: classes of peers and atoms of traffic.

A class holds peers that neither set of policies can tell apart; an atom holds traffic that neither can tell
apart. A matrix is, per direction, ``rows[subject][atom]``: an int whose bit *p* says whether the traffic
between that subject and peer class *p* is allowed by that direction's policy of the subject.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from translators.algebra.cidrs import Interval
from translators.flows import Direction, Peer

__all__ = ["Cuts", "Matrix", "PeerClass", "Side", "TrafficAtom", "Universe"]

Matrix = Mapping[Direction, tuple[tuple[int, ...], ...]]
"""``matrix[direction][i][a]`` belongs to ``universe.subjects[i]`` and ``universe.atoms[a]``."""


@dataclass(frozen=True, slots=True, order=True)
class TrafficAtom:
    """Traffic of one protocol: closed ranges; ranges that do not apply to the protocol are (0, 0).

    ``ports`` and ``source_ports`` for TCP, UDP, SCTP; ``types`` and ``codes`` for ICMP and ICMPv6.
    """

    protocol: int
    ports: tuple[int, int] = (0, 0)
    source_ports: tuple[int, int] = (0, 0)
    types: tuple[int, int] = (0, 0)
    codes: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where one policy set can tell traffic or addresses apart.

    ``cidrs``: every network it names; ``ports[protocol]``: closed destination port ranges (named ports as the
    numbers they have in the world); ``source_ports`` likewise; ``icmp[protocol]``: (type, code range) pairs;
    ``protocols``: every IP protocol number it names.
    """

    cidrs: frozenset[Interval] = frozenset()
    ports: Mapping[int, frozenset[tuple[int, int]]] = field(default_factory=dict)
    source_ports: Mapping[int, frozenset[tuple[int, int]]] = field(default_factory=dict)
    icmp: Mapping[int, frozenset[tuple[int, int, int]]] = field(default_factory=dict)
    protocols: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class PeerClass:
    """Peers of one signature; ``representative`` stands for all, ``members`` names up to a few of them."""

    representative: Peer
    size: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Universe:
    """``peers[p]`` is bit *p* of every row; ``subjects`` are the indexes of the peers that are policed."""

    peers: tuple[PeerClass, ...]
    subjects: tuple[int, ...]
    atoms: tuple[TrafficAtom, ...]


class Side(Protocol):
    """One policy set under its own CNI's semantics, as the comparison sees it."""

    def cuts(self) -> Cuts:
        """Give every boundary that this set's policies can tell apart."""
        ...

    def signatures(self, peers: Sequence[Peer]) -> list[Hashable]:
        """Give a value for each peer: equal for two of them only if no policy of this set can tell them apart."""
        ...

    def matrix(self, universe: Universe, subjects: Iterable[int] | None = None) -> Matrix:
        """Evaluate every subject (or these positions of ``universe.subjects``) against every peer class."""
        ...
