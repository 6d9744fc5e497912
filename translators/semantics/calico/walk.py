"""Walk the tiers with sets of peers: for each subject the policies that select it, for those a row of verdicts.

Subjects that the same policies select, by the same rules, share one row; what the tiers before the last one leave
is shared even further (``verification.md`` §5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from translators.algebra.bitsets import bits_at, positions
from translators.flows import Direction
from translators.semantics.calico.facts import Facts
from translators.semantics.calico.shapes import ScopedEntity, ScopedPolicy, ScopedRule, TierWalk

__all__ = ["Effect", "Row", "Step", "Walk"]

type Effect = tuple[tuple[int, int], ...]
"""Where a rule matches: (atom, peers) pairs, each atom at most once."""

type Row = tuple[int, ...]
"""For each atom the peers with which it is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One policy as it applies to some subjects; ``tier`` is the place of its tier, Log rules are left out."""

    number: int
    tier: int
    policy: ScopedPolicy
    rules: tuple[tuple[ScopedRule, Effect], ...]


@dataclass(frozen=True, slots=True)
class _State:
    """What the tiers so far have left open, and what they have allowed, by atom."""

    undecided: Row
    allowed: Row


class Walk:
    """One direction of one universe."""

    def __init__(self, facts: Facts, tiers: Sequence[TierWalk], direction: Direction) -> None:
        """``facts`` speak of the peers of the universe, subjects among them."""
        self._facts = facts
        self.tiers = tiers
        self._ingress = direction is Direction.INGRESS
        self._direction = direction
        self._steps = 0
        self._states: dict[tuple[int, ...], _State] = {}
        self._same: dict[int, int] = {}

    def steps(self, wanted: Iterable[int]) -> dict[int, tuple[Step, ...]]:
        """Give, for each of these subjects, the policies that apply to it in the order in which Calico asks."""
        found: dict[int, list[Step]] = {index: [] for index in wanted}
        among = bits_at(found, len(self._facts.peers))
        for number, tier in enumerate(self.tiers):
            for policy in tier.policies:
                if not policy.special and policy.applies(self._direction):
                    chosen = self._facts.subjects(policy.subject) & among
                    for index, step in self._applied(policy, number, chosen):
                        found[index].append(step)
        return {index: tuple(listed) for index, listed in found.items()}

    def _applied(self, policy: ScopedPolicy, tier: int, chosen: int) -> Iterator[tuple[int, Step]]:
        """Give the step of each chosen subject: one for all, unless a rule looks at the subject itself."""
        if not chosen:
            return
        rules = [r for r in policy.rules[self._direction] if r.action != "log"]
        if not any(self._looks_at_subject(rule) for rule in rules):
            step = self._step(tier, policy, [(rule, self._effect(rule, None)) for rule in rules])
            yield from ((index, step) for index in positions(chosen))
            return
        known: dict[tuple[Effect, ...], Step] = {}
        for index in positions(chosen):
            effects = tuple(self._effect(rule, index) for rule in rules)
            if effects not in known:
                known[effects] = self._step(tier, policy, list(zip(rules, effects, strict=True)))
            yield index, known[effects]

    def _step(self, tier: int, policy: ScopedPolicy, rules: Sequence[tuple[ScopedRule, Effect]]) -> Step:
        self._steps += 1
        return Step(self._steps, tier, policy, tuple((r, effect) for r, effect in rules if effect))

    def _ends(self, rule: ScopedRule) -> tuple[ScopedEntity, ScopedEntity]:
        """Give the subject's own end of a rule, and the other."""
        return (rule.destination, rule.source) if self._ingress else (rule.source, rule.destination)

    def _looks_at_subject(self, rule: ScopedRule) -> bool:
        own, _ = self._ends(rule)
        selects = own.positive is not None or own.negative is not None or bool(own.nets or own.not_nets)
        named = rule.destination if self._ingress else rule.source
        return selects or _names_ports(named)

    def _effect(self, rule: ScopedRule, subject: int | None) -> Effect:
        """Give where a rule matches; ``subject`` None where it is the same for all."""
        own, other = self._ends(rule)
        if subject is not None and not self._facts.of(own) >> subject & 1:
            return ()
        peers = self._facts.of(other) & self._facts.families(rule)
        if not peers:
            return ()
        if not (_names_ports(rule.source) or _names_ports(rule.destination) or other.service is not None):
            return tuple((atom, peers) for atom in self._facts.numbered(rule))
        return tuple(self._by_atom(rule, peers, subject))

    def _by_atom(self, rule: ScopedRule, peers: int, subject: int | None) -> Iterator[tuple[int, int]]:
        _, other = self._ends(rule)
        limited = bool(rule.destination.ports or rule.destination.not_ports)
        for place in self._facts.spoken(rule):
            atom, here = self._facts.atoms[place], peers
            if limited:
                here &= self._facts.at_ports(rule, subject if self._ingress else None, atom)
            if _names_ports(rule.source):
                here &= self._facts.from_ports(rule, None if self._ingress else subject, atom)
            if other.service is not None:
                here &= self._facts.backing(other.service, atom, egress=not self._ingress)
            if here:
                yield place, here

    def row(self, steps: Sequence[Step], *, placed: bool) -> Row:
        """Give what is allowed after all tiers; ``placed``: the subject's profile lets through what is left."""
        tiers = [tuple(members) for _, members in groupby(steps, key=lambda step: step.tier)]
        state = self._begin()
        for number, members in enumerate(tiers):
            if number == len(tiers) - 1:
                state = self._after(state, members)
                break
            key = tuple(step.number for listed in tiers[: number + 1] for step in listed)
            if key not in self._states:
                self._states[key] = self._after(state, members)
            state = self._states[key]
        local = self._facts.local_hosts if self._ingress else 0
        left = state.undecided if placed else (0,) * len(state.allowed)
        same = self._same.setdefault
        row = (a | u | local for a, u in zip(state.allowed, left, strict=True))
        return tuple(same(bits, bits) for bits in row)

    def _begin(self) -> _State:
        count = len(self._facts.atoms)
        return _State((self._facts.everyone,) * count, (0,) * count)

    def _after(self, state: _State, members: Sequence[Step]) -> _State:
        """Give the state after one tier, of which these policies select the subject."""
        undecided, allowed, passed = list(state.undecided), list(state.allowed), [0] * len(state.allowed)
        for step in members:
            for rule, effect in step.rules:
                into = allowed if rule.action == "allow" else passed if rule.action == "pass" else None
                for atom, peers in effect:
                    hit = undecided[atom] & peers
                    undecided[atom] ^= hit
                    if into is not None:
                        into[atom] |= hit
        if self.tiers[members[0].tier].passes:
            passed = [p | u for p, u in zip(passed, undecided, strict=True)]
        return _State(tuple(passed), tuple(allowed))


def _names_ports(entity: ScopedEntity) -> bool:
    return any(isinstance(port, str) for port in (*entity.ports, *entity.not_ports))
