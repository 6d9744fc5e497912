"""Defects of Calico policies themselves: what Calico's own walk shows to be dead, ambiguous or without effect.

Nothing is compiled. A rule is dead if the rules before it, in order, take every flow that it matches; that
holds for every label set, because regions speak of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Any

from translators.algebra.cubes import Budget, sub
from translators.algebra.space import Space
from translators.diagnostics import Diagnostic, diagnostic
from translators.errors import InputError
from translators.flows import Direction
from translators.frontends import read_policies
from translators.ir.policy import Policy
from translators.lowering.hidden import is_hidden
from translators.lowering.keys import Home, home_of, leaves
from translators.proof.source_items import SourceItem, source_items
from translators.proof.vocabulary import source_vocabulary
from translators.screening import screen
from translators.semantics.calico.labels import pod_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.shapes import ScopedPolicy
from translators.settings import Options, Version
from translators.source import Document, iterate
from translators.span import NOWHERE
from translators.world import AddressPlan, World
from translators.worldbuilder import build_world

__all__ = ["lint"]

MAX_NAMED = 3
NEW_TIES: Version = (3, 32)
OLD_TIES: Version = (3, 31)
_CAP = 5_000
_OWN = ("CAL-P", "CAL-S", "CAL-O")
_OTHERS = frozenset({"CAL-N404", "CAL-N415", "CAL-N419", "CAL-N422", "CAL-H608", "CAL-K704", "CAL-K706"})
Input = Iterable[Document | Mapping[str, Any]]


def lint(
    policies: Input,
    *,
    cluster: Input | None = None,
    options: Options | None = None,
    plan: AddressPlan | None = None,
) -> list[Diagnostic]:
    """Give the findings by file, line and code; what only Cilium makes difficult is not among them."""
    chosen = options or Options()
    own = list(iterate(policies))
    around = list(iterate(cluster)) if cluster is not None else []
    world, odd = build_world([*around, *own], plan=plan, is_cluster=cluster is not None)
    tiers = [d for d in around if d.kind == "Tier"]
    found = read_policies(own, tiers=tiers)
    screened = screen(found, world, chosen, is_cluster=cluster is not None)
    usable = {id(p.document) for p in screened.usable}
    documents = [*found.tier_objects, *(d for d in own if id(d) in usable)]
    walked = _walked(world, [*documents, *screened.assumed_tiers], chosen)
    hidden = _hidden(found.policies, chosen.cilium.labels)
    listed = [*found.diagnostics, *odd, *screened.diagnostics, *walked, *hidden]
    kept = {(d.code, d.span, d.message): d for d in listed if d.code.startswith(_OWN) or d.code in _OTHERS}
    return sorted(kept.values(), key=lambda d: (d.span, d.code, d.message))


def _hidden(policies: Iterable[Policy], setting: str) -> Iterator[Diagnostic]:
    """Name pod labels that Cilium leaves out of identities: a selector on one sees it as absent (CAL-S204)."""
    for policy in policies:
        chosen = [(policy.selector, policy.span)]
        for rule in (*policy.ingress, *policy.egress):
            ends = (rule.source, rule.destination)
            chosen += [(n, rule.span) for e in ends for n in (e.selector, e.not_selector) if n is not None]
        for node, span in chosen:
            for leaf in leaves(node):
                home, key = home_of(leaf.key)
                if home is Home.LABEL and is_hidden(key, setting):
                    yield diagnostic("CAL-S204", span, about=f"{policy.api_kind} {policy.label}", key=key)


def _walked(world: World, documents: Sequence[Document], options: Options) -> Iterator[Diagnostic]:
    """Give what only the walk through all policies shows."""
    try:
        calico, other = (CalicoPolicies.build(world, documents, v) for v in _versions(options))
    except (InputError, ValueError):
        return
    space = Space(source_vocabulary(calico), world)
    yield from _idle(calico)
    for direction in Direction:
        try:
            items = source_items(calico, space, direction)
        except OverflowError:
            continue
        yield from _dead(space, items)
        for one, two in _clashing(calico, space, items, direction):
            yield _tie(one, two, _order(other), options)


def _idle(calico: CalicoPolicies) -> Iterator[Diagnostic]:
    """Name policies that select no pod of the cluster (CAL-S207); without pods nothing is known."""
    labels = [pod_labels(p, calico.world) for p in calico.world.pods if not p.host_network]
    for policy in (p for tier in calico.tiers for p in tier.policies if labels and not p.special):
        if not any(selects(policy.subject, found) for found in labels):
            yield diagnostic("CAL-S207", policy.span, about=policy.label, selector=policy.label)


def _dead(space: Space, items: Sequence[SourceItem]) -> Iterator[Diagnostic]:
    """Name rules whose every flow an earlier rule takes (CAL-O315)."""
    for index, item in enumerate(items):
        if item.span is None or not item.region:
            continue
        earlier = [other for other in items[:index] if space.layout.meet(item.region, other.region)]
        rest = sub(
            space.layout, item.region, [cube for other in earlier for cube in other.region], _CAP, Budget()
        )
        if rest == []:
            names = ", ".join(_rule(other.by) for other in earlier[-MAX_NAMED:])
            about = _name(item.by.partition("#")[0])
            yield diagnostic("CAL-O315", item.span, about=about, rule=_rule(item.by), rules=names)


def _clashing(
    calico: CalicoPolicies, space: Space, items: Sequence[SourceItem], direction: Direction
) -> Iterator[tuple[ScopedPolicy, ScopedPolicy]]:
    """Give policies of equal order that overlap with opposite actions, in the order in which they are asked."""
    by_policy: dict[str, list[SourceItem]] = {}
    for item in items:
        by_policy.setdefault(item.by.partition("#")[0], []).append(item)
    for tier in calico.tiers:
        members = [p for p in tier.policies if p.applies(direction) and not p.special and p.order is not None]
        for _, group in groupby(members, key=lambda p: p.order):
            for one, two in combinations(group, 2):
                if _clash(space, by_policy.get(one.label, []), by_policy.get(two.label, [])):
                    yield one, two


def _clash(space: Space, one: Sequence[SourceItem], two: Sequence[SourceItem]) -> bool:
    return any(
        a.allows is not b.allows and bool(space.layout.meet(a.region, b.region)) for a in one for b in two
    )


def _tie(one: ScopedPolicy, two: ScopedPolicy, other: Mapping[str, int], options: Options) -> Diagnostic:
    """Say which of two policies of equal order wins, on this version and on the other side of Calico 3.32."""
    mine, theirs = _versions(options)
    first = min((one, two), key=lambda p: other[p.label])
    return diagnostic(
        "CAL-O301",
        two.span or NOWHERE,
        about=_name(two.label),
        a=_name(one.label),
        b=_name(two.label),
        winner=_name(one.label),
        version=".".join(map(str, mine)),
        other=_name(first.label),
        other_version=".".join(map(str, theirs)),
    )


def _versions(options: Options) -> tuple[Version, Version]:
    """Give the version asked for and one that orders equal orders by the other rule (``calico.md`` §2)."""
    return options.calico_version, OLD_TIES if options.calico_version >= NEW_TIES else NEW_TIES


def _order(calico: CalicoPolicies) -> dict[str, int]:
    labels = [policy.label for tier in calico.tiers for policy in tier.policies]
    return {label: index for index, label in enumerate(labels)}


def _name(label: str) -> str:
    return label.replace(":", " ", 1)


def _rule(by: str) -> str:
    label, _, index = by.partition("#")
    return (
        f"{_name(label)} rule {int(index) + 1}" if index.isdigit() else f"the end of {_name(label).lower()}"
    )
