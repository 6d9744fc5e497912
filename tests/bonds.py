"""What may change in a cluster between a plan and its run: rows that make the plan stale, and rows that do not."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from migrate.engine.bound import Scope
from tests import clusters
from tests.clusters import CALICO, Object

NODE = "Node/wrk-1"
POLICIES = [
    clusters.thing("GlobalNetworkPolicy", "deny", api=CALICO, spec={"order": 10}),
    clusters.thing("NetworkPolicy", "default.web", "shop", api=CALICO, spec={"order": 20}),
    clusters.thing("NetworkPolicy", "web", "shop", api="networking.k8s.io/v1", spec={"podSelector": {}}),
    clusters.thing("GlobalNetworkSet", "bad", api=CALICO, spec={"nets": ["192.0.2.0/24"]}),
    clusters.thing("NetworkSet", "worse", "shop", api=CALICO, spec={"nets": ["192.0.2.0/25"]}),
    clusters.thing("Tier", "security", api=CALICO, spec={"order": 100}),
    clusters.thing("HostEndpoint", "wrk-1", api=CALICO, spec={"node": "wrk-1", "interfaceName": "*"}),
]
CLUSTER = [*clusters.healthy(), *POLICIES]


@dataclass(frozen=True)
class Row:
    """One change: ``value`` put at a place in an object (None takes the object away, a whole object is a new one)."""

    object: str
    at: tuple[str, ...] = ()
    value: Any = None
    says: str = ""
    scope: Scope = Scope.PLAN

    def __str__(self) -> str:
        """Give its name in a list of tests."""
        return " ".join((self.object, *self.at, "" if self.at else "gone" if self.value is None else "new"))


def edited(row: Row) -> list[Object]:
    """Give the cluster's objects after the change; raises ``ValueError`` where there is no such object to change."""
    objects = copy.deepcopy(CLUSTER)
    if not row.at and row.value is not None:
        return [*objects, row.value]
    (found,) = [o for o in objects if path(o) == row.object]
    if not row.at:
        return [o for o in objects if o is not found]
    place = found
    for key in row.at[:-1]:
        place = place.setdefault(key, {})
    place[row.at[-1]] = row.value
    return objects


def path(item: Object) -> str:
    """Give ``Kind/namespace/name``."""
    metadata = item["metadata"]
    return "/".join(part for part in (item["kind"], metadata.get("namespace", ""), metadata["name"]) if part)


def _new(kind: str, name: str, space: str = "", *, api: str = CALICO, **rest: Any) -> Object:
    return clusters.thing(kind, name, space, api=api, **rest)


_KNP = "networking.k8s.io/v1"
_TAINT = [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]
_PROXY = {"config.conf": "kind: KubeProxyConfiguration\nmode: ipvs\n"}
STALE = (
    Row("GlobalNetworkPolicy/deny", ("spec", "order"), 11, "GlobalNetworkPolicy/deny was changed", Scope.POLICIES),
    Row("GlobalNetworkPolicy/deny", (), None, "GlobalNetworkPolicy/deny was deleted", Scope.POLICIES),
    Row("NetworkPolicy/shop/default.web", ("spec", "order"), 21, "NetworkPolicy/shop/default.web was changed", Scope.POLICIES),
    Row("NetworkPolicy/shop/web", ("spec", "podSelector"), {"matchLabels": {"a": "b"}}, "NetworkPolicy/shop/web was changed", Scope.POLICIES),
    Row("new policy", (), _new("NetworkPolicy", "new", "shop", api=_KNP, spec={}), "NetworkPolicy/shop/new was made", Scope.POLICIES),
    Row("GlobalNetworkSet/bad", ("spec", "nets"), [], "GlobalNetworkSet/bad was changed", Scope.POLICIES),
    Row("GlobalNetworkSet/bad", ("metadata", "labels"), {"bad": "yes"}, "GlobalNetworkSet/bad was changed", Scope.POLICIES),
    Row("NetworkSet/shop/worse", ("spec", "nets"), [], "NetworkSet/shop/worse was changed", Scope.POLICIES),
    Row("Tier/security", ("spec", "order"), 99, "Tier/security was changed", Scope.POLICIES),
    Row("ClusterNetworkPolicy", (), _new("ClusterNetworkPolicy", "all", api="policy.networking.k8s.io/v1alpha2", spec={"priority": 1}),
        "ClusterNetworkPolicy/all was made", Scope.POLICIES),
    Row("AdminNetworkPolicy", (), _new("AdminNetworkPolicy", "all", api="policy.networking.k8s.io/v1alpha1", spec={"priority": 1}),
        "AdminNetworkPolicy/all was made", Scope.POLICIES),
    Row("Namespace/shop", ("metadata", "labels", "team"), "a", "labels of Namespace/shop were changed", Scope.SUBJECTS),
    Row("ServiceAccount/shop/default", ("metadata", "labels"), {"team": "a"}, "labels of ServiceAccount/shop/default were changed", Scope.SUBJECTS),
    Row("HostEndpoint/wrk-1", ("spec", "expectedIPs"), ["10.0.0.11"], "HostEndpoint/wrk-1 was changed"),
    Row("HostEndpoint/wrk-1", ("metadata", "labels"), {"role": "db"}, "HostEndpoint/wrk-1 was changed"),
    Row("HostEndpoint/wrk-1", (), None, "HostEndpoint/wrk-1 was deleted"),
    Row("IPPool/default-ipv4-ippool", ("spec", "natOutgoing"), False, "IPPool/default-ipv4-ippool was changed"),
    Row("new pool", (), _new("IPPool", "more", spec={"cidr": "10.250.0.0/16"}), "IPPool/more was made"),
    Row("FelixConfiguration/default", ("spec", "vxlanPort"), 4790, "FelixConfiguration/default was changed"),
    Row("Installation/default", ("spec", "calicoNetwork", "mtu"), 1400, "Installation/default was changed"),
    Row("ConfigMap/kube-system/kube-proxy", ("data",), _PROXY, "ConfigMap/kube-system/kube-proxy was changed"),
    Row(NODE, (), None, f"{NODE} was deleted"),
    Row("new node", (), clusters.node("wrk-9", "10.0.0.19", number=9), "Node/wrk-9 was made"),
    Row(NODE, ("metadata", "labels", "disk"), "ssd", f"labels, taints or podCIDRs of {NODE} were changed"),
    Row(NODE, ("spec", "taints"), _TAINT, f"labels, taints or podCIDRs of {NODE} were changed"),
    Row(NODE, ("spec", "podCIDRs"), ["10.244.77.0/24"], f"labels, taints or podCIDRs of {NODE} were changed"),
    Row("PodDisruptionBudget/shop/web", ("spec", "maxUnavailable"), 2, "PodDisruptionBudget/shop/web was changed"),
    Row("PodDisruptionBudget/shop/web", (), None, "PodDisruptionBudget/shop/web was deleted"),
)  # fmt: skip
_OURS = {"c2c/owned": "true"}
_WAITING = [
    {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
    {"key": "c2c/guard-7f3a", "effect": "NoSchedule"},
]
AT_REST = (
    Row("Pod/shop/db-0", (), None),
    Row("Pod/shop/db-0", ("metadata", "labels", "team"), "a"),
    Row("new pod", (), clusters.pod("more", "shop", "wrk-1", "10.244.1.77")),
    Row("Deployment/shop/web", ("spec", "replicas"), 5),
    Row("PodDisruptionBudget/shop/web", ("status", "disruptionsAllowed"), 0),
    Row("IPPool/default-ipv4-ippool", ("metadata", "resourceVersion"), "77"),
    Row("IPPool/default-ipv4-ippool", ("metadata", "labels"), {"team": "a"}),
    Row("Installation/default", ("status",), {"mtu": 1400}),
    Row(NODE, ("status", "conditions"), [{"type": "Ready", "status": "False"}]),
    Row(NODE, ("metadata", "annotations", "c2c/state"), "DONE"),
    Row(NODE, ("metadata", "labels", "io.cilium.migration/cilium-default"), "true"),
    Row(NODE, ("spec", "unschedulable"), True),
    Row(NODE, ("spec", "taints"), _WAITING),
    Row("HostEndpoint/wrk-1", ("metadata", "labels"), {"io.cilium.migration/enforce": "true"}),
    Row("new namespace", (), _new("Namespace", "build-77", api="v1", labels={"team": "a"})),
    Row("new account", (), _new("ServiceAccount", "cilium", "kube-system", api="v1")),
    Row("Namespace/default", (), None),
    Row("new ConfigMap", (), _new("ConfigMap", "cilium-config", "kube-system", api="v1", data={"a": "b"})),
    Row("our pool", (), _new("IPPool", "cilium-cover-ipv4", labels=_OURS, spec={"cidr": "10.245.0.0/16"})),
    Row("our policy", (), _new("GlobalNetworkPolicy", "c2c-host", labels=_OURS, spec={})),
)  # fmt: skip
