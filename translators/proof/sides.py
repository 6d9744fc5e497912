"""One set of policies under its own engine, as a proof sees it: what it allows of a region, and what it says of a flow.

Both engines answer the same three questions here, so that any two sets can be held against each other. A side
carries its own world: two sets may come with different network sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from translators.algebra.cubes import Budget, Layout, join, sub
from translators.algebra.space import Space, Vocabulary
from translators.flows import Direction, Flow, FlowVerdict
from translators.proof.emitted import Regions, emitted_regions, rule_subjects
from translators.proof.source_items import SourceItem, source_items, subjects
from translators.proof.vocabulary import cilium_vocabulary, source_vocabulary
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.calico.shapes import ScopedPolicy
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.semantics.cilium.shapes import Rule
from translators.world import World

__all__ = ["CalicoSet", "CiliumSet", "PolicySide", "calico_allows", "cilium_allows"]

_CAP = 20_000


class PolicySide(Protocol):
    """What a comparison asks of either engine."""

    @property
    def world(self) -> World:
        """Give the world that the policies speak of."""
        ...

    def vocabulary(self) -> Vocabulary:
        """Give everything that the policies can tell apart."""
        ...

    def units(self) -> dict[str, object]:
        """Give the policies by name, in a form that is equal for two that mean the same."""
        ...

    def subjects(self, space: Space, direction: Direction, names: Iterable[str]) -> list[int]:
        """Give the pods that these policies select, with every peer that is policed."""
        ...

    def allowed(self, space: Space, direction: Direction, region: Sequence[int]) -> list[int] | None:
        """Give what is allowed of a region; None where that takes too many cubes to say."""
        ...

    def judge(self, world: World, flow: Flow) -> FlowVerdict:
        """Judge a flow among the pods and namespaces of ``world``."""
        ...


@dataclass(frozen=True, slots=True)
class CalicoSet:
    """Policies as Calico enforces them."""

    policies: CalicoPolicies

    @property
    def world(self) -> World:
        """Give the world that the policies speak of."""
        return self.policies.world

    def vocabulary(self) -> Vocabulary:
        """Give everything that the policies can tell apart."""
        return source_vocabulary(self.policies)

    def units(self) -> dict[str, object]:
        """Give the policies by name; the tiers in which they stand are one unit more."""
        found: dict[str, object] = {p.label: _meaning(p) for p in self._policies()}
        order = [(t.name, t.passes) for t in self.policies.tiers]
        return {**found, "": order}

    def _policies(self) -> Iterator[ScopedPolicy]:
        return (policy for tier in self.policies.tiers for policy in tier.policies if not policy.special)

    def subjects(self, space: Space, direction: Direction, names: Iterable[str]) -> list[int]:
        """Give the pods that these policies select."""
        wanted = set(names)
        chosen = [p.subject for p in self._policies() if p.label in wanted and p.applies(direction)]
        return subjects(self.policies, space, direction, chosen)

    def allowed(self, space: Space, direction: Direction, region: Sequence[int]) -> list[int] | None:
        """Walk the items on the region; what no item holds is not isolated, so allowed."""
        return calico_allows(space.layout, region, source_items(self.policies, space, direction))

    def judge(self, world: World, flow: Flow) -> FlowVerdict:
        """Judge a flow among the pods and namespaces of ``world``."""
        return CalicoPoint(replace(self.policies, world=_among(self.world, world))).judge(flow)


@dataclass(frozen=True, slots=True)
class CiliumSet:
    """Policies as Cilium enforces them."""

    policies: CiliumPolicies

    @property
    def world(self) -> World:
        """Give the world that the policies speak of."""
        return self.policies.world

    def vocabulary(self) -> Vocabulary:
        """Give everything that the policies can tell apart."""
        return cilium_vocabulary(self.policies)

    def units(self) -> dict[str, object]:
        """Give the rules by the object that they stand in."""
        found: dict[str, list[object]] = {}
        for rule in self.policies.rules:
            found.setdefault(rule.object, []).append(_plain(rule))
        return dict(found)

    def subjects(self, space: Space, direction: Direction, names: Iterable[str]) -> list[int]:
        """Give the pods that these objects select."""
        wanted = set(names)
        rules = [r for r in self.policies.rules if r.object in wanted and direction in r.applies]
        return rule_subjects(self.policies, space, direction, rules)

    def allowed(self, space: Space, direction: Direction, region: Sequence[int]) -> list[int] | None:
        """Give what is allowed and not denied, and all of what nothing isolates."""
        return cilium_allows(space.layout, region, emitted_regions(self.policies, space, direction))

    def judge(self, world: World, flow: Flow) -> FlowVerdict:
        """Judge a flow among the pods and namespaces of ``world``."""
        return CiliumPoint(replace(self.policies, world=_among(self.world, world))).judge(flow)


def _among(own: World, other: World) -> World:
    return replace(own, pods=other.pods, namespaces={**own.namespaces, **other.namespaces})


def _meaning(policy: ScopedPolicy) -> object:
    """Give a policy without the places in which it was written."""
    rules = {d: tuple(replace(r, span=None) for r in listed) for d, listed in policy.rules.items()}
    return (policy.tier, policy.order, policy.subject, sorted(rules.items()))


def _plain(rule: Rule) -> object:
    sections = {
        name: {d: tuple(replace(e, span=None, label="") for e in listed) for d, listed in section.items()}
        for name, section in (("allows", rule.allows), ("denies", rule.denies))
    }
    return (rule.subject, rule.of_nodes, sections, rule.isolates, rule.applies)


def calico_allows(layout: Layout, region: Sequence[int], items: Sequence[SourceItem]) -> list[int] | None:
    """Walk the items on the region; what no item holds is not isolated, so allowed."""
    rest = list(region)
    allowed: list[int] = []
    for item in items:
        if not rest:
            break
        if item.allows:
            allowed += layout.meet(rest, list(item.region))
        left = sub(layout, rest, item.region, _CAP, Budget())
        if left is None:
            return None
        rest = left
    return [*allowed, *rest]


def cilium_allows(layout: Layout, region: Sequence[int], emitted: Regions) -> list[int] | None:
    """Give what is allowed and not denied, and all of what nothing isolates."""
    free = sub(layout, region, emitted.isolated, _CAP, Budget())
    if free is None:
        return None
    allowed = [*layout.meet(list(region), list(emitted.allows)), *free]
    return sub(layout, join(layout, allowed), emitted.denies, _CAP, Budget())
