"""Put the cubes of one subject together as the elements of one rule of a CiliumNetworkPolicy.

Cubes of equal traffic share elements, so that a reader sees one list of peers per port. Output depends on the
cubes and the order of their source rules alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from translators.algebra.space import Space
from translators.backends.http import limited
from translators.backends.members import Members, Peering
from translators.backends.ports import traffic_clauses
from translators.flows import Direction

__all__ = ["Element", "Form", "Piece", "elements"]

Element = dict[str, object]


@dataclass(frozen=True, slots=True)
class Form:
    """How a section is written: ``allow`` or deny, and whether all ICMP may take its short form."""

    allow: bool
    short_icmp: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One cube to allow or deny, and the place of its first source rule in Calico's order.

    ``http``: (method, path) pairs to which an allow is limited on layer 7; its traffic is TCP then.
    """

    cube: int
    rank: int
    http: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Shared:
    """All peers that share one clause of traffic."""

    clause: dict[str, object]
    rank: int
    anyone: bool = False
    endpoints: dict[str, dict[str, object]] = field(default_factory=dict)
    entities: dict[str, None] = field(default_factory=dict)
    cidrs: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, members: Members, rank: int) -> None:
        self.rank = min(self.rank, rank)
        self.anyone = self.anyone or members.anyone
        self.endpoints.update((json.dumps(term, sort_keys=True), term) for term in members.endpoints)
        self.entities.update((name, None) for name in members.entities)
        self.cidrs.update((json.dumps(entry, sort_keys=True), entry) for entry in members.cidrs)


def elements(
    space: Space, peering: Peering, pieces: Iterable[Piece], home: str | None, form: Form
) -> list[tuple[Element, int]]:
    """Give the elements of one section, each with the rank of its first source, in that order."""
    shared: dict[str, _Shared] = {}
    for piece in sorted(pieces, key=lambda p: (p.rank, p.cube)):
        members = peering.members(piece.cube, home, allow=form.allow)
        for plain in traffic_clauses(space, piece.cube, short_icmp=form.short_icmp and form.allow):
            clause = limited(plain, piece.http) if piece.http else plain
            key = json.dumps(clause, sort_keys=True)
            shared.setdefault(key, _Shared(clause, piece.rank)).add(members, piece.rank)
    prefix = "from" if peering.direction is Direction.INGRESS else "to"
    ordered = sorted(shared.values(), key=lambda s: (s.rank, json.dumps(s.clause)))
    return [(element, s.rank) for s in ordered for element in _split(s, prefix)]


def _split(shared: _Shared, prefix: str) -> list[Element]:
    if shared.anyone:
        return [shared.clause or {f"{prefix}Entities": ["all"]}]
    result: list[Element] = []
    if shared.endpoints:
        result.append({f"{prefix}Endpoints": list(shared.endpoints.values()), **shared.clause})
    if shared.entities:
        result.append({f"{prefix}Entities": list(shared.entities), **shared.clause})
    if shared.cidrs:
        result.append({**_networks(list(shared.cidrs.values()), prefix), **shared.clause})
    return result


def _networks(entries: Sequence[dict[str, object]], prefix: str) -> Element:
    if all(entry.keys() == {"cidr"} for entry in entries):
        return {f"{prefix}CIDR": [entry["cidr"] for entry in entries]}
    return {f"{prefix}CIDRSet": list(entries)}
