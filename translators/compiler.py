"""Compile ordered Calico policies into unordered Cilium rules: the passes in their order, for one world.

Nothing is proved here; what comes out is read back and proved by ``proof`` (``architecture.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

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
from translators.lowering.foreign import claims_of, foreign_regions, notes_on, take_in
from translators.lowering.hidden import hidden_fields
from translators.lowering.interplay import interleaved, interplay
from translators.lowering.labels import PodSelectors
from translators.lowering.reach import Reach, marks_of
from translators.lowering.remarks import endpoints_of
from translators.lowering.rules import NAMES_SINCE, RuleLowering
from translators.lowering.sayable import Sayable
from translators.lowering.vocabulary import Collector
from translators.passes.closing import realised_in
from translators.passes.decide import Decided, Judge, Over, decide
from translators.passes.expansion import expansion_notes
from translators.passes.flatten import flatten
from translators.passes.free import leave_open
from translators.passes.order import sorted_tiers
from translators.passes.scope import NAMESPACE, scope_peer, scope_policy
from translators.passes.withhold import cut, subjects_of, touched, without
from translators.selectors.ast import All, Compare, Node
from translators.semantics.cilium.shapes import Rule as CiliumRule
from translators.settings import Options
from translators.world import World

__all__ = ["Compilation", "Withheld", "compile_policies"]

_DIRECTIONS = (Direction.INGRESS, Direction.EGRESS)
_Peers = Mapping[int, tuple[ScopedPeer, ScopedPeer]]


@dataclass(frozen=True, slots=True)
class Withheld:
    """Subjects without output, because one item fits in no form: ``region`` holds them with all their traffic.

    ``touched``: the policies that select some of them, and whether they select no other.
    """

    error: BudgetExceeded
    source: Source
    region: tuple[int, ...]
    touched: tuple[tuple[Policy, bool], ...]


@dataclass(frozen=True, slots=True)
class Compilation:
    """Both directions in one space; ``failed`` are policies that could not be lowered, with the error.

    ``absorbed``: Kubernetes NetworkPolicies that were converted and are to be removed at cut-over, by identity.
    """

    space: Space
    directions: Mapping[Direction, Compiled]
    ordered: tuple[tuple[Tier, tuple[Policy, ...]], ...]
    failed: tuple[tuple[Policy, TranslatorError], ...]
    items: int
    absorbed: frozenset[int] = frozenset()
    withheld: tuple[Withheld, ...] = ()

    def stays(self, policy: Policy) -> bool:
        """Say whether a Kubernetes NetworkPolicy stays in force as it is."""
        return policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY and id(policy) not in self.absorbed


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A policy after scoping, with the scoped ends of its rules by direction and index."""

    scoped: ScopedPolicy
    peers: Mapping[Direction, _Peers]


@dataclass(frozen=True, slots=True)
class _Laid:
    """One direction before anything is decided: its items, and what they were lowered with."""

    items: Sequence[Item]
    layers: Sequence[tuple[Tier, Sequence[Lowered]]]
    lowering: RuleLowering
    sayable: Sayable
    nowhere: int = 0

    @property
    def lowered(self) -> list[Lowered]:
        """Give every policy, in order."""
        return [low for _, members in self.layers for low in members]


class _MustAbsorb(Exception):
    """Some Kubernetes policies cannot stay as they are; caught inside this module."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        super().__init__()
        self.policies = frozenset(id(p) for p in policies)


def compile_policies(
    policies: Iterable[Policy],
    tiers: Mapping[str, Tier],
    world: World,
    options: Options,
    *,
    of_nodes: bool = False,
    foreign: Sequence[CiliumRule] = (),
) -> Compilation:
    """Compile the enforced policies of one cluster; ``of_nodes``: their subjects are nodes, by labels of nodes.

    ``foreign``: rules of Cilium policies that are there already and stay, whose allows nobody can cut.

    A policy that cannot be lowered is left out and named. Kubernetes policies between which a policy of order 1000
    stands, those against which a Deny cannot be written out, and those with rules of a direction that
    ``policyTypes`` does not list are absorbed (CAL-K705): Cilium reads the last with these rules, Calico without. Subjects whose rules fit in
    no form are withheld. Raises ``BudgetExceeded`` (CAL-O314) where a direction as a whole is over its limits.
    """
    enforced = [p for p in policies if not (p.staged or p.pre_dnat or p.do_not_track)]
    native = [p for p in enforced if p.kind is PolicyKind.KUBERNETES_NETWORK_POLICY]
    everyone = options.kubernetes_policies != "native"
    absorbed = frozenset(id(p) for p in native if everyone or _has_unlisted_rules(p))
    task = _Task(tiers, world, options, absorbed, tuple(foreign), of_nodes=of_nodes)
    while True:
        try:
            return _compile(enforced, task)
        except _MustAbsorb as more:
            task = replace(task, absorbed=task.absorbed | more.policies)


def _has_unlisted_rules(policy: Policy) -> bool:
    unlisted_ingress = bool(policy.ingress) and not policy.applies_ingress
    return unlisted_ingress or (bool(policy.egress) and not policy.applies_egress)


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same while policies are left out and the rest is compiled again.

    ``too_large``: policies with a selector over its limit, whose subjects get no output.
    """

    tiers: Mapping[str, Tier]
    world: World
    options: Options
    absorbed: frozenset[int]
    foreign: tuple[CiliumRule, ...]
    too_large: tuple[tuple[Policy, BudgetExceeded], ...] = ()
    of_nodes: bool = False


def _compile(enforced: Sequence[Policy], task: _Task) -> Compilation:
    ordered = sorted_tiers(enforced, task.tiers, task.options.calico_version)
    prepared = {id(p): _prepare(p) for _, members in ordered for p in members}
    vocabulary = _vocabulary(prepared.values(), task)
    take_in(vocabulary, task.foreign)
    marks_of(task.world, task.options.cilium, vocabulary)
    space = Space(vocabulary, task.world)
    run = _Run(space, prepared, task)
    laid = {direction: run.lay(ordered, direction) for direction in _DIRECTIONS}
    if run.failed:
        rest = [p for p in enforced if id(p) not in run.failed]
        larger = [(p, e) for p, e in run.failed.values() if isinstance(e, BudgetExceeded)]
        without_failed = _compile(rest, replace(task, too_large=(*task.too_large, *larger)))
        return replace(without_failed, failed=(*run.failed.values(), *without_failed.failed))
    compiled, withheld = run.fit(laid)
    listing = tuple((tier, tuple(members)) for tier, members in ordered)
    items = sum(len(one.items) for one in laid.values())
    return Compilation(space, compiled, listing, (), items, task.absorbed, tuple(withheld))


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


def _vocabulary(prepared: Iterable[_Prepared], task: _Task) -> Vocabulary:
    by_number = task.options.cilium_version < NAMES_SINCE
    collector = Collector(task.world, task.options.cilium.labels, by_number=by_number)
    for policy, _ in task.too_large:
        collector.subject(scope_policy(policy).subject)
    for one in prepared:
        collector.subject(one.scoped.subject)
        for direction in _DIRECTIONS:
            for rule in _rules(one.scoped.policy, direction):
                collector.rule(rule, direction, one.peers[direction][rule.index])
    return collector.vocabulary


class _Run:
    """One compilation: what both directions share."""

    def __init__(self, space: Space, prepared: Mapping[int, _Prepared], task: _Task) -> None:
        self._space = space
        self._task = task
        self._world = task.world
        self._options = task.options
        self._prepared = prepared
        self._hidden = hidden_fields(space, task.options.cilium.labels)
        self._of_nodes = task.of_nodes
        self._endpoints = endpoints_of(task.world)
        self.absorbed = task.absorbed
        self.foreign = task.foreign
        self.failed: dict[int, tuple[Policy, TranslatorError]] = {}

    def lay(self, ordered: Sequence[tuple[Tier, Sequence[Policy]]], direction: Direction) -> _Laid:
        """Lower every policy of a direction and lay its rules out as items."""
        config = self._options.cilium
        reach = Reach(self._space, self._world, config, direction)
        sayable = Sayable(self._space, config, self._hidden, direction, reach, of_nodes=self._of_nodes)
        lowering = RuleLowering(self._space, self._world, sayable, direction, self._options, self._endpoints)
        lowering.stays = self._stays
        if reach.pods and not reach.by_address:
            self._absorb(p for _, members in ordered for p in members if _names_networks(p))
        nowhere = reach.nowhere()
        if nowhere:
            region = (self._space.only(self._space.peer, nowhere),)
            lowering.claims.append(Claim("", Source(None, direction), region, assumed=True))
        layers = []
        for tier, members in ordered:
            lowered = [low for p in members if (low := self._lower(p, direction, lowering))]
            if lowered:
                layers.append((tier, lowered))
                lowering.notes.extend(interplay(tier, lowered, self._space.layout))
                self._absorb(interleaved(lowered, self._space.layout))
        items = flatten(layers, direction, self._space.layout)
        items += self._of_others(direction, layers, lowering)
        return _Laid(items, layers, lowering, sayable, nowhere)

    def _of_others(
        self,
        direction: Direction,
        layers: Sequence[tuple[Tier, Sequence[Lowered]]],
        lowering: RuleLowering,
    ) -> list[Item]:
        """Give the allows of Cilium policies that stay as items behind all others."""
        layout = self._space.layout
        found = foreign_regions(self._space, self.foreign, direction, self._options.cilium.labels)
        lowered = [low for _, members in layers for low in members]
        lowering.claims += claims_of(found, lowered, layout, direction)
        lowering.notes += notes_on(found, lowered, layout, explicit_denies=self._options.explicit_denies)
        return [
            Item(
                Action.ALLOW,
                one.allows,
                Source(None, direction, tier=one.object),
                len(layers) + 1,
                native=True,
            )
            for one in found
            if one.allows
        ]

    def _stays(self, policy: Policy) -> bool:
        return policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY and id(policy) not in self.absorbed

    def _absorb(self, policies: Iterable[Policy]) -> None:
        if found := [p for p in policies if self._stays(p)]:
            raise _MustAbsorb(found)

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

    def fit(self, laid: Mapping[Direction, _Laid]) -> tuple[dict[Direction, Compiled], list[Withheld]]:
        """Decide both directions, withholding the subjects of whatever fits in no form until the rest does."""
        withheld = [self._too_large(laid, policy, error) for policy, error in self._task.too_large]
        while True:
            gone = [cube for one in withheld for cube in one.region]
            items = {d: without(self._space.layout, one.items, gone) for d, one in laid.items()}
            decided = {d: decide(items[d], self._judge(one)) for d, one in laid.items()}
            over = [(d, j, found) for d in laid for j, found in decided[d].over.items()]
            self._absorb(p for d, _, found in over for k in found.natives if (p := items[d][k].source.policy))
            if not over:
                return {d: self._output(one, items[d], decided[d], gone) for d, one in laid.items()}, withheld
            withheld += [self._withheld(laid, items[d][j], found) for d, j, found in over]

    def _judge(self, laid: _Laid) -> Judge:
        return Judge(
            self._space.layout,
            self._options.limits,
            self._bucket,
            laid.sayable,
            self._options.explicit_denies,
            self._realised,
        )

    @cached_property
    def _realised(self) -> Callable[[int], bool] | None:
        known = self._world.is_cluster and self._world.pods and not self._of_nodes
        return realised_in(self._space, self._world) if known else None

    def _bucket(self, cube: int) -> str | None:
        return own_namespace(self._space, cube, SideName.SUBJECT)

    def _too_large(self, laid: Mapping[Direction, _Laid], policy: Policy, error: BudgetExceeded) -> Withheld:
        """Withhold the subjects of a policy with a selector over its limit; where it is the subject's, all it may be."""
        pods = PodSelectors(self._space, self._world, SideName.SUBJECT, self._options.limits.terms)
        place: Node = Compare(NAMESPACE, "==", policy.namespace) if policy.namespace else All()
        try:
            region = pods.region(scope_policy(policy).subject)
        except BudgetExceeded:
            region = pods.region(place)
        subjects = subjects_of(self._space, region)
        source = Source(policy, Direction.INGRESS)
        return Withheld(error, source, tuple(subjects), self._selecting(laid, subjects))

    def _withheld(self, laid: Mapping[Direction, _Laid], item: Item, over: Over) -> Withheld:
        region = subjects_of(self._space, over.region)
        selecting = self._selecting(laid, region)
        owner = item.source.policy or selecting[0][0]
        return Withheld(over.error, replace(item.source, policy=owner), tuple(region), selecting)

    def _selecting(
        self, laid: Mapping[Direction, _Laid], region: Sequence[int]
    ) -> tuple[tuple[Policy, bool], ...]:
        """Give the policies that select some of these subjects, and whether they select no other."""
        selecting: dict[int, tuple[Policy, bool]] = {}
        for one in laid.values():
            for low, whole in touched(self._space.layout, one.lowered, region):
                policy = low.scoped.policy
                before = selecting.get(id(policy), (policy, True))[1]
                selecting[id(policy)] = (policy, whole and before)
        return tuple(selecting.values())

    def _output(
        self, laid: _Laid, items: Sequence[Item], decided: Decided, withheld: Sequence[int]
    ) -> Compiled:
        lowering, sayable = laid.lowering, laid.sayable
        allows = []
        for index, cubes in sorted(decided.allows.items()):
            said = [part for cube in cubes for part in self._say(cube, items[index], lowering, sayable)]
            kept = tuple(cube for cube in said if self._is_somewhere(cube, laid))
            allows.append(Output(items[index].source, kept))
        denies = [
            Output(items[i].source, tuple(c for c in cubes if self._is_somewhere(c, laid)))
            for i, cubes in sorted(decided.denies.items())
        ]
        isolated = [
            Output(
                Source(low.scoped.policy, low.direction),
                tuple(cut(self._space.layout, low.subject, withheld)),
            )
            for low in laid.lowered
            if not self._stays(low.scoped.policy)
        ]
        lowering.notes.extend(expansion_notes(self._space, items, decided, self._world))
        compiled = Compiled(
            direction=lowering.direction,
            allows=tuple(o for o in allows if o.cubes),
            denies=tuple(o for o in denies if o.cubes),
            isolated=tuple(o for o in isolated if o.cubes),
            statuses=_counts(decided),
            notes=tuple(lowering.notes),
            claims=tuple(lowering.claims),
            naive=(_as_it_stands(items, Action.ALLOW), _as_it_stands(items, Action.DENY)),
            closed=tuple(items[k].source for k in sorted(decided.closed)),
        )
        if self._of_nodes or not self._options.cilium.non_default_deny:
            return compiled
        return leave_open(self._space, compiled, lowering.policed, self._isolated_by_others(laid))

    def _isolated_by_others(self, laid: _Laid) -> list[int]:
        """Give the subjects of Kubernetes policies that stay and of Cilium policies that isolate."""
        native = [c for low in laid.lowered if self._stays(low.scoped.policy) for c in low.subject]
        direction = laid.lowering.direction
        found = foreign_regions(self._space, self.foreign, direction, self._options.cilium.labels)
        return [*native, *(c for one in found if one.isolates for c in one.subject)]

    def _is_somewhere(self, cube: int, laid: _Laid) -> bool:
        """Say whether a cube holds any peer but addresses that nobody has in the target's match mode."""
        return bool(cube & self._space.peer.mask & ~laid.nowhere)

    def _say(self, cube: int, item: Item, lowering: RuleLowering, sayable: Sayable) -> list[int]:
        """Narrow what subtraction left unsayable, and claim the difference."""
        said = sayable.narrow(cube)
        if said != [cube]:
            lost = [p for part in said for p in self._space.layout.sharp(cube, part)] or [cube]
            lowering.claims.append(Claim("CAL-L515", item.source, tuple(lost)))
            lowering.notes.append(Note("CAL-L515", item.source, fills={"choice": "left out"}))
        return said


def _names_networks(policy: Policy) -> bool:
    """A native ``ipBlock`` would reach pods of two families by the other too, and renumbered pods not at all."""
    rules = (*policy.ingress, *policy.egress)
    return any(e.nets for rule in rules for e in (rule.source, rule.destination))


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
