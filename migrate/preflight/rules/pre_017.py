"""PRE-017: which Calico this is, said always: the policy API that answers, the optional parts, and the whole vector."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Print the variant."""
    variant = case.draft.variant
    evidence = {
        "install": list(variant.installs),
        "product": variant.product,
        "version": variant.calico_version,
        "ipam": variant.ipam,
        "dataPlane": variant.data_plane,
        "encapsulation": list(variant.encapsulation),
        "kubeProxy": variant.kube_proxy,
        "families": list(variant.families),
        "distribution": variant.distribution,
        "cloud": variant.cloud,
        "datastore": variant.datastore,
        "wireguard": variant.wireguard,
        "extras": list(variant.extras),
    }
    fills = {"api": variant.policy_api, "parts": ", ".join(variant.parts) or "none"}
    yield Hit("cluster/calico", fills, evidence)


RULE = Rule(
    number=17,
    group=Group.IDENTITY,
    severity=Severity.INFO,
    title="Which Calico this is",
    message="Policy API: {api}; optional parts: {parts}",
    remedy="",
    check=check,
)
