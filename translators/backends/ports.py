"""Write the traffic of a cube back as ``toPorts`` and ``icmps``.

Every entry names its protocol; all ports of a protocol are the single ``port: "0"``; lists hold at most 40
entries; no range begins at 0; ICMP type 0 only with all others (``translation.md`` §6 rules 3, 4, 7, 14).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.algebra.space import PORTED, Space, TrafficKind

__all__ = ["MAX_ENTRIES", "traffic_clauses"]

MAX_ENTRIES = 40
NAMES = {6: "TCP", 17: "UDP", 132: "SCTP"}
EXTENDED_NAMES = {2: "IGMP", 4: "IPIP", 41: "IPV6", 47: "GRE", 50: "ESP", 51: "AH", 112: "VRRP"}
FAMILIES = {1: "IPv4", 58: "IPv6"}
Clause = dict[str, object]


def traffic_clauses(space: Space, cube: int, *, short_icmp: bool = False) -> list[Clause]:
    """Give what to merge into elements: ``[{}]`` for all traffic, else one clause with ports, one with ICMP.

    The cube must be sayable. ``short_icmp`` writes all types of a family as type 0, which leans on
    cilium/cilium#41304: for Allows, and releases that have it, only (``translation.md`` §6 rule 14).
    """
    field = space.traffic
    names = _names(space, cube)
    if cube & field.mask == field.mask and not names:
        return [{}]
    atoms = [a for a in field.values(cube) if isinstance(a, TrafficKind)]
    clauses: list[Clause] = []
    ports = list(_named(atoms, names) if names else _ports(atoms))
    if ports:
        clauses.append({"toPorts": [{"ports": chunk} for chunk in _chunks(ports)]})
    if fields := list(_icmp(atoms, short=short_icmp)):
        clauses.append({"icmps": [{"fields": chunk} for chunk in _chunks(fields)]})
    return clauses


def _names(space: Space, cube: int) -> list[str]:
    return [f.name[1] for f in space.fields if f.name[0] == "named" and cube & f.mask == f.bits[True]]


def _named(atoms: Sequence[TrafficKind], names: Sequence[str]) -> Iterator[dict[str, object]]:
    for protocol in PORTED:
        if any(a.protocol == protocol for a in atoms):
            for name in names:
                yield {"port": name, "protocol": NAMES[protocol]}


def _ports(atoms: Sequence[TrafficKind]) -> Iterator[dict[str, object]]:
    for protocol in PORTED:
        for first, last in _runs([(a.first, a.last) for a in atoms if a.protocol == protocol]):
            if (first, last) == (1, 65535):
                yield {"port": "0", "protocol": NAMES[protocol]}
            elif first == last:
                yield {"port": str(first), "protocol": NAMES[protocol]}
            else:
                yield {"port": str(first), "endPort": last, "protocol": NAMES[protocol]}
    for number, name in EXTENDED_NAMES.items():
        if any(a.protocol == number for a in atoms):
            yield {"port": "0", "protocol": name}


def _icmp(atoms: Sequence[TrafficKind], *, short: bool) -> Iterator[dict[str, object]]:
    for protocol, family in FAMILIES.items():
        for first, last in _runs([(a.first, a.last) for a in atoms if a.protocol == protocol]):
            every = short and (first, last) == (0, 255)
            for type_ in range(first, 1 if every else last + 1):
                yield {"family": family, "type": type_}


def _runs(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for first, last in sorted(set(ranges)):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def _chunks(entries: list[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    for start in range(0, len(entries), MAX_ENTRIES):
        yield entries[start : start + MAX_ENTRIES]
