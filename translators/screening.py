"""Decide which policies can be compiled at all, before anything is: tiers that are assumed, features that are off.

Every policy that is left out here carries the code that says why; nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from translators.algebra.space import EXTENDED
from translators.diagnostics import Diagnostic, diagnostic
from translators.existing import enforced_twice, has_negative_namespaces
from translators.frontends import PolicySet
from translators.ir.policy import Action, Policy, PolicyKind, Rule, Tier
from translators.lowering.reach import MODES_SINCE, missing_modes
from translators.settings import CILIUM_CONFIRMED, Options
from translators.source import Document, from_object
from translators.surroundings import of_hosts, of_policy, of_tiers
from translators.world import EVERY_INTERFACE, World

__all__ = ["Screened", "is_idle", "screen"]

SCTP = 132
MIN_CILIUM = (1, 16)
ASSUMED_ORDER = 100.0
_UNTRACKED = (
    "Not translated: Calico applies it to host endpoints of single interfaces alone, and Cilium's host policies know no "
    "interfaces."
)
_IDLE = (
    "Nothing to translate: no host endpoint of a single interface exists, and Calico applies it to no other."
)


@dataclass(frozen=True, slots=True)
class Screened:
    """The policies to compile, the tiers they run in, and findings; ``assumed_tiers`` as objects."""

    usable: tuple[Policy, ...]
    tiers: Mapping[str, Tier]
    assumed_tiers: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]


def screen(found: PolicySet, world: World, options: Options, *, is_cluster: bool) -> Screened:
    """Sort the policies of an input into those that can be compiled and those that cannot, with reasons."""
    tiers, assumed, notes = _tiers(found, options, is_cluster=is_cluster)
    usable = []
    notes += _unsure(found, options)
    undecided = {n.object for n in notes if n.code in {"CAL-P115", "CAL-P121"}}
    diagnostics = [*notes, *_version(options)]
    for policy in found.policies:
        if f"{policy.api_kind} {policy.label}" in undecided:
            continue
        reasons = [*_reasons(policy, world, options), *_modes(policy, world, options)]
        diagnostics += reasons
        waiting = [*reasons, *found.stops.get(id(policy), ())]
        if not any(_stops(r, policy, options) for r in waiting):
            usable.append(policy)
        if not is_idle(policy, world):
            diagnostics += of_policy(policy, world, options.cilium)
    diagnostics += [*of_hosts(world), *of_tiers(found.policies, tiers)]
    return Screened(tuple(usable), tiers, tuple(assumed), tuple(diagnostics))


def is_idle(policy: Policy, world: World) -> bool:
    """Say whether an untracked policy has nobody to apply to: it skips pods and host endpoints of all interfaces.

    Source: projectcalico/calico ``felix/rules/endpoints.go`` (the raw table has no chains for ``*``).
    """
    hosts = world.host_endpoints.values()
    return policy.do_not_track and world.is_cluster and all(h.interface == EVERY_INTERFACE for h in hosts)


def _stops(item: Diagnostic, policy: Policy, options: Options) -> bool:
    if item.code in {"CAL-H604", "CAL-H605"}:
        return True
    return item.refuses and not options.accepts(item.code, policy.label)


def _version(options: Options) -> Iterator[Diagnostic]:
    if options.cilium.allow_localhost == "policy":
        yield diagnostic("CAL-H612", None, about="the target")
    if options.cilium_version != CILIUM_CONFIRMED:
        version = ".".join(map(str, options.cilium_version))
        yield diagnostic("CAL-V815", None, about="the target", version=version)


def _tiers(
    found: PolicySet, options: Options, *, is_cluster: bool
) -> tuple[dict[str, Tier], list[Document], list[Diagnostic]]:
    """Without a cluster a tier that is only named is taken to exist, before ``default``, ending with Deny."""
    tiers, assumed, notes = dict(found.tiers), [], []
    unsure = found.unsure_tiers - options.tiers.keys()
    for name, (order, action) in options.tiers.items():
        tiers[name] = Tier(name, order, Action.PASS if action == "Pass" else Action.DENY)
        assumed.append(_tier_object(tiers[name]))
    for policy in found.policies:
        if policy.tier in {*found.tiers, *unsure, *options.tiers} or policy.staged:
            continue
        if is_cluster:
            notes.append(diagnostic("CAL-O302", policy.span, about=policy.label, tier=policy.tier))
            continue
        if policy.tier not in tiers:
            tiers[policy.tier] = Tier(policy.tier, ASSUMED_ORDER)
            assumed.append(_tier_object(tiers[policy.tier]))
        notes.append(diagnostic("CAL-O316", policy.span, about=policy.label, tier=policy.tier, order=""))
    if len(assumed) - len(options.tiers) > 1:
        unknown = [p for p in found.policies if p.tier in tiers and tiers[p.tier].order == ASSUMED_ORDER]
        notes += _undecided([p for p in unknown if p.tier not in {*found.tiers, *options.tiers}])
    return tiers, assumed, notes


def _unsure(found: PolicySet, options: Options) -> Iterator[Diagnostic]:
    """Name the policies that wait for a tier, or for a set or host endpoint that their selectors may mean."""
    for policy in found.policies:
        about = f"{policy.api_kind} {policy.label}"
        if policy.tier in found.unsure_tiers - options.tiers.keys() and not policy.staged:
            item = f"A Tier {policy.tier} that can be read"
            yield diagnostic("CAL-P115", policy.span, about=about, object=item, path="its order and its end")
        if policy.kind is not PolicyKind.KUBERNETES_NETWORK_POLICY:
            yield from (replace(item, span=policy.span, object=about) for item in found.unsure)


def _undecided(policies: Sequence[Policy]) -> Iterator[Diagnostic]:
    """Name policies of two tiers of unknown order that may meet with opposite actions: the order decides."""
    for policy in policies:
        others = [p for p in policies if p.tier != policy.tier and _may_meet(policy, p)]
        if any(_actions(policy) & {Action.ALLOW, Action.PASS} and _denies(other) for other in others) or any(
            _denies(policy) and _actions(other) & {Action.ALLOW, Action.PASS} for other in others
        ):
            about = f"{policy.api_kind} {policy.label}"
            item = f"The order of tier {policy.tier}"
            yield diagnostic("CAL-P115", policy.span, about=about, object=item, path="which tier comes first")


def _may_meet(one: Policy, other: Policy) -> bool:
    """Policies of different namespaces never select the same pod."""
    both = one.namespace is not None and other.namespace is not None
    return not both or one.namespace == other.namespace


def _actions(policy: Policy) -> set[Action]:
    return {rule.action for rule in (*policy.ingress, *policy.egress)}


def _denies(policy: Policy) -> bool:
    """Any policy of a tier that ends with Deny denies what it does not decide."""
    return Action.DENY in _actions(policy) or policy.applies_ingress or policy.applies_egress


def _tier_object(tier: Tier) -> Document:
    spec = {"order": tier.order, "defaultAction": str(tier.default_action)}
    return from_object(
        {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": tier.name}, "spec": spec},
        "<assumed>",
    )


def _reasons(policy: Policy, world: World, options: Options) -> Iterator[Diagnostic]:
    about = f"{policy.api_kind} {policy.label}"
    if policy.staged:
        return
    if policy.pre_dnat:
        yield diagnostic("CAL-H604", policy.span, about=about)
    if policy.do_not_track:
        text = _IDLE if is_idle(policy, world) else _UNTRACKED
        yield replace(diagnostic("CAL-H605", policy.span, about=about), message=text)
    if options.cilium_version < MIN_CILIUM:
        version = ".".join(map(str, options.cilium_version))
        yield diagnostic(
            "CAL-V804", policy.span, about=about, feature="deny policies", min="1.16", version=version
        )
    if options.cilium.enforcement == "always":
        yield diagnostic("CAL-V813", policy.span, about=about, subjects="every pod without a policy")
    if options.cilium.enforcement == "never":
        yield diagnostic("CAL-V803", policy.span, about=about, feature="policy enforcement", rules=about,
                         setting="policyEnforcementMode=default")  # fmt: skip
    yield from _natives(policy, options, about)
    if options.drop_encapsulation and not options.cilium.non_default_deny:
        yield diagnostic("CAL-V803", policy.span, about=about, feature="A deny that isolates no pod",
                         rules="the option dropEncapsulation", setting="enable-non-default-deny-policies=true")  # fmt: skip
    for rule in (*policy.ingress, *policy.egress):
        yield from _features(rule, about, options)


def _natives(policy: Policy, options: Options, about: str) -> Iterator[Diagnostic]:
    """Say what Cilium would make of a Kubernetes policy that it also reads itself."""
    native = policy.kind is PolicyKind.KUBERNETES_NETWORK_POLICY and options.kubernetes_policies == "native"
    if native and not options.cilium.default_local_cluster and _negative_places(policy.document):
        yield diagnostic("CAL-K708", policy.span, about=about, name=policy.label)
    if policy.kind is PolicyKind.CLUSTER_NETWORK_POLICY and options.cilium.cluster_network_policy:
        if has_negative_namespaces(policy.document):
            yield diagnostic("CAL-K709", policy.span, about=about, name=policy.label)
        if _reopens(policy.document):
            yield diagnostic("CAL-V811", policy.span, about=about, name=policy.label)
        yield enforced_twice(policy.document)


def _negative_places(document: Document) -> bool:
    """Say whether a peer is chosen by namespaces that lack something, and by nothing that they have."""
    for selector in _peers(document, "namespaceSelector"):
        terms = selector.get("matchExpressions") or []
        if terms and not selector.get("matchLabels") and all(map(_is_negative, terms)):
            return True
    return False


def _reopens(document: Document) -> bool:
    """Say whether a Baseline policy, left in the target, would open isolated pods or cut their own host off."""
    spec = document.data.get("spec") or {}
    if spec.get("tier") != "Baseline":
        return False
    rules = [(r, side) for side in ("ingress", "egress") for r in spec.get(side) or []]
    accepts = any(r.get("action") == "Accept" for r, _ in rules)
    return accepts or any(
        r.get("action") == "Deny" and side == "ingress" and not r.get("from") for r, side in rules
    )


def _peers(document: Document, key: str) -> Iterator[Mapping[str, Any]]:
    """Give the selectors that peers of a Kubernetes policy have under a key."""
    spec = document.data.get("spec") or {}
    for rules, side in ((spec.get("ingress"), "from"), (spec.get("egress"), "to")):
        for peer in (p for rule in rules or [] for p in rule.get(side) or []):
            yield peer.get(key) or {}


def _is_negative(term: Mapping[str, Any]) -> bool:
    return term.get("operator") in {"NotIn", "DoesNotExist"}


def _modes(policy: Policy, world: World, options: Options) -> Iterator[Diagnostic]:
    """Ask for the match mode in which the target says what the networks of a policy say."""
    if options.cilium_version < MODES_SINCE or policy.staged:
        return
    about = f"{policy.api_kind} {policy.label}"
    for mode in dict.fromkeys(mode for _, mode in missing_modes(policy, world, options.cilium)):
        rules = [r for r, m in missing_modes(policy, world, options.cilium) if m == mode]
        yield diagnostic("CAL-V806", rules[0].span, about=about, rules=about, mode=mode)


def _features(rule: Rule, about: str, options: Options) -> Iterator[Diagnostic]:
    if rule.protocol == SCTP and not options.cilium.enable_sctp:
        yield diagnostic("CAL-V803", rule.span, about=about, feature="SCTP", rules=about,
                         setting="sctp.enabled=true")  # fmt: skip
    if rule.protocol in EXTENDED and not options.cilium.enable_extended_ip_protocols:
        yield diagnostic("CAL-L504", rule.span, about=about, p=rule.protocol)
        yield diagnostic("CAL-V803", rule.span, about=about, feature=f"IP protocol {rule.protocol}",
                         rules=about, setting="enable-extended-ip-protocols=true")  # fmt: skip
