"""What a cluster is like at the end, without what may differ from run to run: names of pods, addresses, uids, times."""

from __future__ import annotations

from collections import Counter
from typing import Any

from migrate.model.fields import at, labels
from migrate.simulator.world import World

__all__ = ["end_state"]

TIMES = ("c2c/migrated-at", "c2c/agent", "c2c/boot-id")
KEPT = ("ciliumnodeconfigs.cilium.io", "ciliumnetworkpolicies.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io",
        "ciliumcidrgroups.cilium.io", "ippools.crd.projectcalico.org", "customresourcedefinitions.apiextensions.k8s.io")  # fmt: skip


def end_state(world: World) -> dict[str, Any]:
    """Give nodes with their marks, files and running configuration; workloads with ready counts; pods by their CNI."""
    nodes = {}
    for (_, name), item in sorted(world.of("nodes").items()):
        host = world.hosts.get(name)
        marks = {k: "*" if k in TIMES else v for k, v in labels(item, "metadata", "annotations").items()}
        nodes[name] = {
            "labels": dict(labels(item, "metadata", "labels")),
            "annotations": marks,
            "unschedulable": bool(at(item, "spec", "unschedulable")),
            "taints": sorted(str(t.get("key")) for t in at(item, "spec", "taints") or []),
            "files": sorted(host.files) if host else [],
            "config": dict(host.config or {}) if host else {},
            "reboots": host.reboots if host else 0,
        }
    ready = {
        f"{kind}/{key[0]}/{key[1]}": at(o, "status", "readyReplicas") or at(o, "status", "numberReady") or 0
        for kind in ("deployments.apps", "statefulsets.apps", "daemonsets.apps")
        for key, o in sorted(world.of(kind).items())
    }
    sides = Counter(
        _side(world, p.addresses[0]) for p in world.typed.values() if p.addresses and not p.host_network
    )
    return {
        "nodes": nodes,
        "leaked": {name: host.leaked for name, host in sorted(world.hosts.items()) if host.leaked},
        "ready": ready,
        "pods": dict(sorted(sides.items())),
        "release": (world.release or {}).get("values"),
        "operator": world.operator_config,
        "objects": {r: {"/".join(k): at(o, "spec") for k, o in sorted(world.of(r).items())} for r in KEPT},
    }


def _side(world: World, address: str) -> str:
    from ipaddress import ip_address, ip_network  # noqa: PLC0415  # asked once at the end

    nets = [ip_network(c) for c in world.settings.cilium.pod_cidrs]
    found = ip_address(address)
    return "cilium" if any(found.version == n.version and found in n for n in nets) else "calico"
