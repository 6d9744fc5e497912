"""Compile ordered Calico policies into unordered Cilium rules: the passes in their order, for one world.

Nothing is proved here; what comes out is read back and proved by ``proof`` (``architecture.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from translators.algebra.space import SideName, Space, Vocabulary
from translators.backends.terms import own_namespace
from translators.errors import BudgetExceeded, TranslatorError
from translators.flows import Direction
from translators.ir.items import (
    Claim,
    Compiled,
    DenyStatus,
    Item,
    Lowered,
    Note,
    Output,
    ScopedPeer,
    ScopedPolicy,
    Source,
)
from translators.ir.policy import Action, Policy, PolicyKind, Rule, Tier
from translators.lowering.hidden import hidden_keys
from translators.lowering.interplay import interplay
from translators.lowering.rules import RuleLowering
from translators.lowering.sayable import Sayable
from translators.lowering.vocabulary import Collector
from translators.passes.decide import Decided, Judge, decide
from translators.passes.flatten import flatten
from translators.passes.order import sorted_tiers
from translators.passes.scope import scope_peer, scope_policy
from translators.settings import Options
from translators.world import World

__all__ = ["Compilation", "compile_policies"]

_DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)
_Peers = Mapping[int, tuple[ScopedPeer, ScopedPeer]]


@dataclass(frozen=True, slots=True)
class Compilation:
    """Both directions in one space; ``failed`` are policies that could not be lowered, with the error.

    ``absorbed``: Kubernetes NetworkPolicies were converted and are to be removed at cut-over.
    """

    space: Space
    directions: Mapping[Direction, Compiled]
    ordered: tuple[tuple[Tier, tuple[Policy, ...]], ...]
    failed: tuple[tuple[Policy, TranslatorError], ...]
    items: int
    absorbed: bool


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A policy after scoping, with the scoped ends of its rules by direction and index."""

    scoped: ScopedPolicy
    peers: Mapping[Direction, _Peers]


def compile_policies(
    policies: Iterable[Policy],
    tiers: Mapping[str, Tier],
    world: World,
    options: Options,
    *,
    of_nodes: bool = False,
) -> Compilation:
    """Compile the enforced policies of one cluster; ``of_nodes``: their subjects are nodes, by labels of nodes.

    A policy that cannot be lowered is left out and named. Where a Deny cannot be written out against Kubernetes
    policies that stay, these are absorbed (CAL-K705); raises ``BudgetExceeded`` if it does not fit even then.
    """
    enforced = [p for p in policies if not (p.staged or p.pre_dnat or p.do_not_track)]
    try:
        return _compile(enforced, tiers, world, options, of_nodes=of_nodes)
    except BudgetExceeded:
        if options.kubernetes_policies != "native":
            raise
        absorbing = replace(options, kubernetes_policies="absorb")
        return _compile(enforced, tiers, world, absorbing, of_nodes=of_nodes)


def _compile(
    enforced: Sequence[Policy],
    tiers: Mapping[str, Tier],
    world: World,
    options: Options,
    *,
    of_nodes: bool,
) -> Compilation:
    ordered = sorted_tiers(enforced, tiers, options.calico_version)
    prepared = {id(p): _prepare(p) for _, members in ordered for p in members}
    space = Space(_vocabulary(prepared.values(), world), world)
    run = _Run(space, world, options, prepared, of_nodes=of_nodes)
    compiled = {direction: run.compile(ordered, direction) for direction in _DIRECTIONS}
    if run.failed:
        rest = [p for p in enforced if id(p) not in run.failed]
        without = _compile(rest, tiers, world, options, of_nodes=of_nodes)
        return replace(without, failed=(*run.failed.values(), *without.failed))
    listing = tuple((tier, tuple(members)) for tier, members in ordered)
    absorbed = options.kubernetes_policies != "native"
    return Compilation(space, compiled, listing, (), run.items, absorbed)


def _prepare(policy: Policy) -> _Prepared:
    peers = {
        direction: {
            rule.index: (scope_peer(policy, rule.source), scope_peer(policy, rule.destination))
            for rule in _rules(policy, direction)
        }
        for direction in _DIRECTIONS
    }
    return _Prepared(scope_policy(policy), peers)


def _rules(policy: Policy, direction: Direction) -> tuple[Rule, ...]:
    return policy.ingress if direction is Direction.INGRESS else policy.egress


def _vocabulary(prepared: Iterable[_Prepared], world: World) -> Vocabulary:
    collector = Collector(world)
    for one in prepared:
        collector.subject(one.scoped.subject)
        for direction in _DIRECTIONS:
            for rule in _rules(one.scoped.policy, direction):
                collector.rule(rule, direction, one.peers[direction][rule.index])
    return collector.vocabulary


class _Run:
    """One compilation: what both directions share."""

    def __init__(
        self,
        space: Space,
        world: World,
        options: Options,
        prepared: Mapping[int, _Prepared],
        *,
        of_nodes: bool,
    ) -> None:
        self._space = space
        self._world = world
        self._options = options
        self._prepared = prepared
        self._hidden = hidden_keys(space, options.cilium.labels)
        self._of_nodes = of_nodes
        self._native = options.kubernetes_policies == "native"
        self.failed: dict[int, tuple[Policy, TranslatorError]] = {}
        self.items = 0

    def compile(self, ordered: Sequence[tuple[Tier, Sequence[Policy]]], direction: Direction) -> Compiled:
        sayable = Sayable(self._space, self._options.cilium, self._hidden, direction, of_nodes=self._of_nodes)
        lowering = RuleLowering(self._space, self._world, sayable, direction, self._options)
        lowering.native = self._native
        layers = []
        for tier, members in ordered:
            lowered = [low for p in members if (low := self._lower(p, direction, lowering))]
            if lowered:
                layers.append((tier, lowered))
                lowering.notes.extend(interplay(tier, lowered, self._space.layout))
        items = flatten(layers, direction, self._space.layout)
        self.items += len(items)
        judge = Judge(self._space.layout, self._options.limits, self._bucket, sayable,
                      self._options.explicit_denies)  # fmt: skip
        decided = decide(items, judge)
        return self._output(items, decided, layers, lowering, sayable)

    def _lower(self, policy: Policy, direction: Direction, lowering: RuleLowering) -> Lowered | None:
        applies = policy.applies_ingress if direction is Direction.INGRESS else policy.applies_egress
        if not applies or id(policy) in self.failed:
            return None
        one = self._prepared[id(policy)]
        try:
            return lowering.policy(one.scoped, one.peers[direction])
        except TranslatorError as error:
            self.failed[id(policy)] = (policy, error)
            return None

    def _bucket(self, cube: int) -> str | None:
        return own_namespace(self._space, cube, SideName.SUBJECT)

    def _output(
        self,
        items: Sequence[Item],
        decided: Decided,
        layers: Sequence[tuple[Tier, Sequence[Lowered]]],
        lowering: RuleLowering,
        sayable: Sayable,
    ) -> Compiled:
        allows = []
        for index, cubes in sorted(decided.allows.items()):
            said = [part for cube in cubes for part in self._say(cube, items[index], lowering, sayable)]
            allows.append(Output(items[index].source, tuple(said)))
        denies = [Output(items[i].source, tuple(c)) for i, c in sorted(decided.denies.items())]
        isolated = [
            Output(Source(low.scoped.policy, low.direction), low.subject)
            for _, members in layers
            for low in members
            if not (self._native and low.scoped.policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY)
        ]
        return Compiled(
            direction=lowering.direction,
            allows=tuple(o for o in allows if o.cubes),
            denies=tuple(o for o in denies if o.cubes),
            isolated=tuple(isolated),
            statuses=_counts(decided),
            notes=tuple(lowering.notes),
            claims=tuple(lowering.claims),
            naive=(_as_it_stands(items, Action.ALLOW), _as_it_stands(items, Action.DENY)),
        )

    def _say(self, cube: int, item: Item, lowering: RuleLowering, sayable: Sayable) -> list[int]:
        """Narrow what subtraction left unsayable, and claim the difference."""
        said = sayable.narrow(cube)
        if said != [cube]:
            lost = [p for part in said for p in self._space.layout.sharp(cube, part)] or [cube]
            lowering.claims.append(Claim("CAL-L515", item.source, tuple(lost)))
            lowering.notes.append(Note("CAL-L515", item.source, fills={"choice": "left out"}))
        return said


def _as_it_stands(items: Sequence[Item], action: Action) -> tuple[Output, ...]:
    return tuple(
        Output(item.source, item.region)
        for item in items
        if item.action is action and item.source.rule is not None and not item.native and item.region
    )


def _counts(decided: Decided) -> dict[DenyStatus, int]:
    result: dict[DenyStatus, int] = {}
    for status in decided.statuses.values():
        result[status] = result.get(status, 0) + 1
    return result
