"""What a plan is bound to: the objects that it was made from, each with a hash of what matters in it.

A change of one makes the plan stale. Policies are compared again while a run is under way: what was translated and proved
is enforced later, and must still be what the policies say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrate.model.fields import mapping
from migrate.model.plan import digest
from migrate.model.resources import CALICO_GROUPS, Resource
from migrate.model.serial import encode
from migrate.model.snapshot import Snapshot

__all__ = ["bound", "changed_policies"]

_POLICIES = ("globalnetworkpolicies", "networkpolicies", "tiers", "networksets", "globalnetworksets")
"""Calico's kinds that are translated; host endpoints are not among them, for Calico makes them by itself."""
_SETTINGS = ("hostendpoints", "ippools", "felixconfigurations")
_OTHER_POLICIES = (
    "networkpolicies.networking.k8s.io", "clusternetworkpolicies.policy.networking.k8s.io",
    "adminnetworkpolicies.policy.networking.k8s.io", "baselineadminnetworkpolicies.policy.networking.k8s.io",
)  # fmt: skip
_OTHERS = ("installations.operator.tigera.io",)
_KINDS = frozenset({
    "GlobalNetworkPolicy", "NetworkPolicy", "Tier", "NetworkSet", "GlobalNetworkSet", "ClusterNetworkPolicy",
    "AdminNetworkPolicy", "BaselineAdminNetworkPolicy",
})  # fmt: skip


def bound(snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """Give (hash of what matters, resourceVersion) of every object whose change makes a plan stale.

    Pods, status and heartbeats never do: the rules run again at the start.
    """
    objects = [r for kind in (*_POLICIES, *_SETTINGS) for r in snapshot.calico(kind)]
    objects += [r for resource in (*_OTHER_POLICIES, *_OTHERS) for r in snapshot.of(resource)]
    found = {item.path: (_hash(item), item.resource_version) for item in objects if not _ours(item)}
    for item in (*snapshot.of("namespaces"), *snapshot.of("serviceaccounts")):
        found[item.path] = (digest(dict(item.labels)), item.resource_version)
    for node in snapshot.nodes:
        own = {k: v for k, v in node.labels.items() if not k.startswith("io.cilium.migration/")}
        taints = [encode(t) for t in node.taints if not t.key.startswith(("c2c/", "node.kubernetes.io/"))]
        found[f"Node/{node.name}"] = (digest([own, taints, list(node.pod_cidrs)]), "")
    for budget in snapshot.budgets:
        spec = [encode(budget.selector), budget.min_available, budget.max_unavailable]
        found[f"PodDisruptionBudget/{budget.label}"] = (digest(spec), "")
    kube_proxy = snapshot.config_map("kube-system", "kube-proxy")
    if kube_proxy is not None:
        found["ConfigMap/kube-system/kube-proxy"] = (digest(dict(kube_proxy)), "")
    return dict(sorted(found.items()))


def changed_policies(
    known: Mapping[str, Sequence[str]], listed: Callable[[str], Iterable[Mapping[str, Any]]]
) -> Iterator[str]:
    """Say what differs between the policies that a plan is bound to and those that a cluster lists now, by object."""
    before = {path: found[0] for path, found in known.items() if path.partition("/")[0] in _KINDS}
    now = {item.path: _hash(item) for item in _policies(listed) if not _ours(item)}
    for path in sorted(before.keys() | now.keys()):
        if path not in now:
            yield f"{path} was deleted since the plan was made"
        elif path not in before:
            yield f"{path} was made since the plan was made"
        elif before[path] != now[path]:
            yield f"{path} was changed since the plan was made"


def _policies(listed: Callable[[str], Iterable[Mapping[str, Any]]]) -> Iterator[Resource]:
    """Give the policies; Calico's from whichever group holds them, the stored ones where both do."""
    for kind in _POLICIES:
        groups = (list(listed(f"{kind}.{group}")) for group in CALICO_GROUPS)
        yield from map(Resource.from_dict, next((found for found in groups if found), []))
    for resource in _OTHER_POLICIES:
        yield from map(Resource.from_dict, listed(resource))


def _hash(item: Resource) -> str:
    return digest(encode(mapping(item.data, "spec")))


def _ours(item: Resource) -> bool:
    return item.labels.get("c2c/owned") == "true"
