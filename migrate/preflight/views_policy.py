"""Questions about policies that several rules ask: the translation's report and objects, and what the cluster holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from migrate.model.resources import Resource
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case

__all__ = ["CALICO_POLICIES", "CILIUM_POLICIES", "NATIVE_POLICIES", "names_sctp", "policies_of"]

CALICO_POLICIES = ("networkpolicies", "globalnetworkpolicies")
NATIVE_POLICIES = "networkpolicies.networking.k8s.io"
CILIUM_POLICIES = ("ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io")


def policies_of(snapshot: Snapshot) -> Iterator[Resource]:
    """Give every policy of Calico and of Kubernetes that the cluster holds, staged ones left out."""
    for plural in CALICO_POLICIES:
        yield from snapshot.calico(plural)
    yield from snapshot.of(NATIVE_POLICIES)


def names_sctp(case: Case) -> bool:
    """Say whether a policy, of the input or of the output, speaks of SCTP."""
    return case.once(_names_sctp)


def _names_sctp(case: Case) -> bool:
    held: Iterable[Mapping[str, Any]] = (p.data for p in policies_of(case.snapshot))
    return any(_holds_sctp(item) for item in (*held, *case.draft.policies.objects))


def _holds_sctp(value: object) -> bool:
    if isinstance(value, Mapping):
        return value.get("protocol") == "SCTP" or any(_holds_sctp(v) for v in value.values())
    return isinstance(value, list | tuple) and any(_holds_sctp(v) for v in value)
