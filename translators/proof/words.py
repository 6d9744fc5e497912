"""Regions in words: who, whom, which traffic, as ``reports.md`` §1 wants them read aloud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translators.algebra.cidrs import to_cidrs
from translators.algebra.space import (
    ABSENT,
    OTHER,
    AddressAtom,
    AtomKind,
    Field,
    SideName,
    Space,
    TrafficKind,
)
from translators.flows import Direction

__all__ = ["Words", "describe"]

_PROTOCOLS = {6: "TCP", 17: "UDP", 132: "SCTP", 1: "ICMP", 58: "ICMPv6"}
_KINDS = {AtomKind.HOST: "the pod's own host", AtomKind.REMOTE: "other nodes", AtomKind.WORLD: "the world"}
MAX_BOXES = 4
MAX_CIDRS = 6


class Words:
    """Describes cubes of one space."""

    def __init__(self, space: Space, direction: Direction) -> None:
        """On ingress the peer is the source, on egress the subject is."""
        self._space = space
        self._ingress = direction is Direction.INGRESS

    def source(self, cube: int) -> str:
        """Say who sends."""
        return self._peer(cube) if self._ingress else self._pods(cube, SideName.SUBJECT)

    def destination(self, cube: int) -> str:
        """Say who receives."""
        return self._pods(cube, SideName.SUBJECT) if self._ingress else self._peer(cube)

    def packets(self, cube: int) -> str:
        """Say which traffic; ``any`` for all of it."""
        field = self._space.traffic
        text = "any traffic" if cube & field.mask == field.mask else self._traffic(cube)
        named = [
            f"a port called {f.name[1]}"
            for f in self._space.fields
            if f.name[0] == "named" and cube & f.mask == f.bits[True]
        ]
        ports = self._space.source_port
        if cube & ports.mask != ports.mask:
            named.append(
                "from source ports " + _ranges(v for v in ports.values(cube) if isinstance(v, tuple))
            )
        return ", ".join([text, *named])

    def _traffic(self, cube: int) -> str:
        atoms = [a for a in self._space.traffic.values(cube) if isinstance(a, TrafficKind)]
        parts = []
        for number in dict.fromkeys(a.protocol for a in atoms):
            own = [a for a in atoms if a.protocol == number]
            parts.append(_protocol(number, own))
        return "; ".join(parts)

    def _pods(self, cube: int, side: SideName) -> str:
        labels = [
            _label(f, cube) for f in self._space.fields if f.name[0] == side and f.name[1] != "namespace"
        ]
        where = _namespace(self._space.field(side, "namespace"), cube)
        what = " ".join(text for text in labels if text)
        return f"any pod {what} {where}".replace("  ", " ").strip()

    def _peer(self, cube: int) -> str:
        """Name the peers; what everything is in, or everything but pods, is not spelled out."""
        held = {kind: self._held(cube, kind) for kind in AtomKind}
        every = {kind: self._held(self._space.full, kind) for kind in AtomKind}
        parts = []
        if pods := held[AtomKind.POD]:
            text = self._pods(cube, SideName.PEER)
            parts.append(text if len(pods) == len(every[AtomKind.POD]) else f"{text} at {_cidrs(pods)}")
        others = [kind for kind in AtomKind if kind not in {AtomKind.POD, AtomKind.HOST}]
        if all(len(held[kind]) == len(every[kind]) for kind in others):
            return "anyone" if parts == ["any pod"] else ", ".join([*parts, "anyone but pods"])
        for kind, name in _KINDS.items():
            own = held[kind]
            if own and len(own) == len(every[kind]):
                parts.append(name)
            elif own:
                parts.append(_part(kind, own, [a for a in every[kind] if a not in own]))
        parts += [a.name for a in held[AtomKind.ENTITY]]
        return ", ".join(parts)

    def _held(self, cube: int, kind: AtomKind) -> list[AddressAtom]:
        values = self._space.peer.values(cube)
        return [a for a in values if isinstance(a, AddressAtom) and a.kind is kind]


def describe(words: Words, cubes: Sequence[int]) -> tuple[str, str, str]:
    """Give source, destination and packets of a region, box by box, the widest first."""
    ordered = sorted(cubes, key=lambda c: (-c.bit_count(), c))
    shown, more = ordered[:MAX_BOXES], len(ordered) - MAX_BOXES
    tail = [f"+ {more} more boxes"] if more > 0 else []
    return (
        _unique([words.source(c) for c in shown], tail),
        _unique([words.destination(c) for c in shown], tail),
        _unique([words.packets(c) for c in shown], tail),
    )


def _unique(texts: list[str], tail: list[str]) -> str:
    different = list(dict.fromkeys(texts))
    return different[0] if len(different) == 1 else " | ".join([*different, *tail])


def _label(field: Field, cube: int) -> str:
    if cube & field.mask == field.mask:
        return ""
    key = {"account": "serviceAccount", "nslabel": f"namespace label {field.name[-1]}"}.get(
        field.name[1], field.name[-1]
    )
    held = field.values(cube)
    named = [str(v) for v in held if v not in {ABSENT, OTHER}]
    if OTHER not in held:
        if ABSENT not in held:
            return f"{key}={'|'.join(named)}"
        return f"without {key}" if not named else f"{key}={'|'.join(named)} or without {key}"
    missing = [str(v) for v in field.bits if v not in held and v not in {ABSENT, OTHER}]
    text = f"{key}≠{'|'.join(missing)}" if missing else f"with {key}"
    return text if ABSENT in held or not missing else f"with {key}≠{'|'.join(missing)}"


def _namespace(field: Field, cube: int) -> str:
    if cube & field.mask == field.mask:
        return ""
    held = field.values(cube)
    if OTHER not in held:
        return "in " + ", ".join(str(v) for v in held)
    return "outside " + ", ".join(str(v) for v in field.bits if v not in held)


def _part(kind: AtomKind, own: list[AddressAtom], missing: list[AddressAtom]) -> str:
    """Name some addresses of one kind, by what they are or by what they are not, whichever is shorter."""
    if kind is not AtomKind.WORLD:
        return f"{_cidrs(own)} ({_KINDS[kind]})"
    if len(to_cidrs(i for a in missing for i in a.intervals)) < len(
        to_cidrs(i for a in own for i in a.intervals)
    ):
        return f"the world except {_cidrs(missing)}"
    return f"{_cidrs(own)} outside the cluster"


def _cidrs(atoms: Iterable[AddressAtom]) -> str:
    texts = [str(c) for c in to_cidrs(i for a in atoms for i in a.intervals)]
    more = f" + {len(texts) - MAX_CIDRS} more networks" if len(texts) > MAX_CIDRS else ""
    return ", ".join(texts[:MAX_CIDRS]) + more


def _protocol(number: int, atoms: Sequence[TrafficKind]) -> str:
    if number == 0:
        return "every other protocol"
    name = _PROTOCOLS.get(number, f"protocol {number}")
    if number in {1, 58}:
        return f"{name} " + _icmp(atoms)
    if number not in _PROTOCOLS:
        return name
    text = _ranges((a.first, a.last) for a in atoms)
    return name if text == "1–65535" else f"{name} {text}"


def _icmp(atoms: Sequence[TrafficKind]) -> str:
    whole = [(a.first, a.last) for a in atoms if a.codes == ((0, 255),)]
    parts = [_ranges(whole)] if whole else []
    for atom in atoms:
        if atom.codes != ((0, 255),):
            parts.append(f"{atom.first}/{_ranges(atom.codes)}")
    return ", ".join(parts)


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    merged: list[list[int]] = []
    for first, last in sorted(set(ranges)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(last, merged[-1][1])
        else:
            merged.append([first, last])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in merged)
