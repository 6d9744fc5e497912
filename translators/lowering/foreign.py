"""Cilium policies that are in the cluster already and stay, as regions of the compiler's space.

What they allow cannot be cut: where Calico denies it, it must be denied explicitly (``expansion.md`` §7). Regions
here may be wider than what the engine does, never narrower: that costs a larger output and no flow. What they deny or
isolate beyond Calico is a difference, settled by the proof, which reads the same objects by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.algebra.space import (
    ABSENT,
    OTHER,
    PORTED,
    AtomKind,
    SideName,
    Space,
    TrafficKind,
    Vocabulary,
)
from translators.flows import Direction
from translators.ir.items import Claim, Lowered, Note, Source
from translators.lowering.hidden import is_hidden
from translators.semantics.cilium.selectors import NAMESPACE, NAMESPACE_LABELS, Requirement, Selector
from translators.semantics.cilium.shapes import Element, Rule

__all__ = ["Foreign", "claims_of", "foreign_regions", "notes_on", "take_in"]

ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
CLUSTER = "io.cilium.k8s.policy.cluster"
MAX_NAMED = 3
_CAP = 2_000


@dataclass(frozen=True, slots=True)
class Foreign:
    """What one object does in one direction: whom it selects, allows, denies; ``isolates``: default deny is on."""

    object: str
    subject: tuple[int, ...]
    allows: tuple[int, ...]
    denies: tuple[int, ...]
    isolates: bool


def take_in(vocabulary: Vocabulary, rules: Iterable[Rule]) -> None:
    """Add what the rules name, so that their selectors are exact in the space."""
    for rule in rules:
        _selector(vocabulary, rule.subject, SideName.SUBJECT)
        for element in _elements(rule):
            for selector in element.selectors:
                _selector(vocabulary, selector, SideName.PEER)
            for match in element.traffic or ():
                whole = (match.first, match.last) == (0, 65535)
                for protocol in match.protocols & set(PORTED):
                    if not match.name and not whole:
                        marks = vocabulary.ports.setdefault(protocol, set())
                        marks.add((max(match.first, 1), match.last))


def _elements(rule: Rule) -> Iterator[Element]:
    for sections in (rule.allows, rule.denies):
        for listed in sections.values():
            yield from listed


def _selector(vocabulary: Vocabulary, selector: Selector, side: SideName) -> None:
    for item in selector.requirements:
        if item.key == NAMESPACE:
            vocabulary.namespaces.update(item.values)
        elif item.key == ACCOUNT:
            vocabulary.accounts.update(item.values)
        elif item.key.startswith(NAMESPACE_LABELS):
            key = item.key.removeprefix(NAMESPACE_LABELS)
            vocabulary.namespace_labels[side].setdefault(key, set()).update(item.values)
        elif item.key != CLUSTER and not item.reserved:
            vocabulary.labels[side].setdefault(item.key, set()).update(item.values)


def foreign_regions(space: Space, rules: Iterable[Rule], direction: Direction, labels: str) -> list[Foreign]:
    """Give what each rule does in one direction; rules for nodes and of other directions are left out.

    ``labels`` is the agent's setting: a key that it hides narrows nothing here.
    """
    reader = _Reader(space, direction, labels)
    return [reader.read(rule, direction) for rule in rules if direction in rule.applies and not rule.of_nodes]


def claims_of(
    foreign: Iterable[Foreign], lowered: Sequence[Lowered], layout: Layout, direction: Direction
) -> Iterator[Claim]:
    """Give where the objects may change what Calico decides: their denies, and pods that no policy selects."""
    selected = [cube for low in lowered for cube in low.subject]
    for one in foreign:
        free = sub(layout, one.subject, selected, _CAP, Budget())
        region = [*one.denies, *(one.subject if free is None else free)]
        if region:
            yield Claim("CAL-V807", Source(None, direction, tier=one.object), tuple(region))


def notes_on(
    foreign: Iterable[Foreign], lowered: Sequence[Lowered], layout: Layout, *, explicit_denies: bool
) -> Iterator[Note]:
    """Say of each policy which objects select pods of its subject too."""
    for low in lowered:
        met = [f for f in foreign if layout.meet(f.subject, low.subject)]
        policy = low.scoped.policy
        fills: dict[str, object] = {"subject": f"pods of {policy.label}"}
        for one in met:
            effects = ["its allows add to the allow list where no Deny is written"] if one.allows else []
            effects += ["its denies come before every Allow"] if one.denies else []
            effect = " and ".join(effects) or "it isolates them"
            yield Note(
                "CAL-V807",
                Source(policy, low.direction),
                fills={**fills, "object": one.object, "effect": effect},
            )
        adding = sorted({f.object for f in met if f.allows})
        if adding and not explicit_denies:
            objects = {"objects": ", ".join(adding[:MAX_NAMED])}
            yield Note("CAL-O309", Source(policy, low.direction), fills={**fills, **objects})


class _Reader:
    def __init__(self, space: Space, direction: Direction, labels: str) -> None:
        self._space = space
        self._labels = labels
        ingress = direction is Direction.INGRESS
        self._pods = space.peers(lambda atom: atom.kind is AtomKind.POD)
        self._others = space.peers(lambda atom: atom.kind is not AtomKind.POD)
        self._subjects = space.subjects(lambda atom: atom.kind is AtomKind.POD)
        self._policed = space.full
        if ingress:
            self._policed = space.peers(lambda atom: atom.kind is not AtomKind.HOST)

    def read(self, rule: Rule, direction: Direction) -> Foreign:
        cube = self._cube(rule.subject, SideName.SUBJECT) & self._subjects
        subject = [cube & self._policed] if self._space.layout.nonempty(cube) else []
        return Foreign(
            rule.object,
            tuple(subject),
            tuple(self._region(subject, rule.allows.get(direction, ()), self._policed)),
            tuple(self._region([cube] if subject else [], rule.denies.get(direction, ()), self._space.full)),
            direction in rule.isolates,
        )

    def _region(self, subject: Sequence[int], elements: Iterable[Element], limit: int) -> list[int]:
        found = []
        for element in elements:
            peers = list(self._peers(element))
            held = self._space.layout.meet(self._space.layout.meet(subject, peers), [limit])
            found += self._space.layout.meet(held, [self._traffic(element)])
        return join(self._space.layout, found)

    def _peers(self, element: Element) -> Iterator[int]:
        """Whatever is not chosen by labels alone may be anyone who is no pod, or anyone at all."""
        by_address = bool(element.prefixes) or bool(element.nodes)
        if element.anyone or by_address or element.entities & {"all", "cluster"}:
            yield self._space.full
            return
        if element.entities:
            yield self._others
        for selector in element.selectors:
            if selector.only_negative or any(r.reserved for r in selector.requirements):
                yield self._space.full
            else:
                yield self._cube(selector, SideName.PEER) & self._pods

    def _cube(self, selector: Selector, side: SideName) -> int:
        cube = self._space.full
        for item in selector.requirements:
            cube &= self._requirement(item, side)
        return cube

    def _requirement(self, item: Requirement, side: SideName) -> int:
        """A key without a field of its own narrows nothing."""
        name: tuple[str, ...] = ("label", item.key)
        if item.key == NAMESPACE:
            name = ("namespace",)
        elif item.key == ACCOUNT:
            name = ("account",)
        elif item.key.startswith(NAMESPACE_LABELS):
            name = ("nslabel", item.key.removeprefix(NAMESPACE_LABELS))
        hidden = is_hidden(item.key, self._labels)
        if item.reserved or hidden or (side, *name) not in {f.name for f in self._space.fields}:
            return self._space.full
        field = self._space.field(side, *name)
        bits = 0
        for value, bit in field.bits.items():
            asked = {} if value == ABSENT else {item.key: "" if value == OTHER else str(value)}
            bits |= bit if item.holds(asked) else 0
        return self._space.only(field, bits)

    def _traffic(self, element: Element) -> int:
        """Give whole protocols where ports go by name or ICMP by type."""
        if element.traffic is None:
            return self._space.full
        matches = element.traffic

        def carried(atom: TrafficKind) -> bool:
            return any(
                atom.protocol in m.protocols
                and (
                    atom.protocol not in PORTED
                    or bool(m.name)
                    or (m.first <= atom.last and atom.first <= m.last)
                )
                for m in matches
            )

        return self._space.traffic_where(carried)
