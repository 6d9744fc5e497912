"""Looking at a cluster: pods of a node, whose address is whose, agents, marks of ours; each answer is one or two reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from migrate.driver.deeds import Workshop
from migrate.model.fields import at, items, labels, maps, text
from migrate.model.pods import Pod, named_start
from migrate.ports import Cluster, Object

__all__ = [
    "AGENT",
    "CNC_LABELS",
    "OPERATOR",
    "OWNED",
    "agent_pod",
    "calico_ranges",
    "cilium_ranges",
    "inside",
    "movable",
    "node_annotations",
    "node_labels",
    "pod_start",
    "pods_of",
    "pods_with_addresses_in",
]

AGENT = {"k8s-app": "cilium"}
OPERATOR = {"io.cilium/app": "operator"}
OWNED = {"c2c/owned": "true"}
CNC_LABELS = {
    "cilium-default": "io.cilium.migration/cilium-default",
    "cilium-enforce": "io.cilium.migration/enforce",
}
"""Name of the CiliumNodeConfig → the node label that it selects."""


def calico_ranges(cluster: Cluster) -> tuple[str, ...]:
    """Give the CIDRs of Calico's pools as they are now, without the cover pool; the nodes' own ones where it has none.

    So it is with flannel and with IPAM ``host-local``: each node gives addresses of its ``spec.podCIDRs``.
    """
    for group in ("crd.projectcalico.org", "projectcalico.org"):
        pools = cluster.list(f"ippools.{group}")
        if pools:
            found = [
                text(p, "spec", "cidr")
                for p in pools
                if labels(p, "metadata", "labels").get("c2c/owned") != "true"
            ]
            return tuple(sorted(c for c in found if c))
    return tuple(sorted({str(c) for node in cluster.list("nodes") for c in items(node, "spec", "podCIDRs")}))


def cilium_ranges(work: Workshop) -> tuple[str, ...]:
    """Give the new pod ranges of the plan."""
    return work.plan.draft.settings.cilium.pod_cidrs


def inside(address: str, ranges: Iterable[str]) -> bool:
    """Say whether an address lies in one of the ranges."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(net.version == found.version and found in net for net in map(_network, ranges))


@lru_cache(maxsize=256)
def _network(written: str) -> IPv4Network | IPv6Network:
    """Read a range; the same few are asked about for every pod."""
    return ip_network(written, strict=False)


def pods_of(cluster: Cluster, node: str) -> list[Pod]:
    """Give the pods that are bound to a node and have not ended."""
    return [p for p in cluster.pods(node) if not p.finished]


def is_labelled(node: Object) -> bool:
    """Say whether a node carries the migration's label."""
    return labels(node, "metadata", "labels").get(CNC_LABELS["cilium-default"]) == "true"


def movable(pods: Iterable[Pod]) -> list[Pod]:
    """Give the pods that a drain evicts, without our own probes."""
    return [p for p in pods if p.movable and not p.host_network and p.labels.get("c2c/owned") != "true"]


def pods_with_addresses_in(pods: Iterable[Pod], ranges: Iterable[str]) -> list[Pod]:
    """Give the pods that have an address in one of the ranges."""
    wanted = tuple(ranges)
    return [p for p in pods if not p.host_network and any(inside(a, wanted) for a in p.addresses)]


def agent_pod(cluster: Cluster, node: str) -> Object | None:
    """Give the pod of Cilium's agent on a node; the newest where two overlap."""
    found = [
        p for p in cluster.list("pods", labels=AGENT, node=node) if not at(p, "metadata", "deletionTimestamp")
    ]
    return found[-1] if found else None


def pod_start(pod: Object | None) -> str:
    """Give what names one start of an agent; empty where there is none."""
    return "" if pod is None else named_start(pod)


def ready(pod: Object | None) -> bool:
    """Say whether a pod is Ready and not on its way out."""
    if pod is None or at(pod, "metadata", "deletionTimestamp"):
        return False
    return any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in maps(pod, "status", "conditions")
    )


def node_labels(cluster: Cluster, node: str) -> Mapping[str, str]:
    """Give a node's labels."""
    return labels(cluster.get("nodes", node) or {}, "metadata", "labels")


def node_annotations(cluster: Cluster, node: str) -> Mapping[str, str]:
    """Give a node's annotations."""
    return labels(cluster.get("nodes", node) or {}, "metadata", "annotations")


def taints(node: Object) -> list[Mapping[str, Any]]:
    """Give a node's taints as plain objects."""
    return [t for t in items(node, "spec", "taints") if isinstance(t, Mapping)]
