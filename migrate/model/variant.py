"""Which Calico this is: the vector of ``procedure.md`` §2, read from what lives in the cluster.

``detect`` never guesses: an axis that nothing shows is empty, and install methods that match together are all named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrate.model.fields import mapping, text, truth
from migrate.model.resources import condition
from migrate.model.snapshot import Snapshot
from migrate.model.workloads import Workload

__all__ = ["Variant", "calico_node", "detect"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One value an axis; ``installs`` holds every method that matches: exactly one is right, else it is not known.

    ``installs`` values: operator, helm, manifest, rke2, k3s, kubespray, canal, policy-only. ``data_plane``: iptables,
    nftables, bpf, windows. ``encapsulation``: of the pools, sorted. ``families``: (4,), (6,) or (4, 6).
    """

    installs: tuple[str, ...] = ()
    calico_version: str = ""
    ipam: str = ""
    data_plane: str = "iptables"
    encapsulation: tuple[str, ...] = ()
    kube_proxy: str = ""
    families: tuple[int, ...] = (4,)
    parts: tuple[str, ...] = ()
    policy_api: str = ""
    wireguard: bool = False
    cloud: str = ""
    datastore: str = "kubernetes"
    extras: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        """Give the one install method; empty where none or several match."""
        return self.installs[0] if len(self.installs) == 1 else ""

    @property
    def minor(self) -> tuple[int, int]:
        """Give Calico's version as (major, minor); (0, 0) where it is not known."""
        parts = [int(p) for p in re.findall(r"\d+", self.calico_version)[:2]]
        return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)  # major and minor


def calico_node(snapshot: Snapshot) -> Workload | None:
    """Give the DaemonSet of Calico's agents: calico-node, canal or rke2's; None where there is none."""
    names = {"calico-node", "canal", "rke2-canal"}
    found = [w for w in snapshot.workloads if w.kind == "DaemonSet" and w.name in names]
    return found[0] if found else None


def detect(snapshot: Snapshot) -> Variant:
    """Read the variant from a snapshot."""
    agent = calico_node(snapshot)
    env = agent.env if agent is not None else {}
    return Variant(
        installs=_installs(snapshot, agent),
        calico_version=_version(snapshot, agent),
        ipam=_ipam(snapshot, env.get("CALICO_NETWORKING_BACKEND", "")),
        data_plane=_data_plane(snapshot),
        encapsulation=_encapsulation(snapshot),
        kube_proxy=_kube_proxy(snapshot),
        families=_families(snapshot),
        parts=_parts(snapshot),
        policy_api=_policy_api(snapshot),
        wireguard=_felix_truth(snapshot, "wireguardEnabled") or _felix_truth(snapshot, "wireguardEnabledV6"),
        cloud=_cloud(snapshot),
        datastore="etcd" if env.get("DATASTORE_TYPE") == "etcdv3" else "kubernetes",
        extras=_extras(snapshot),
    )


def _installs(snapshot: Snapshot, agent: Workload | None) -> tuple[str, ...]:
    found = []
    charts = {
        r.name
        for r in (*snapshot.of("helmcharts.helm.cattle.io"), *snapshot.of("helmchartconfigs.helm.cattle.io"))
    }
    if {"rke2-calico", "rke2-canal"} & charts:
        found.append("rke2")
    elif snapshot.of("installations.operator.tigera.io"):
        released = any(
            s.name.startswith("sh.helm.release.v1.") and s.namespace == "tigera-operator"
            for s in snapshot.of("secrets")
        )
        found.append("helm" if released else "operator")
    if agent is not None:
        if agent.name in {"canal", "rke2-canal"} and "rke2" not in found:
            found.append("canal")
        elif agent.namespace == "kube-system" and not found:
            marked = any(
                "kubespray" in v or "kubespray" in k for k, v in {**agent.labels, **agent.annotations}.items()
            )
            found.append("kubespray" if marked else "manifest")
        if agent.env.get("CALICO_NETWORKING_BACKEND") == "none" and _cloud(snapshot) in {"eks", "aks"}:
            found = ["policy-only"]
    return tuple(found)


def _version(snapshot: Snapshot, agent: Workload | None) -> str:
    for item in snapshot.calico("clusterinformations"):
        if version := text(item.data, "spec", "calicoVersion"):
            return version
    tags = [image.rpartition(":")[2] for image in agent.images if ":" in image] if agent is not None else []
    return next((t for t in tags if re.match(r"v?\d+\.\d+", t)), "")


def _ipam(snapshot: Snapshot, backend: str) -> str:
    for item in snapshot.of("installations.operator.tigera.io"):
        kind = text(item.data, "spec", "cni", "ipam", "type")
        if kind:
            return {"Calico": "calico-ipam", "HostLocal": "host-local"}.get(kind, kind)
    for maps_ in ("calico-config", "canal-config"):
        config = snapshot.config_map("kube-system", maps_) or {}
        if '"host-local"' in config.get("cni_network_config", ""):
            return "host-local"
    if snapshot.calico("ipamblocks") or backend in {"bird", "vxlan"}:
        return "calico-ipam"
    return ""


def _data_plane(snapshot: Snapshot) -> str:
    for item in snapshot.of("installations.operator.tigera.io"):
        if text(item.data, "spec", "calicoNetwork", "linuxDataplane") == "BPF":
            return "bpf"
    if _felix_truth(snapshot, "bpfEnabled"):
        return "bpf"
    modes = {text(f.data, "spec", "nftablesMode") for f in snapshot.calico("felixconfigurations")}
    return "nftables" if "Enabled" in modes else "iptables"


def _felix_truth(snapshot: Snapshot, key: str) -> bool:
    return any(truth(item.data, "spec", key) for item in snapshot.calico("felixconfigurations"))


def _encapsulation(snapshot: Snapshot) -> tuple[str, ...]:
    found = set()
    for pool in snapshot.calico("ippools"):
        vxlan = text(pool.data, "spec", "vxlanMode", default="Never") != "Never"
        ipip = text(pool.data, "spec", "ipipMode", default="Never") != "Never"
        if pool.labels.get("c2c/owned") != "true":
            found.add("vxlan" if vxlan else "ipip" if ipip else "none")
    return tuple(sorted(found))


def _kube_proxy(snapshot: Snapshot) -> str:
    """Give the mode; ``absent`` where no kube-proxy runs anywhere, empty where nothing shows it."""
    running = [w for w in snapshot.workloads if w.kind == "DaemonSet" and w.name == "kube-proxy"]
    config = (snapshot.config_map("kube-system", "kube-proxy") or {}).get("config.conf", "")
    mode = re.search(r"^mode:\s*[\"']?(\w*)", config, re.MULTILINE)
    if running and running[0].replicas == 0:
        return "absent"
    if running:
        return (mode[1] if mode and mode[1] else "iptables") or "iptables"
    return ""


def _families(snapshot: Snapshot) -> tuple[int, ...]:
    cidrs = [c for n in snapshot.nodes for c in n.pod_cidrs]
    cidrs += [text(p.data, "spec", "cidr") for p in snapshot.calico("ippools")]
    return tuple(sorted({6 if ":" in c else 4 for c in cidrs if c})) or (4,)


def _parts(snapshot: Snapshot) -> tuple[str, ...]:
    names = {
        "calico-typha": "typha", "calico-apiserver": "apiserver", "goldmane": "goldmane", "whisker": "whisker",
        "csi-node-driver": "csi", "calico-webhooks": "webhooks", "guardian": "guardian",
    }  # fmt: skip
    found = {names[w.name] for w in snapshot.workloads if w.name in names}
    for resource, part in (
        ("istios.operator.tigera.io", "istio"),
        ("gatewayapis.operator.tigera.io", "gatewayapi"),
    ):
        if snapshot.of(resource):
            found.add(part)
    return tuple(sorted(found))


def _policy_api(snapshot: Snapshot) -> str:
    aggregated = [
        a for a in snapshot.of("apiservices.apiregistration.k8s.io") if a.name == "v3.projectcalico.org"
    ]
    if aggregated and mapping(aggregated[0].data, "spec", "service"):
        status = condition(aggregated[0].data, "Available")[0]
        return "v1+aggregated" if status != "False" else "v1+aggregated (not available)"
    groups = {
        text(c.data, "spec", "group") for c in snapshot.of("customresourcedefinitions.apiextensions.k8s.io")
    }
    if "projectcalico.org" in groups:
        return "v3 CRDs"
    return "v1"


def _cloud(snapshot: Snapshot) -> str:
    """Give eks, aks or gke where the cluster's network is the provider's; else the provider's name, or nothing."""
    sets = {w.name for w in snapshot.workloads if w.kind == "DaemonSet"}
    labels = {k for n in snapshot.nodes for k in n.labels}
    if "aws-node" in sets:
        return "eks"
    if any(k.startswith("kubernetes.azure.com/") for k in labels) and any(
        s.startswith("azure-") for s in sets
    ):
        return "aks"
    if "anetd" in sets or any(k.startswith("cloud.google.com/gke") for k in labels):
        return "gke"
    provider = next((n.provider_id.partition(":")[0] for n in snapshot.nodes if n.provider_id), "")
    return {"aws": "aws", "azure": "azure", "gce": "gce"}.get(provider, "")


def _extras(snapshot: Snapshot) -> tuple[str, ...]:
    sets = {
        "kube-multus-ds": "multus", "speaker": "metallb", "metallb-speaker": "metallb", "istio-cni-node": "istio-cni",
        "linkerd-cni": "linkerd-cni", "kube-router": "kube-router", "node-local-dns": "node-local-dns",
    }  # fmt: skip
    found = {sets[w.name] for w in snapshot.workloads if w.kind == "DaemonSet" and w.name in sets}
    if snapshot.of("network-attachment-definitions.k8s.cni.cncf.io") or snapshot.of(
        "networkattachmentdefinitions.k8s.cni.cncf.io"
    ):
        found.add("multus")
    if snapshot.of("ipaddresspools.metallb.io"):
        found.add("metallb")
    if snapshot.calico("bgppeers"):
        found.add("bgp-peers")
    for item in snapshot.calico("bgpconfigurations"):
        if mapping(item.data, "spec").get("serviceClusterIPs") or mapping(item.data, "spec").get(
            "serviceExternalIPs"
        ):
            found.add("bgp-services")
    if any("LoadBalancer" in (p.at("spec", "allowedUses") or ()) for p in snapshot.calico("ippools")):
        found.add("lb-ipam")
    if any("cni.projectcalico.org/floatingIPs" in p.annotations for p in snapshot.pods):
        found.add("floating-ips")
    if snapshot.of("egressgateways.operator.tigera.io"):
        found.add("egress-gateways")
    return tuple(sorted(found))
