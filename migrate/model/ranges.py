"""The ranges of a cluster beside those of its pods: Services, nodes.

No single object always tells the Service range, so each source is read and named; where none does, the caller must
say that it could not look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.addresses import Address, address
from migrate.model.fields import items, text
from migrate.model.pods import flag
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot

__all__ = ["node_addresses", "service_addresses", "service_ranges"]

_SUBNET = re.compile(r"^\s*serviceSubnet:\s*[\"']?([^\s\"']+)", re.MULTILINE)


def service_ranges(snapshot: Snapshot, settings: Settings) -> list[tuple[str, str]]:
    """Give (source, CIDR) of every Service range that is written down; empty where nothing tells.

    Read are ``addresses.services`` of the configuration, ServiceCIDR objects, the command line of a static
    kube-apiserver, kubeadm's own ConfigMap.
    """
    found = [("addresses.services", cidr) for cidr in settings.service_cidrs]
    for item in snapshot.of("servicecidrs.networking.k8s.io"):
        found += [(item.path, str(cidr)) for cidr in items(item.data, "spec", "cidrs")]
    for pod in snapshot.pods:
        if pod.mirror and (value := flag(pod.arguments, "service-cluster-ip-range")):
            found += [(f"Pod/{pod.label}", cidr) for cidr in value.split(",")]
    kubeadm = (snapshot.config_map("kube-system", "kubeadm-config") or {}).get("ClusterConfiguration", "")
    if match := _SUBNET.search(kubeadm):
        found += [("ConfigMap/kube-system/kubeadm-config", cidr) for cidr in match[1].split(",")]
    by_cidr: dict[str, str] = {}
    for source, cidr in found:
        by_cidr.setdefault(cidr.strip(), source)
    return [(source, cidr) for cidr, source in by_cidr.items()]


def service_addresses(snapshot: Snapshot) -> Iterator[tuple[str, Address]]:
    """Give (path, address) of every cluster address that a Service has."""
    for service in snapshot.of("services"):
        written = [*items(service.data, "spec", "clusterIPs"), text(service.data, "spec", "clusterIP")]
        for value in dict.fromkeys(str(v) for v in written):
            if (found := address(value)) is not None:
                yield service.path, found


def node_addresses(snapshot: Snapshot) -> Iterator[tuple[str, Address]]:
    """Give (node, address) of every InternalIP and ExternalIP."""
    for node in snapshot.nodes:
        for kind in ("InternalIP", "ExternalIP"):
            for value in node.addresses.get(kind, ()):
                if (found := address(value)) is not None:
                    yield node.name, found
