"""Selectors over pods as regions: one cube per term, exact for every label set.

Literals without a text match are closed under negation (lemma L1 of ``translation.md`` §2). A text match is
taken over the values that the input knows; labels of service accounts over the accounts that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from translators.algebra.cubes import join
from translators.algebra.space import ABSENT, OTHER, AtomKind, Field, SideName, Space
from translators.errors import BudgetExceeded
from translators.lowering.keys import Home, home_of, pod_can_carry
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.selectors.evaluate import matches
from translators.world import World

__all__ = ["PodSelectors"]

_UNSEEN = "\0"
"""Stands for any value that the input does not name: equal to none of them, and holding none of their text."""


class PodSelectors:
    """Turns selectors into regions of pods, for one side of the flow."""

    def __init__(self, space: Space, world: World, side: SideName, max_terms: int) -> None:
        """``max_terms`` bounds the cubes of one selector (CAL-S211)."""
        self._space = space
        self._world = world
        self._side = side
        self._max_terms = max_terms
        self._known: dict[tuple[Node, bool], list[int]] = {}
        self._literals: dict[tuple[Node, bool], list[int]] = {}
        kind = AtomKind.POD
        pods = space.subjects if side is SideName.SUBJECT else space.peers
        self.pods = pods(lambda atom: atom.kind is kind)

    def region(self, node: Node, *, negated: bool = False) -> list[int]:
        """Give the pods that the selector selects, or does not if ``negated``.

        Raises ``BudgetExceeded`` (CAL-S211) where one selector needs more terms than the limit.
        """
        key = (node, negated)
        if key not in self._known:
            cubes = join(self._space.layout, self._cubes(node, negated))
            self._known[key] = self._space.layout.meet(cubes, [self.pods])
        return self._known[key]

    def _cubes(self, node: Node, negated: bool) -> list[int]:
        match node:
            case All() | Global():
                return [] if negated else [self._space.full]
            case Not(operand):
                return self._cubes(operand, not negated)
            case And(operands):
                return self._any(operands, negated) if negated else self._all(operands, negated)
            case Or(operands):
                return self._all(operands, negated) if negated else self._any(operands, negated)
            case Has() | Compare() | In():
                key = (node, negated)
                if key not in self._literals:
                    self._literals[key] = self._literal(node, negated)
                return self._literals[key]

    def _any(self, operands: Iterable[Node], negated: bool) -> list[int]:
        return join(self._space.layout, (c for part in operands for c in self._cubes(part, negated)))

    def _all(self, operands: Iterable[Node], negated: bool) -> list[int]:
        region = [self._space.full]
        for part in operands:
            region = join(self._space.layout, self._space.layout.meet(region, self._cubes(part, negated)))
            if len(region) > self._max_terms:
                what = f"the selector expands to more than {self._max_terms} terms"
                fills = {"n": f"more than {self._max_terms}", "max": str(self._max_terms)}
                raise BudgetExceeded(what, code="CAL-S211", fills=fills)
        return region

    def _literal(self, leaf: Has | Compare | In, negated: bool) -> list[int]:
        home, name = home_of(leaf.key)

        def holds(value: str | None) -> bool:
            labels = {} if value is None else {leaf.key: value}
            return matches(leaf, labels) is not negated

        match home:
            case Home.ORCHESTRATOR:
                return [self._space.full] if holds("k8s") else []
            case Home.ACCOUNT_LABEL:
                return self._accounts(leaf, negated)
            case Home.NAMESPACE | Home.ACCOUNT:
                which = self._space.field(self._side, home)
            case Home.LABEL | Home.NAMESPACE_LABEL:
                if not pod_can_carry(name):
                    return [self._space.full] if holds(None) else []
                which = self._space.field(self._side, home, name)
        bits = _named(which, leaf)
        if bits is None:
            return self._nonempty(which, _bits(which, holds))
        return self._nonempty(which, which.mask & ~bits if negated else bits)

    def _nonempty(self, which: Field, bits: int) -> list[int]:
        return [self._space.only(which, bits)] if bits else []

    def _accounts(self, leaf: Has | Compare | In, negated: bool) -> list[int]:
        """Enumerate accounts: those of a namespace that hold, or everything but those that do not.

        An account that the input does not know has no labels.
        """
        unknown = matches(leaf, {})
        named: dict[str, set[str]] = {}
        for account in self._world.service_accounts.values():
            labels = {f"pcsa.{key}": value for key, value in account.labels.items()}
            if matches(leaf, labels) is not unknown:
                named.setdefault(account.namespace, set()).add(account.name)
        if unknown is not negated:
            return self._except_accounts(named)
        return [self._of_accounts(ns, names, inside=True) for ns, names in sorted(named.items())]

    def _except_accounts(self, named: dict[str, set[str]]) -> list[int]:
        region = [self._of_accounts(ns, names, inside=False) for ns, names in sorted(named.items())]
        field = self._space.field(self._side, "namespace")
        elsewhere = field.mask & ~field.of(named)
        return [*region, self._space.only(field, elsewhere)]

    def _of_accounts(self, namespace: str, names: Iterable[str], *, inside: bool) -> int:
        place = self._space.field(self._side, "namespace")
        account = self._space.field(self._side, "account")
        bits = account.of(names)
        if not inside:
            bits = account.mask & ~bits
        return self._space.only(place, place.of([namespace])) & self._space.only(account, bits)


def _named(which: Field, leaf: Has | Compare | In) -> int | None:
    """Give the bits of a field that a literal selects, None for a comparison that looks into the text."""
    match leaf:
        case Has():
            return which.mask & ~which.bits.get(ABSENT, 0)
        case In(_, values, negated):
            listed: Iterable[str] = values
        case Compare(_, "==" | "!=" as op, value):
            listed, negated = (value,), op == "!="
        case Compare():
            return None
    bits = sum(which.bits.get(value, 0) for value in {*listed} - {ABSENT, OTHER})
    return which.mask & ~bits if negated else bits


def _bits(which: Field, holds: Callable[[str | None], bool]) -> int:
    result = 0
    for value, bit in which.bits.items():
        if value == ABSENT:
            asked: str | None = None
        else:
            asked = _UNSEEN if value == OTHER else str(value)
        if holds(asked):
            result |= bit
    return result
