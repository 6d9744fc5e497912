"""From a translation to what a plan stages: objects in their order, the window's allowance, denies that must wait.

Objects that open come before objects that close, so that nothing is denied for the lack of an object that is on its
way; they are removed in reverse. Only policies are here, never a Secret and never the objects of others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from migrate.engine.sides import Object, path_of, rules_of
from migrate.engine.window import Pods, allowance_of, without_unmanaged
from migrate.model.draft import Policies
from migrate.model.fields import maps, text
from migrate.model.resources import CALICO_GROUPS
from translators.report import to_json
from translators.settings import CiliumConfig
from translators.source import Document, read
from translators.translation import Translation

__all__ = ["assumed_keys", "digest_of", "in_order", "is_of_policies", "objects_of", "staged"]

SECTIONS = ("ingress", "egress")
_OF_CALICO = frozenset(
    {"networkpolicies", "globalnetworkpolicies", "tiers", "networksets", "globalnetworksets", "hostendpoints"}
)
_OF_POLICIES = {
    "networking.k8s.io": frozenset({"networkpolicies"}),
    "policy.networking.k8s.io": frozenset(
        {"adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies"}
    ),
    **dict.fromkeys(CALICO_GROUPS, _OF_CALICO),
}


def staged(
    translation: Translation,
    *,
    kept: Iterable[Document] = (),
    config: CiliumConfig | None = None,
    bridged: bool = False,
    pods: Pods | None = None,
    unread: Sequence[str] = (),
) -> Policies:
    """Give the policies of a plan.

    ``kept`` are native NetworkPolicies of the input, of which the report says which stay; ``config`` is what the
    translation assumed; ``pods`` what is known of the cluster's pods, whose ranges count only where CIDR rules match.
    """
    assumed = config or CiliumConfig()
    report = to_json(translation.report)
    native = _native(kept, report)
    objects = in_order(objects_of(translation))
    allowance: Sequence[Object] = ()
    waiting: Sequence[Object] = ()
    if bridged:
        known = pods or Pods()
        if "pods" not in assumed.cidr_match_mode:
            known = replace(known, ranges=())
        objects, waiting = without_unmanaged(objects)
        allowance = allowance_of(objects, native, known)
    every = [*objects, *waiting]
    return Policies(
        report=report,
        objects=tuple(every),
        allowance=tuple(allowance),
        deferred=tuple(path_of(item) for item in waiting),
        unread=tuple(sorted(unread)),
        kept=tuple(sorted(path_of(item) for item in native)),
        assumed=assumed_keys(assumed),
        hashes={path_of(item): digest_of(item) for item in [*every, *allowance]},
    )


def objects_of(translation: Translation) -> list[Object]:
    """Give the objects of the translation's files, as a reader of the files finds them."""
    return [d.data for f in translation.files for d in read(f.path, f.text.encode()).documents]


def _native(documents: Iterable[Document], report: Mapping[str, Any]) -> list[Object]:
    """Give the native policies that stay: the report keeps them, and they are enforced as they are."""
    names = {
        (text(entry, "namespace", default="default"), text(entry, "name"))
        for entry in maps(report, "policies")
        if entry.get("disposition") == "kept" and entry.get("kind") == "NetworkPolicy"
    }
    return [
        d.data
        for d in documents
        if d.kind == "NetworkPolicy"
        and d.group == "networking.k8s.io"
        and (d.namespace or "default", d.name) in names
    ]


def in_order(objects: Iterable[Object]) -> list[Object]:
    """Give objects in the order of applying: groups, allows that isolate nobody, allows, what only closes."""
    return sorted(objects, key=lambda item: (_rank(item), path_of(item)))


def _rank(item: Object) -> int:
    if text(item, "kind") == "CiliumCIDRGroup":
        return 0
    rules = rules_of(item)
    if not any(any(element for element in maps(rule, s)) for rule in rules for s in SECTIONS):
        return 3
    return 1 if all(_isolates_nobody(rule) for rule in rules) else 2


def _isolates_nobody(rule: Object) -> bool:
    switched = rule.get("enableDefaultDeny")
    return isinstance(switched, Mapping) and all(
        switched.get(d) is False for d in SECTIONS if rule.get(d) or rule.get(f"{d}Deny")
    )


def is_of_policies(resource: str) -> bool:
    """Say whether a resource holds policies, or what decides what they mean: tiers, sets, host endpoints."""
    plural, _, group = resource.partition(".")
    return plural in _OF_POLICIES.get(group, ())


def digest_of(item: Object) -> str:
    """Give the SHA-256 of an object's canonical JSON."""
    plain = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def assumed_keys(config: CiliumConfig) -> dict[str, str]:
    """Give the keys of ``cilium-config`` that a translation rests on, as the ConfigMap would hold them."""
    switches = {
        "enable-sctp": config.enable_sctp,
        "enable-extended-ip-protocols": config.enable_extended_ip_protocols,
        "enable-host-firewall": config.host_firewall,
        "enable-node-selector-labels": config.node_selector_labels,
        "enable-k8s-cluster-network-policy": config.cluster_network_policy,
        "policy-default-local-cluster": config.default_local_cluster,
        "enable-non-default-deny-policies": config.non_default_deny,
        "enable-endpoint-lockdown-on-policy-overflow": config.lockdown_on_overflow,
    }
    return {
        "allow-localhost": config.allow_localhost,
        "bpf-policy-map-max": str(config.policy_map_max),
        "labels": config.labels,
        "policy-cidr-match-mode": " ".join(sorted(config.cidr_match_mode)),
        **{key: "true" if on else "false" for key, on in switches.items()},
    }
