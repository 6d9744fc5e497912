"""Which Calico this is: the vector of ``procedure.md`` §2, read from what lives in the cluster.

``detect`` never guesses: an axis that nothing shows is empty, and install methods that match together are all named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrate.model.addresses import networks
from migrate.model.fields import Labels, mapping, text, truth
from migrate.model.installs import agent_env, calico_node, flannel_network, installs
from migrate.model.ippools import ip_pools
from migrate.model.kube_proxy import daemon_set, kube_proxies, static_pods
from migrate.model.resources import condition
from migrate.model.snapshot import Snapshot
from migrate.model.workloads import Workload

__all__ = ["HOST_PORTS", "Variant", "calico_api", "calico_node", "detect"]

AUTO_NFTABLES = (3, 32)
HOST_PORTS = "host-ports"
"""Among ``extras``: pods ask for ports of their node, which a plugin chained to the CNI serves."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One value an axis; ``installs`` holds every method that matches: exactly one is right, else it is not known.

    ``installs`` values: operator, helm, manifest, rke2, k3s, kubespray, canal, policy-only. ``data_plane``: iptables,
    nftables, bpf, vpp. ``encapsulation``: of the pools and of flannel, sorted. ``families``: (4,), (6,) or (4, 6).
    ``distribution``: k3s, rke2, k0s, microk8s, talos, openshift; empty for the rest.
    """

    installs: tuple[str, ...] = ()
    product: str = "Calico"
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
    distribution: str = ""
    datastore: str = "kubernetes"
    extras: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        """Give the one install method; empty where none or several match."""
        return self.installs[0] if len(self.installs) == 1 else ""

    @property
    def minor(self) -> tuple[int, int]:
        """Give Calico's version as (major, minor); (0, 0) where it is not known."""
        return _minor(self.calico_version)


def _minor(version: str) -> tuple[int, int]:
    parts = [int(p) for p in re.findall(r"\d+", version)[:2]]
    return (parts[0], parts[1]) if len(parts) == 2 else (0, 0)  # major and minor


def calico_api(variant: Variant) -> str:
    """Give the apiVersion in which Calico's objects can be written: v3 only where it is served."""
    return (
        "projectcalico.org/v3"
        if variant.policy_api in {"v1+aggregated", "v3 CRDs"}
        else "crd.projectcalico.org/v1"
    )


def detect(snapshot: Snapshot) -> Variant:
    """Read the variant from a snapshot."""
    agent = calico_node(snapshot)
    env = agent_env(snapshot, agent)
    cloud = _cloud(snapshot)
    kube_proxy = _kube_proxy(snapshot)
    return Variant(
        installs=installs(snapshot, cloud),
        product=_product(snapshot),
        calico_version=_version(snapshot, agent),
        ipam=_ipam(snapshot, env.get("CALICO_NETWORKING_BACKEND", "")),
        data_plane=_data_plane(snapshot, env, kube_proxy, _minor(_version(snapshot, agent))),
        encapsulation=_encapsulation(snapshot),
        kube_proxy=kube_proxy,
        families=_families(snapshot),
        parts=_parts(snapshot),
        policy_api=_policy_api(snapshot),
        wireguard=_felix_truth(snapshot, "wireguardEnabled")
        or _felix_truth(snapshot, "wireguardEnabledV6")
        or env.get("FELIX_WIREGUARDENABLED") == "true",
        cloud=cloud,
        distribution=_distribution(snapshot),
        datastore=_datastore(agent, env),
        extras=_extras(snapshot),
    )


def _product(snapshot: Snapshot) -> str:
    """Give ``Calico``, or the name of the commercial product, whose versions and kinds are its own."""
    named = [text(i.data, "spec", "variant") for i in snapshot.of("installations.operator.tigera.io")]
    enterprise = any(n in {"TigeraSecureEnterprise", "CalicoEnterprise"} for n in named)
    return "Calico Enterprise" if enterprise else "Calico"


def _datastore(agent: Workload | None, env: Labels) -> str:
    """Say where Calico keeps its data: calico-node takes etcd where it is told of endpoints and of no type."""
    named = env.get("DATASTORE_TYPE", "")
    if named:
        return "etcd" if named == "etcdv3" else "kubernetes"
    return "etcd" if agent is not None and "ETCD_ENDPOINTS" in agent.env_names else "kubernetes"


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
    for name in ("calico-config", "canal-config", "rke2-canal-config"):
        config = (snapshot.config_map("kube-system", name) or {}).get("cni_network_config", "")
        if found := re.search(r'"ipam"\s*:\s*{\s*"type"\s*:\s*"([^"]+)"', config):
            return found[1]
    if snapshot.calico("ipamblocks") or backend in {"bird", "vxlan"}:
        return "calico-ipam"
    return ""


def _data_plane(snapshot: Snapshot, env: Labels, kube_proxy: str, minor: tuple[int, int]) -> str:
    """Give the data plane; empty where Felix decides node by node and nothing shows how.

    In mode ``Auto``, the default since 3.32 and what the operator sets for Nftables, Felix follows kube-proxy.
    """
    planes = {
        text(i.data, "spec", "calicoNetwork", "linuxDataplane")
        for i in snapshot.of("installations.operator.tigera.io")
    }
    if "BPF" in planes or _felix_truth(snapshot, "bpfEnabled") or env.get("FELIX_BPFENABLED") == "true":
        return "bpf"
    if "VPP" in planes:
        return "vpp"
    modes = {text(f.data, "spec", "nftablesMode") for f in snapshot.calico("felixconfigurations")} - {""}
    modes |= {env["FELIX_NFTABLESMODE"]} if env.get("FELIX_NFTABLESMODE") else set()
    if "Enabled" in modes:
        return "nftables"
    if (
        "Auto" in modes
        or "Nftables" in planes
        or (not modes and minor >= AUTO_NFTABLES and "Iptables" not in planes)
    ):
        return (
            "nftables"
            if kube_proxy == "nftables"
            else "iptables"
            if kube_proxy in {"iptables", "ipvs"}
            else ""
        )
    return "iptables"


def _felix_truth(snapshot: Snapshot, key: str) -> bool:
    return any(truth(item.data, "spec", key) for item in snapshot.calico("felixconfigurations"))


def _encapsulation(snapshot: Snapshot) -> tuple[str, ...]:
    found = {p.encapsulation for p in ip_pools(snapshot) if not p.ours}
    return tuple(sorted(found | ({"vxlan"} if flannel_network(snapshot) else set())))


def _kube_proxy(snapshot: Snapshot) -> str:
    """Give the mode; ``absent`` where its DaemonSet runs nowhere, empty where nothing shows it."""
    daemon = daemon_set(snapshot)
    if daemon is not None and daemon.replicas == 0:
        return "absent"
    if daemon is None and not static_pods(snapshot):
        return ""
    return next((p.mode for p in kube_proxies(snapshot) if p.mode), "iptables")


def _families(snapshot: Snapshot) -> tuple[int, ...]:
    """Give the families of pods' addresses: of the pools in use, or of the nodes' podCIDRs where no pool is."""
    pools = [p.network for p in ip_pools(snapshot) if p.for_workloads and not p.ours]
    nets = pools or networks(c for n in snapshot.nodes for c in n.pod_cidrs)
    return tuple(sorted({net.version for net in nets if net is not None})) or (4,)


def _distribution(snapshot: Snapshot) -> str:
    """Give what Kubernetes is packed as, where kubelets or kinds show it; empty for kubeadm and its like."""
    versions = {n.info.get("kubeletVersion", "") for n in snapshot.nodes}
    for mark, name in (("+k3s", "k3s"), ("+rke2", "rke2"), ("+k0s", "k0s")):
        if any(mark in version for version in versions):
            return name
    if any("talos" in n.info.get("osImage", "").lower() for n in snapshot.nodes):
        return "talos"
    if any("microk8s.io/cluster" in n.labels for n in snapshot.nodes):
        return "microk8s"
    if snapshot.of("clusterversions.config.openshift.io"):
        return "openshift"
    return ""


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
    plugins = {text(i.data, "spec", "cni", "type") for i in snapshot.of("installations.operator.tigera.io")}
    azure = any(k.startswith("kubernetes.azure.com/") for k in labels)
    if "aws-node" in sets or "AmazonVPC" in plugins:
        return "eks"
    if "AzureVNET" in plugins or (azure and any(s.startswith("azure-") for s in sets)):
        return "aks"
    if "anetd" in sets or "GKE" in plugins or any(k.startswith("cloud.google.com/gke") for k in labels):
        return "gke"
    provider = next((n.provider_id.partition(":")[0] for n in snapshot.nodes if n.provider_id), "")
    return {"aws": "aws", "azure": "azure", "gce": "gce"}.get(provider, "")


_BY_RESOURCE = (
    ("network-attachment-definitions.k8s.cni.cncf.io", "multus"),
    ("networkattachmentdefinitions.k8s.cni.cncf.io", "multus"),
    ("ipaddresspools.metallb.io", "metallb"),
    ("egressgateways.operator.tigera.io", "egress-gateways"),
)


def _extras(snapshot: Snapshot) -> tuple[str, ...]:
    sets = {
        "kube-multus-ds": "multus", "speaker": "metallb", "metallb-speaker": "metallb", "istio-cni-node": "istio-cni",
        "linkerd-cni": "linkerd-cni", "kube-router": "kube-router", "node-local-dns": "node-local-dns",
        "nodelocaldns": "node-local-dns",
    }  # fmt: skip
    found = {sets[w.name] for w in snapshot.workloads if w.kind == "DaemonSet" and w.name in sets}
    if any("multus" in w.name for w in snapshot.workloads if w.kind == "DaemonSet"):
        found.add("multus")
    found |= {name for resource, name in _BY_RESOURCE if snapshot.of(resource)}
    if snapshot.calico("bgppeers"):
        found.add("bgp-peers")
    for item in snapshot.calico("bgpconfigurations"):
        keys = ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs")
        if any(mapping(item.data, "spec").get(key) for key in keys):
            found.add("bgp-services")
    if any("LoadBalancer" in (p.at("spec", "allowedUses") or ()) for p in snapshot.calico("ippools")):
        found.add("lb-ipam")
    if any(p.host_ports and not p.host_network for p in snapshot.pods):
        found.add(HOST_PORTS)
    if any("cni.projectcalico.org/floatingIPs" in p.annotations for p in snapshot.pods):
        found.add("floating-ips")
    return tuple(sorted(found))
