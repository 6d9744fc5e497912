"""Rows of the picture from the classes of a universe, and what stands in a cell of several members.

A party is one row and one column: classes that carry the same words. Its cell speaks of every pair of members: of
what all of them may send, of what only some may, and of whatever changes for any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from translators.algebra.cidrs import Address, Interval, to_cidrs
from translators.algebra.space import SideName, Vocabulary
from translators.flows import ICMP, ICMPV6, Direction, Peer, PeerKind
from translators.proof.compare import pieces_of
from translators.report import MatrixLabel
from translators.universe import Cuts, Matrix, TrafficAtom, Universe
from translators.world import Pod, World

__all__ = ["MAX_PARTIES", "Cell", "Party", "cells", "parties"]

MAX_PARTIES = 64
MAX_NETWORKS = 8
CLUSTER, OUTSIDE = "cluster", "outside"
_KINDS = {PeerKind.HOST: "own host", PeerKind.REMOTE: "other nodes"}
_PORTED = {6: "TCP", 17: "UDP", 132: "SCTP"}
_ICMP = {ICMP: "ICMP", ICMPV6: "ICMPv6"}
_IMPLIED = {ICMP: 4, ICMPV6: 6}


@dataclass(frozen=True, slots=True)
class Party:
    """One row and column: its words, and its classes as places in the universe; ``quiet``: shown only if it changes."""

    label: MatrixLabel
    members: tuple[int, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row may send to a column, before and after in words; ``mark`` is ``+``, ``–``, ``±`` or empty."""

    before: str
    after: str
    mark: str


def parties(
    placed: Sequence[tuple[Peer, int]],
    world: World,
    vocabulary: Vocabulary,
    cuts: Sequence[Cuts],
    *,
    made: bool = False,
) -> tuple[list[Party], int]:
    """Give the rows in their order (namespaces by name, in them the largest classes first), and how many are left out.

    Above 64 the classes of a namespace become one row; above that the smallest namespaces go. ``made``: the pods
    were made for the picture and count none.
    """
    pods = _pods(placed, vocabulary, made=made)
    others = [*_nodes(placed, world), *_outside(placed, world, cuts)]
    room = MAX_PARTIES - sum(not party.quiet for party in others)
    if len(pods) > room:
        pods = _folded(pods)
    left = sorted(pods, key=lambda p: -p.label.pods)[:room]
    shown = [party for party in pods if party in left]
    return [*shown, *others], len(pods) - len(shown)


def _pods(placed: Sequence[tuple[Peer, int]], vocabulary: Vocabulary, *, made: bool) -> list[Party]:
    keys = {key for side in SideName for key in vocabulary.labels[side]}
    found: dict[tuple[object, ...], tuple[set[int], set[tuple[str, str]], Pod]] = {}
    for peer, place in placed:
        if peer.pod is None:
            continue
        pod = peer.pod
        labels = tuple(sorted((k, v) for k, v in pod.labels.items() if k in keys))
        account = pod.service_account if pod.service_account in vocabulary.accounts else ""
        members, names, _ = found.setdefault((pod.namespace, labels, account), (set(), set(), pod))
        members.add(place)
        names.add((pod.namespace, pod.name))
    rows = [
        Party(MatrixLabel(str(key[0]), _named(key), 0 if made else len(names)), tuple(sorted(members)))
        for key, (members, names, _) in found.items()
    ]
    return sorted(rows, key=lambda p: (p.label.group, -p.label.pods, p.label.name))


def _named(key: tuple[object, ...]) -> str:
    _, labels, account = key
    assert isinstance(labels, tuple)  # of pairs
    parts = [f"{k.rpartition('/')[2]}={v}" for k, v in labels] + ([f"account {account}"] if account else [])
    return ", ".join(parts) or "other pods"


def _folded(pods: Sequence[Party]) -> list[Party]:
    """Give one party a namespace."""
    by_namespace: dict[str, list[Party]] = {}
    for party in pods:
        by_namespace.setdefault(party.label.group, []).append(party)
    return [
        Party(
            MatrixLabel(
                name,
                f"{len(own)} classes" if len(own) > 1 else own[0].label.name,
                sum(p.label.pods for p in own),
            ),
            tuple(sorted({member for party in own for member in party.members})),
        )
        for name, own in sorted(by_namespace.items())
    ]


def _nodes(placed: Sequence[tuple[Peer, int]], world: World) -> Iterator[Party]:
    """Give the own host, the other nodes, API servers apart from them, and what only Cilium knows as endpoints."""
    named: dict[str, set[int]] = {}
    for peer, place in placed:
        if peer.kind in _KINDS:
            is_api = any(
                cidr.holds(peer.address) for cidr in world.plan.api_servers if peer.address is not None
            )
            name = "API servers" if is_api and peer.kind is PeerKind.REMOTE else _KINDS[peer.kind]
            named.setdefault(name, set()).add(place)
        elif peer.kind is PeerKind.ENTITY:
            named.setdefault("other endpoints", set()).add(place)
    for name in ("own host", "other nodes", "API servers", "other endpoints"):
        if name in named:
            count = len(world.nodes) if name == "other nodes" else 0
            quiet = name in {"own host", "other endpoints"}
            yield Party(MatrixLabel(CLUSTER, name, count), tuple(sorted(named[name])), quiet)


def _outside(placed: Sequence[tuple[Peer, int]], world: World, cuts: Sequence[Cuts]) -> Iterator[Party]:
    """Give the widest part of the outside as the world, and each network that is told apart from it."""
    pieces = pieces_of(world, cuts)
    intervals: dict[int, list[Interval]] = {}
    for peer, place in placed:
        if peer.kind is PeerKind.WORLD and peer.address is not None:
            intervals.setdefault(place, []).append(_piece(pieces, peer.address))
    if not intervals:
        return
    widest = {
        family: max(own, key=lambda p: _width(intervals[p]))
        for family in (4, 6)
        if (own := [p for p in intervals if intervals[p][0].family == family])
    }
    yield Party(MatrixLabel(OUTSIDE, "world", 0), tuple(sorted(widest.values())))
    inner = [c.interval for c in (*world.plan.pods, *world.plan.nodes, *world.plan.services)]
    rest = sorted((p for p in intervals if p not in widest.values()), key=lambda p: intervals[p][0])
    loud = 0
    for place in rest:
        inside = all(any(_within(piece, whole) for whole in inner) for piece in intervals[place])
        loud += not inside
        quiet = inside or loud > MAX_NETWORKS
        yield Party(MatrixLabel(OUTSIDE, _networks(intervals[place]), 0), (place,), quiet)


def _piece(pieces: Sequence[Interval], address: Address) -> Interval:
    return next(piece for piece in pieces if piece.holds(address))


def _within(piece: Interval, whole: Interval) -> bool:
    return piece.family == whole.family and whole.first <= piece.first and piece.last <= whole.last


def _width(intervals: Iterable[Interval]) -> int:
    return sum(i.last - i.first + 1 for i in intervals)


def _networks(intervals: Sequence[Interval]) -> str:
    texts = [str(cidr) for cidr in to_cidrs(intervals)]
    return texts[0] if len(texts) == 1 else f"{texts[0]} +{len(texts) - 1}"


def cells(universe: Universe, sides: Sequence[Matrix], shown: Sequence[Party]) -> list[list[Cell]]:
    """Give the cells, row by row; ``-`` stands in those of which neither end is policed."""
    before, after = (_reached(universe, side) for side in sides)
    possible = _possible(universe)
    masks = [sum(1 << m for m in party.members) for party in shown]
    policed = set(universe.subjects)
    is_policed = [bool(policed & set(party.members)) for party in shown]
    rows = []
    for i, row in enumerate(shown):
        line = []
        for j, mask in enumerate(masks):
            if not (is_policed[i] or is_policed[j]):
                line.append(Cell("-", "-", ""))
                continue
            line.append(_cell(universe.atoms, row.members, mask, (before, after, possible)))
        rows.append(line)
    return rows


_Reached = Sequence[Sequence[int]]
"""``reached[atom][sender]`` holds the receivers to which neither end refuses the traffic."""


def _reached(universe: Universe, matrix: Matrix) -> _Reached:
    count = len(universe.peers)
    every = (1 << count) - 1
    place = {peer: position for position, peer in enumerate(universe.subjects)}
    out, into = matrix[Direction.EGRESS], matrix[Direction.INGRESS]
    found = []
    for atom in range(len(universe.atoms)):
        receivers: dict[int, int] = {}
        for peer in range(count):
            row = into[place[peer]][atom] if peer in place else every
            receivers[row] = receivers.get(row, 0) | 1 << peer
        found.append(
            [
                sum(mask for row, mask in receivers.items() if row >> sender & 1)
                & (out[place[sender]][atom] if sender in place else every)
                for sender in range(count)
            ]
        )
    return found


def _possible(universe: Universe) -> _Reached:
    """Give, by atom and sender, the receivers with which the traffic can be exchanged at all: those of one family."""
    families = [_family(item.representative) for item in universe.peers]
    of = {f: sum(1 << i for i, family in enumerate(families) if family in {f, 0}) for f in (4, 6)}
    everyone = of[4] | of[6]
    found = []
    for atom in universe.atoms:
        implied = _IMPLIED.get(atom.protocol)
        found.append(
            [
                (of[implied] if implied else of.get(family, everyone))
                if implied in {None, family} or not family
                else 0
                for family in families
            ]
        )
    return found


def _family(peer: Peer) -> int:
    return peer.address.family if peer.address is not None else 0


def _cell(
    atoms: Sequence[TrafficAtom],
    senders: Sequence[int],
    mask: int,
    reached: tuple[_Reached, _Reached, _Reached],
) -> Cell:
    before, after, possible = reached
    told: list[list[tuple[TrafficAtom, int]]] = [[], []]
    opens = closes = False
    for number, atom in enumerate(atoms):
        asked = [(s, wanted) for s in senders if (wanted := possible[number][s] & mask)]
        if not asked:
            continue
        old = [before[number][s] & wanted for s, wanted in asked]
        new = [after[number][s] & wanted for s, wanted in asked]
        opens = opens or any(n & ~o for o, n in zip(old, new, strict=True))
        closes = closes or any(o & ~n for o, n in zip(old, new, strict=True))
        total = sum(wanted.bit_count() for _, wanted in asked)
        for into, bits in ((told[0], old), (told[1], new)):
            into.append((atom, _share(sum(b.bit_count() for b in bits), total)))
    mark = "±" if opens and closes else "+" if opens else "–" if closes else ""
    return Cell(_words(told[0]), _words(told[1]), mark)


NONE, SOME, ALL = 0, 1, 2


def _share(held: int, total: int) -> int:
    return NONE if not held else ALL if held == total else SOME


def _words(told: Sequence[tuple[TrafficAtom, int]]) -> str:
    """Say what is allowed: ``all``, nothing, or the traffic by protocol with neighbouring ranges joined."""
    allowed = [atom for atom, share in told if share]
    if not allowed:
        return ""
    partly = any(share == SOME for _, share in told)
    prefix = "for some of them: " if partly else ""
    denied = [atom for atom, share in told if not share]
    if not denied:
        return f"{prefix}all" if partly else "all"
    every = [atom for atom, _ in told]
    return prefix + min(_listed(allowed, every), f"all but {_listed(denied, every)}", key=len)


def _listed(allowed: Sequence[TrafficAtom], asked: Sequence[TrafficAtom]) -> str:
    parts = []
    for number in sorted({a.protocol for a in allowed}, key=_protocol_rank):
        own = [a for a in allowed if a.protocol == number]
        every = [a for a in asked if a.protocol == number]
        parts.append(_protocol(number, own, whole=len(own) == len(every)))
    return "; ".join(parts)


def _protocol_rank(number: int) -> tuple[bool, int]:
    return number not in {*_PORTED, *_ICMP}, number


def _protocol(number: int, atoms: Sequence[TrafficAtom], *, whole: bool) -> str:
    name = (
        _PORTED.get(number)
        or _ICMP.get(number)
        or (f"protocol {number}" if number < 99 else "other protocols")
    )
    if whole or number not in {*_PORTED, *_ICMP}:
        return name
    if number in _ICMP:
        if any(a.codes != (0, 255) for a in atoms):
            return f"{name} " + ", ".join(sorted({_icmp(a) for a in atoms}))
        return f"{name} {_ranges(a.types for a in atoms)}"
    limited = any(a.source_ports != (0, 65535) for a in atoms)
    return f"{name} {_ranges(a.ports for a in atoms)}" + (" (by source port)" if limited else "")


def _icmp(atom: TrafficAtom) -> str:
    types = _ranges([atom.types])
    return types if atom.codes == (0, 255) else f"{types}/{_ranges([atom.codes])}"


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    joined: list[list[int]] = []
    for first, last in sorted(set(ranges)):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in joined)
