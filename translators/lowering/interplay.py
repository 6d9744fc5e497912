"""What policies of one tier do to each other that their author should know, beyond any single rule.

Kubernetes NetworkPolicies stand in tier ``default`` at order 1000; a Pass before them leaves the tier, so they are
never asked (``translation.md`` §2.2, C1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translators.algebra.bitsets import positions
from translators.algebra.index import CubeIndex
from translators.algebra.layout import Layout
from translators.ir.items import Lowered, Note, Source
from translators.ir.policy import KUBERNETES_ORDER, Action, Policy, PolicyKind, Tier

__all__ = ["interleaved", "interplay"]

MAX_NAMED = 3


def interplay(tier: Tier, policies: Sequence[Lowered], layout: Layout) -> Iterator[Note]:
    """Give the notes on one tier's policies, in the order in which Calico asks."""
    kubernetes = _Kubernetes(policies, layout)
    for index, lowered in enumerate(policies):
        if lowered.scoped.policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY:
            continue
        earlier, later = kubernetes.around(index, lowered)
        source = Source(lowered.scoped.policy, lowered.direction)
        if earlier and later:
            yield Note("CAL-K702", source, fills={"policies": lowered.scoped.policy.label})
        if later:
            yield from _jumps(lowered, later, layout)
        if tier.default_action is not Action.PASS and _denies_alone(lowered):
            yield Note("CAL-O305", source)


def interleaved(policies: Sequence[Lowered], layout: Layout) -> list[Policy]:
    """Give the Kubernetes policies between which one of order 1000 stands by its name: none has a slot then."""
    found: dict[int, Policy] = {}
    kubernetes = _Kubernetes(policies, layout)
    for index, lowered in enumerate(policies):
        policy = lowered.scoped.policy
        if policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY or policy.order != KUBERNETES_ORDER:
            continue
        earlier, later = kubernetes.around(index, lowered)
        if earlier and later:
            found.update((id(o.scoped.policy), o.scoped.policy) for o in (*earlier, *later))
    return list(found.values())


class _Kubernetes:
    """The Kubernetes policies of a tier, to be asked which of them may select the same pods as another."""

    def __init__(self, policies: Sequence[Lowered], layout: Layout) -> None:
        self._policies = policies
        self._places = [
            place
            for place, low in enumerate(policies)
            if low.scoped.policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY
            for _ in low.subject
        ]
        subjects = [cube for place in dict.fromkeys(self._places) for cube in policies[place].subject]
        self._index = CubeIndex(layout, subjects)

    def around(self, index: int, lowered: Lowered) -> tuple[list[Lowered], list[Lowered]]:
        """Give those before a place and those after it, in their order."""
        met = 0
        for cube in lowered.subject:
            met |= self._index.meeting(cube)
        places = dict.fromkeys(self._places[number] for number in positions(met))
        before = [self._policies[place] for place in places if place < index]
        return before, [self._policies[place] for place in places if place > index]


def _jumps(lowered: Lowered, later: Sequence[Lowered], layout: Layout) -> Iterator[Note]:
    for part in lowered.rules:
        if part.rule.action is not Action.PASS:
            continue
        passed = [
            o.scoped.policy.label
            for o in later
            if any(layout.meets(a, b) for a in part.region for b in o.subject)
        ]
        if passed:
            more = f" and {len(passed) - MAX_NAMED} more" if len(passed) > MAX_NAMED else ""
            rule = f"{lowered.scoped.policy.label} {lowered.direction} rule {part.rule.index + 1}"
            fills = {"rule": rule, "knps": ", ".join(passed[:MAX_NAMED]) + more}
            yield Note("CAL-O303", Source(lowered.scoped.policy, lowered.direction, part.rule), fills=fills)


def _denies_alone(lowered: Lowered) -> bool:
    actions = {part.rule.action for part in lowered.rules}
    return lowered.scoped.policy.kind.is_calico and actions == {Action.DENY}
