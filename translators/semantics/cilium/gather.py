"""Gather allows and denies with sets of peers: for each subject the rules that select it, for those a row of verdicts.

Subjects that the same rules select, by the same elements, share one row (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from translators.algebra.bitsets import bits_at, positions
from translators.flows import Direction
from translators.semantics.cilium.facts import Facts
from translators.semantics.cilium.shapes import Element, Rule
from translators.settings import CiliumConfig

__all__ = ["Applied", "Effect", "Gathering", "Row"]

type Effect = tuple[tuple[int, int], ...]
"""What an element carries: (atom, peers) pairs; an atom may come up more than once."""

type Row = tuple[int, ...]
"""For each atom the peers with which it is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """One rule as it applies to some subjects."""

    number: int
    rule: Rule
    allows: tuple[tuple[Element, Effect], ...]
    denies: tuple[tuple[Element, Effect], ...]


class Gathering:
    """One direction of one universe."""

    def __init__(
        self, facts: Facts, rules: Sequence[Rule], config: CiliumConfig, direction: Direction
    ) -> None:
        """``facts`` speak of the peers of the universe, subjects among them."""
        self._facts = facts
        self._rules = [rule for rule in rules if direction in rule.applies]
        self._config = config
        self._direction = direction
        self._count = 0
        self._same: dict[int, int] = {}

    def applied(self, wanted: Iterable[int]) -> dict[int, tuple[Applied, ...]]:
        """Give, for each of these subjects, the rules that select it in the order of the input."""
        found: dict[int, list[Applied]] = {index: [] for index in wanted}
        among = bits_at(found, len(self._facts.peers))
        for rule in self._rules:
            for index, applied in self._for(rule, self._facts.subjects(rule.subject) & among):
                found[index].append(applied)
        return {index: tuple(listed) for index, listed in found.items()}

    def _for(self, rule: Rule, chosen: int) -> Iterator[tuple[int, Applied]]:
        """Give the rule for each chosen subject: one for all, unless a port name looks at the subject itself."""
        if not chosen:
            return
        if not (self._direction is Direction.INGRESS and _names_ports(rule, self._direction)):
            one = self._one(rule, None)
            yield from ((index, one) for index in positions(chosen))
            return
        known: dict[object, Applied] = {}
        for index in positions(chosen):
            one = self._one(rule, index)
            yield index, known.setdefault((one.allows, one.denies), one)

    def _one(self, rule: Rule, subject: int | None) -> Applied:
        self._count += 1
        return Applied(
            self._count,
            rule,
            self._effects(rule.allows.get(self._direction, ()), subject),
            self._effects(rule.denies.get(self._direction, ()), subject),
        )

    def _effects(
        self, elements: Iterable[Element], subject: int | None
    ) -> tuple[tuple[Element, Effect], ...]:
        found = []
        for element in elements:
            peers = self._facts.peers_of(element)
            if peers:
                carried = self._facts.carried(element, subject)
                effect = tuple((atom, here) for atom, some in carried if (here := peers & some))
                found.append((element, effect))
        return tuple(found)

    def row(self, applied: Sequence[Applied]) -> Row:
        """Give what is allowed: by an element or for want of isolation, unless an element denies it."""
        count = len(self._facts.atoms)
        if self._config.enforcement == "never":
            return (self._facts.everyone,) * count
        base = 0 if self.isolates(applied) else self._facts.everyone
        if self.hosts_enter(applied):
            base |= self._facts.local_hosts
        allow, deny = [base] * count, [0] * count
        for one in applied:
            for into, effects in ((allow, one.allows), (deny, one.denies)):
                for _, effect in effects:
                    for atom, peers in effect:
                        into[atom] |= peers
        same = self._same.setdefault
        return tuple(same(bits, bits) for bits in (a & ~d for a, d in zip(allow, deny, strict=True)))

    def isolates(self, applied: Sequence[Applied]) -> bool:
        """Say whether default deny is on for a subject of these rules."""
        always = self._config.enforcement == "always"
        return always or any(self._direction in one.rule.isolates for one in applied)

    def hosts_enter(self, applied: Sequence[Applied]) -> bool:
        """The local host always reaches its pods, but for two settings."""
        if self._direction is Direction.EGRESS or self._config.allow_localhost == "policy":
            return False
        return bool(applied) or self._config.enforcement != "always"


def _names_ports(rule: Rule, direction: Direction) -> bool:
    elements = (*rule.allows.get(direction, ()), *rule.denies.get(direction, ()))
    return any(match.name for element in elements for match in element.traffic or ())
