"""Read Calico's and Kubernetes' policy objects into sorted tiers, as the syncer and the agent do.

Source: projectcalico/calico ``libcalico-go/lib/backend/syncersv1/updateprocessors/`` (scopes),
``felix/calc/policy_sorter.go`` (order), ``libcalico-go/lib/backend/k8s/conversion`` (Kubernetes kinds).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from translators.flows import Direction
from translators.semantics.calico import kubernetes
from translators.semantics.calico.labels import host_labels, selects
from translators.semantics.calico.rules import subject_of, v3_rules
from translators.semantics.calico.shapes import ScopedPolicy, ScopedRule, TierWalk
from translators.settings import Version
from translators.source import Document
from translators.span import NOWHERE
from translators.world import HostEndpoint, World

__all__ = ["CalicoPolicies", "profile_rules"]

_GROUPS = frozenset({"projectcalico.org", "crd.projectcalico.org"})
_STORED = "crd.projectcalico.org"
_NEW_TIES: Version = (3, 32)
_FIXED: Mapping[str, tuple[float | None, bool]] = {
    "default": (1_000_000.0, False),
    "kube-admin": (1_000.0, True),
    "kube-baseline": (10_000_000.0, True),
    "adminnetworkpolicy": (1_000.0, True),
    "baselineadminnetworkpolicy": (10_000_000.0, True),
}


@dataclass(frozen=True, slots=True)
class CalicoPolicies:
    """The policies of one cluster in the order in which Calico asks, and the world that they speak of.

    ``encapsulation``: the built-in drop of VXLAN from pods is part of what is compared; the point evaluator has it
    in any case.
    """

    world: World
    tiers: tuple[TierWalk, ...]
    encapsulation: bool = False

    @classmethod
    def build(cls, world: World, documents: Iterable[Document], version: Version) -> CalicoPolicies:
        """Normalise valid objects; staged kinds are left out, because they are never enforced.

        Raises ``InputError`` or ``ValueError`` for what Calico itself could not read.
        """
        tiers = dict(_FIXED)
        policies = []
        for document in documents:
            spec = document.data.get("spec") or {}
            if document.group in _GROUPS and document.kind == "Tier":
                order = spec.get("order")
                tiers[document.name] = (
                    None if order is None else float(order),
                    spec.get("defaultAction") == "Pass",
                )
            elif document.group in _GROUPS and document.kind in {"NetworkPolicy", "GlobalNetworkPolicy"}:
                policies.append(_calico_policy(document, spec))
            elif document.group == "networking.k8s.io" and document.kind == "NetworkPolicy":
                policies.append(kubernetes.network_policy(document))
            elif document.group == "policy.networking.k8s.io":
                policies.append(kubernetes.cluster_policy(document))
        return cls(world, _sorted(policies, tiers, version))

    def selecting(self, host: HostEndpoint) -> tuple[str, ...]:
        """Give the names of the policies that select a host endpoint, in the order in which Calico asks."""
        labels = host_labels(host, self.world)
        return tuple(p.label for t in self.tiers for p in t.policies if selects(p.subject, labels))


def _calico_policy(document: Document, spec: Mapping[str, Any]) -> ScopedPolicy:
    namespace = "" if document.kind == "GlobalNetworkPolicy" else document.namespace or "default"
    name = document.name
    if document.group == _STORED:
        name = name.removeprefix("default.")
    rules = {
        direction: v3_rules(document, spec, direction, namespace) for direction in _types(document, spec)
    }
    return ScopedPolicy(
        kind=document.kind,
        namespace=namespace,
        name=name,
        tier=spec.get("tier") or "default",
        order=spec.get("order"),
        subject=subject_of(spec, namespace),
        rules=rules,
        span=document.span,
        special=bool(spec.get("doNotTrack") or spec.get("preDNAT")),
    )


def _types(document: Document, spec: Mapping[str, Any]) -> Sequence[Direction]:
    written = spec.get("types")
    if written:
        return [d for d in Direction if d.value.capitalize() in written]
    if document.group == _STORED:
        return list(Direction)
    if not spec.get("egress"):
        return [Direction.INGRESS]
    return list(Direction) if spec.get("ingress") else [Direction.EGRESS]


def _sorted(
    policies: Sequence[ScopedPolicy],
    tiers: Mapping[str, tuple[float | None, bool]],
    version: Version,
) -> tuple[TierWalk, ...]:
    by_tier: dict[str, list[ScopedPolicy]] = {}
    for policy in policies:
        by_tier.setdefault(policy.tier, []).append(policy)

    def place(name: str) -> tuple[bool, float, str]:
        order = tiers[name][0] if name in tiers else None
        return (name not in tiers, math.inf if order is None else order, name)

    return tuple(
        TierWalk(
            name,
            tiers[name][1] if name in tiers else False,
            tuple(sorted(by_tier[name], key=lambda p: _policy_key(p, version))),
        )
        for name in sorted(by_tier, key=place)
    )


def _policy_key(policy: ScopedPolicy, version: Version) -> tuple[float, str]:
    order = math.inf if policy.order is None else float(policy.order)
    if version >= _NEW_TIES:
        return order, f"{policy.name}/{policy.namespace}/{policy.kind}"
    if policy.kind == "KubernetesNetworkPolicy":
        return order, f"{policy.namespace}/knp.default.{policy.name}"
    place = f"{policy.namespace}/" if policy.namespace else ""
    return order, f"{place}{policy.tier}.{policy.name}"


def profile_rules(rules: Iterable[Mapping[str, object]], direction: Direction) -> tuple[ScopedRule, ...]:
    """Give the rules of a Profile object; its selectors have no scope."""
    document = Document({"kind": "Profile"}, NOWHERE)
    return v3_rules(document, {direction.value: list(rules)}, direction, "")
