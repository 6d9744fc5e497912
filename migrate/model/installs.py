"""How Calico came into a cluster, and where its agents get their environment: who may change what, and how it goes again.

``installs`` names every method whose marks are there. One alone is an answer; none or several are not
(``procedure.md`` §2). Marks of kubespray: kubernetes-sigs/kubespray ``roles/network_plugin/calico/templates``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from migrate.model.fields import Labels, at, mapping, maps, text
from migrate.model.snapshot import Snapshot
from migrate.model.workloads import Workload

__all__ = ["CONF_FILES", "METHODS", "agent_env", "calico_node", "flannel_network", "flannel_port", "installs"]

METHODS = ("operator", "helm", "manifest", "rke2", "k3s", "kubespray", "canal", "policy-only")
CONF_FILES = ("10-calico.conflist", "10-canal.conflist", "10-calico.conf")
"""Files that Calico's agents write into a node's CNI folder."""
AGENTS = frozenset({"calico-node", "canal", "rke2-canal"})
FLANNEL_PORT = 8472
FLANNEL_SETS = frozenset({"kube-flannel", "kube-flannel-ds", "kube-flannel-ds-amd64"})


def calico_node(snapshot: Snapshot) -> Workload | None:
    """Give the DaemonSet of Calico's agents: calico-node, canal or rke2's; None where there is none."""
    found = [w for w in snapshot.workloads if w.kind == "DaemonSet" and w.name in AGENTS]
    return found[0] if found else None


def agent_env(snapshot: Snapshot, agent: Workload | None) -> Labels:
    """Give the environment of the agents; what they take from a ConfigMap that was read is filled in."""
    found = dict(agent.env) if agent is not None else {}
    for container in maps(agent.template if agent is not None else {}, "spec", "containers"):
        for item in maps(container, "env"):
            source = mapping(item, "valueFrom", "configMapKeyRef")
            data = (
                snapshot.config_map(agent.namespace if agent else "", text(source, "name"))
                if source
                else None
            )
            if data and text(source, "key") in data:
                found.setdefault(text(item, "name"), data[text(source, "key")])
    return found


def installs(snapshot: Snapshot, cloud: str) -> tuple[str, ...]:
    """Give every method that matches; ``cloud`` is the provider as ``Variant`` names it."""
    agent = calico_node(snapshot)
    if _policy_only(snapshot, agent_env(snapshot, agent), cloud):
        return ("policy-only",)
    found = []
    if _rke2(snapshot):
        found.append("rke2")
    elif snapshot.of("installations.operator.tigera.io"):
        found.append("helm" if _by_helm(snapshot) else "operator")
    if _canal(snapshot) and "rke2" not in found:
        found.append("canal")
    elif any(
        w.kind == "DaemonSet" and (w.namespace, w.name) == ("kube-system", "calico-node")
        for w in snapshot.workloads
    ):
        found.append(_by_manifest(snapshot))
    return tuple(found)


def _policy_only(snapshot: Snapshot, env: Labels, cloud: str) -> bool:
    """Say whether a provider owns the addresses and Calico the policies alone."""
    plugins = {text(i.data, "spec", "cni", "type") for i in snapshot.of("installations.operator.tigera.io")}
    foreign = bool(plugins & {"AmazonVPC", "AzureVNET", "GKE"})
    return foreign or (env.get("CALICO_NETWORKING_BACKEND") == "none" and cloud in {"eks", "aks", "gke"})


def _rke2(snapshot: Snapshot) -> bool:
    kinds = ("helmcharts.helm.cattle.io", "helmchartconfigs.helm.cattle.io")
    return any(r.name in {"rke2-calico", "rke2-canal"} for kind in kinds for r in snapshot.of(kind))


def _by_helm(snapshot: Snapshot) -> bool:
    """Say whether Helm made the operator: by the release's Secret, or by Helm's marks where Secrets were not read."""
    if any(
        s.name.startswith("sh.helm.release.v1.") and s.namespace == "tigera-operator"
        for s in snapshot.of("secrets")
    ):
        return True
    operators = [w for w in snapshot.workloads if w.kind == "Deployment" and w.name == "tigera-operator"]
    return any(
        w.labels.get("app.kubernetes.io/managed-by") == "Helm" or "meta.helm.sh/release-name" in w.annotations
        for w in operators
    )


def _canal(snapshot: Snapshot) -> bool:
    """Say whether flannel carries the packets and Calico the policies, in one DaemonSet or in two."""
    sets = {w.name for w in snapshot.workloads if w.kind == "DaemonSet"}
    return bool(sets & {"canal", "rke2-canal"}) or (bool(sets & FLANNEL_SETS) and "calico-node" in sets)


def _by_manifest(snapshot: Snapshot) -> str:
    config = snapshot.config_map("kube-system", "calico-config") or {}
    informations = snapshot.calico("clusterinformations")
    types = [config.get("cluster_type", ""), *(text(i.data, "spec", "clusterType") for i in informations)]
    if any("kubespray" in kind for kind in types):
        return "kubespray"
    k3s = any("+k3s" in n.info.get("kubeletVersion", "") for n in snapshot.nodes)
    return "k3s" if k3s else "manifest"


def _flannel(snapshot: Snapshot) -> Mapping[str, Any]:
    """Give flannel's ``net-conf.json``; empty where Calico does not ride on flannel."""
    if not _canal(snapshot):
        return {}
    for item in snapshot.of("configmaps"):
        if item.name in {"canal-config", "rke2-canal-config", "kube-flannel-cfg"}:
            try:
                found = json.loads(str(at(item.data, "data", "net-conf.json") or ""))
            except ValueError:
                continue
            if isinstance(found, Mapping):
                return found
    return {}


def flannel_network(snapshot: Snapshot) -> tuple[str, ...]:
    """Give the ranges that flannel gives pods of a Canal cluster; none where it is no Canal, or nothing shows them."""
    found = _flannel(snapshot)
    return tuple(cidr for key in ("Network", "IPv6Network") if (cidr := text(found, key)))


def flannel_port(snapshot: Snapshot) -> int:
    """Give the UDP port of flannel's tunnel."""
    port = at(_flannel(snapshot), "Backend", "Port")
    return port if isinstance(port, int) and port else FLANNEL_PORT
