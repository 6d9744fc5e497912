"""What kube-proxy must take for a pod of the cluster while both CNIs run: both ranges, or nothing at all (F-06).

A source that kube-proxy takes for an outsider is masqueraded on its way to a Service address, and policies then see
the node. Of each family it compares with one CIDR, so two disjoint ranges need a network that holds both, or no CIDR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrate.engine.covers import clean_cover
from migrate.model.addresses import Network, contains, networks
from migrate.model.ippools import ip_pools
from migrate.model.kube_proxy import KubeProxy
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot

__all__ = ["Gap", "edited", "gap", "pod_ranges", "wanted_cidr"]

CLUSTER_CIDR, NO_OP = "ClusterCIDR", ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why one configuration treats pods as outsiders: ``what`` it compares with, and the ranges beyond that."""

    what: str
    missing: tuple[Network, ...]


def pod_ranges(snapshot: Snapshot, settings: Settings) -> list[Network]:
    """Give the ranges that pods have during the move: Calico's pools in use, else the nodes' podCIDRs, and the new ones."""
    pools = [p.network for p in ip_pools(snapshot) if p.for_workloads and not p.ours]
    old = [net for net in pools if net is not None] or networks(
        c for n in snapshot.nodes for c in n.pod_cidrs
    )
    return [*old, *networks(settings.cilium.pod_cidrs)]


def gap(proxy: KubeProxy, snapshot: Snapshot, settings: Settings) -> Gap | None:
    """Say what a configuration of kube-proxy leaves out; None where it tells nothing apart or holds every range.

    ``NodeCIDR`` knows a node's podCIDR, which is no range of Cilium's ``cluster-pool``; one prefix of interface names,
    or one bridge, cannot stand for both ``cali`` and ``lxc``.
    """
    ranges = pod_ranges(snapshot, settings)
    if proxy.local != CLUSTER_CIDR:
        return Gap(f"detectLocalMode {proxy.local}", tuple(ranges))
    missing = tuple(r for r in ranges if r.version in proxy.first and not contains(proxy.first[r.version], r))
    return Gap(f"clusterCIDR {proxy.cluster_cidr}", missing) if missing else None


def wanted_cidr(proxy: KubeProxy, snapshot: Snapshot, settings: Settings) -> str:
    """Give the clusterCIDR to set, in mode ``ClusterCIDR``: of each family the network that holds both ranges.

    Empty (no-op) as soon as one family has no network that holds nothing else: a node or an outside address inside
    would be taken for a pod. A family without a CIDR today stays without one.
    """
    ranges = pod_ranges(snapshot, settings)
    families = sorted(proxy.first) if proxy.local == CLUSTER_CIDR else sorted({r.version for r in ranges})
    covers = [clean_cover([r for r in ranges if r.version == f], snapshot, settings) for f in families]
    found = [str(cover) for cover in covers if cover is not None]
    return ",".join(found) if len(found) == len(covers) else NO_OP


def edited(content: str, cluster_cidr: str, local: str) -> str:
    """Give a configuration file of kube-proxy with another ``clusterCIDR`` in mode ``ClusterCIDR``, all else as it was.

    ``local`` is the mode that the file has; where it is that one already, its line stays as it is.
    """
    values = {"clusterCIDR": cluster_cidr}
    if local != CLUSTER_CIDR:
        values["detectLocalMode"] = CLUSTER_CIDR
    for key, value in values.items():
        line = f'{key}: "{value}"'
        content, done = re.subn(rf"(?m)^{key}:.*$", line, content)
        if not done:
            content = content.rstrip("\n") + f"\n{line}\n"
    return content
