"""A healthy cluster with Calico, as the plain objects that kubectl would show: the ground that tests change.

One control-plane node and three workers in two zones, operator install, VXLAN, kube-proxy with iptables; workloads of
every sort that a drain meets. ``healthy()`` gives fresh objects at each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migrate.model.snapshot import Snapshot, SnapshotBuilder

Object = dict[str, Any]

POOL, SERVICES, NEW_RANGE = "10.244.0.0/16", "10.96.0.0/12", "10.245.0.0/16"
NODES = {"cp-1": "10.0.0.10", "wrk-1": "10.0.0.11", "wrk-2": "10.0.0.12", "wrk-3": "10.0.0.13"}
ZONES = {"cp-1": "a", "wrk-1": "a", "wrk-2": "b", "wrk-3": "b"}
CALICO = "crd.projectcalico.org/v1"


def thing(kind: str, name: str, namespace: str = "", *, api: str = "v1", **rest: Any) -> Object:
    """Give an object; ``rest`` are its top-level fields, ``labels`` and ``annotations`` go into its metadata."""
    metadata: Object = {"name": name, "uid": f"uid-{kind}-{namespace}-{name}".lower(), "resourceVersion": "1"}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations", "ownerReferences", "generation"):
        if key in rest:
            metadata[key] = rest.pop(key)
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def node(name: str, address: str, *, zone: str = "a", control_plane: bool = False, number: int = 0) -> Object:
    """Give a Ready node with 4 CPUs, 16 GiB and 110 pods."""
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": zone,
    }
    spec: Object = {"podCIDR": f"10.244.{number}.0/24", "podCIDRs": [f"10.244.{number}.0/24"]}
    if control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
        spec["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    amounts = {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110"}
    return thing(
        "Node",
        name,
        labels=labels,
        annotations={"projectcalico.org/IPv4Address": f"{address}/24"},
        spec=spec,
        status={
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady"},
                {"type": "NetworkUnavailable", "status": "False", "reason": "CalicoIsUp"},
                {"type": "DiskPressure", "status": "False", "reason": "KubeletHasNoDiskPressure"},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.34.2",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "kernelVersion": "6.1.0-25-amd64",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "containerRuntimeVersion": "containerd://2.1.4",
                "bootID": f"boot-{name}",
            },
        },
    )


def pod(
    name: str,
    namespace: str,
    at: str,
    address: str,
    *,
    owner: tuple[str, str] | None = None,
    labels: dict[str, str] | None = None,
    cpu: str = "100m",
    memory: str = "128Mi",
    host_network: bool = False,
    **spec: Any,
) -> Object:
    """Give a Running, Ready pod; ``spec`` are further fields of its spec."""
    found = thing(
        "Pod",
        name,
        namespace,
        labels=labels or {},
        spec={
            "nodeName": at,
            "serviceAccountName": "default",
            "containers": [
                {
                    "name": "main",
                    "image": f"registry.example/{name.rpartition('-')[0] or name}:1",
                    "resources": {"requests": {"cpu": cpu, "memory": memory}},
                }
            ],
            **spec,
        },
        status={
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
            ],
        },
    )
    if host_network:
        found["spec"]["hostNetwork"] = True
    if owner is not None:
        kind, owner_name = owner
        uid = f"uid-{kind}-{namespace}-{owner_name}".lower()
        found["metadata"]["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": kind, "name": owner_name, "uid": uid, "controller": True}
        ]
    return found


def workload(
    kind: str, name: str, namespace: str, replicas: int, labels: dict[str, str], **template: Any
) -> Object:
    """Give a Deployment, StatefulSet, ReplicaSet or DaemonSet that is rolled out; ``template`` fields of the pod spec."""
    counts = {
        "replicas": replicas,
        "readyReplicas": replicas,
        "updatedReplicas": replicas,
        "availableReplicas": replicas,
    }
    if kind == "DaemonSet":
        counts = {
            "desiredNumberScheduled": replicas,
            "currentNumberScheduled": replicas,
            "numberReady": replicas,
            "updatedNumberScheduled": replicas,
            "numberMisscheduled": 0,
        }
    spec: Object = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": f"registry.example/{name}:1"}], **template},
        },
    }
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    return thing(
        kind,
        name,
        namespace,
        api="apps/v1",
        labels=labels,
        generation=1,
        spec=spec,
        status={"observedGeneration": 1, **counts},
    )


def budget(name: str, namespace: str, labels: dict[str, str], *, pods: int, **spec: Any) -> Object:
    """Give a PodDisruptionBudget that lets one pod go."""
    return thing(
        "PodDisruptionBudget",
        name,
        namespace,
        api="policy/v1",
        generation=1,
        spec={"selector": {"matchLabels": labels}, **(spec or {"maxUnavailable": 1})},
        status={
            "observedGeneration": 1,
            "disruptionsAllowed": 1,
            "currentHealthy": pods,
            "desiredHealthy": pods - 1,
            "expectedPods": pods,
        },
    )


def system(places: Mapping[str, tuple[str, str]], namespaces: Iterable[str]) -> Iterable[Object]:
    """Give what every cluster has; ``places`` are nodes with address and zone, the first is the control plane."""
    first, (master, _) = next(iter(places.items()))
    for name in ("default", "kube-system", "calico-system", "tigera-operator", *namespaces):
        yield thing(
            "Namespace", name, labels={"kubernetes.io/metadata.name": name}, status={"phase": "Active"}
        )
    for name in ("default", "kube-system", "calico-system", *namespaces):
        yield thing("ServiceAccount", "default", name)
    yield thing(
        "ConfigMap", "kube-proxy", "kube-system",
        data={"config.conf": 'kind: KubeProxyConfiguration\nmode: iptables\nclusterCIDR: ""\ndetectLocalMode: ""\n'},
    )  # fmt: skip
    yield workload(
        "DaemonSet", "kube-proxy", "kube-system", len(places), {"k8s-app": "kube-proxy"}, hostNetwork=True
    )
    yield workload("Deployment", "coredns", "kube-system", 2, {"k8s-app": "kube-dns"})
    yield workload("ReplicaSet", "coredns-1", "kube-system", 2, {"k8s-app": "kube-dns"})
    yield thing("Service", "kubernetes", "default", spec={"clusterIP": "10.96.0.1", "ports": [{"port": 443}]})
    yield thing(
        "Service", "kube-dns", "kube-system",
        spec={"clusterIP": "10.96.0.10", "selector": {"k8s-app": "kube-dns"}, "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]},
    )  # fmt: skip
    yield thing("StorageClass", "standard", api="storage.k8s.io/v1", provisioner="csi.example")
    for name in ("v1.apps", "v1."):
        yield thing(
            "APIService", name, api="apiregistration.k8s.io/v1", spec={"group": "apps"},
            status={"conditions": [{"type": "Available", "status": "True", "reason": "Local"}]},
        )  # fmt: skip
    for number, (name, (address, zone)) in enumerate(places.items()):
        yield node(name, address, zone=zone, control_plane=name == first, number=number)
        yield pod(f"kube-proxy-{name}", "kube-system", name, address, owner=("DaemonSet", "kube-proxy"),
                  labels={"k8s-app": "kube-proxy"}, host_network=True,
                  tolerations=[{"operator": "Exists"}])  # fmt: skip
    words = {
        "kube-apiserver": [f"--service-cluster-ip-range={SERVICES}"],
        "kube-controller-manager": ["--allocate-node-cidrs=true", f"--cluster-cidr={POOL}"],
    }
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        static = pod(f"{name}-{first}", "kube-system", first, master, labels={"component": name, "tier": "control-plane"},
                     host_network=True)  # fmt: skip
        static["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
        static["spec"]["containers"][0]["command"] = [name, *words.get(name, [])]
        static["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "name": first,
                "uid": f"uid-node--{first}",
                "controller": True,
            }
        ]
        yield static


def calico(places: Mapping[str, tuple[str, str]]) -> Iterable[Object]:
    """Give Calico as the operator installs it on these nodes."""
    yield thing(
        "Installation", "default", api="operator.tigera.io/v1",
        spec={"variant": "Calico", "cni": {"type": "Calico", "ipam": {"type": "Calico"}},
              "calicoNetwork": {"linuxDataplane": "Iptables", "bgp": "Disabled", "mtu": 1450,
                                "nodeAddressAutodetectionV4": {"firstFound": True}}},
        status={"mtu": 1450},
    )  # fmt: skip
    yield thing(
        "TigeraStatus", "calico", api="operator.tigera.io/v1",
        status={"conditions": [{"type": "Available", "status": "True"}, {"type": "Degraded", "status": "False"}]},
    )  # fmt: skip
    pool = {"cidr": POOL, "blockSize": 26, "vxlanMode": "Always", "ipipMode": "Never", "natOutgoing": True}
    yield thing(
        "IPPool", "default-ipv4-ippool", api=CALICO, spec={**pool, "allowedUses": ["Workload", "Tunnel"]}
    )
    yield thing("FelixConfiguration", "default", api=CALICO, spec={"vxlanPort": 4789, "vxlanVNI": 4096})
    yield thing(
        "ClusterInformation", "default", api=CALICO, spec={"calicoVersion": "v3.31.1", "datastoreReady": True}
    )
    yield thing("KubeControllersConfiguration", "default", api=CALICO, spec={"controllers": {"node": {}}})
    yield thing("Tier", "default", api=CALICO, spec={"order": 1000000, "defaultAction": "Deny"})
    yield workload(
        "DaemonSet", "calico-node", "calico-system", len(places), {"k8s-app": "calico-node"}, hostNetwork=True
    )
    yield workload(
        "Deployment", "calico-typha", "calico-system", 2, {"k8s-app": "calico-typha"}, hostNetwork=True
    )
    yield workload(
        "Deployment", "calico-kube-controllers", "calico-system", 1, {"k8s-app": "calico-kube-controllers"}
    )
    yield workload(
        "ReplicaSet", "calico-kube-controllers-1", "calico-system", 1, {"k8s-app": "calico-kube-controllers"}
    )
    yield workload(
        "Deployment",
        "tigera-operator",
        "tigera-operator",
        1,
        {"k8s-app": "tigera-operator"},
        hostNetwork=True,
    )
    for name, (address, _) in places.items():
        yield pod(f"calico-node-{name}", "calico-system", name, address, owner=("DaemonSet", "calico-node"),
                  labels={"k8s-app": "calico-node"}, host_network=True,
                  tolerations=[{"operator": "Exists"}])  # fmt: skip


def _shop() -> Iterable[Object]:
    """Give an application: a Deployment and a StatefulSet under PDBs, a DaemonSet, services."""
    yield workload("Deployment", "web", "shop", 3, {"app": "web"})
    yield workload("ReplicaSet", "web-1", "shop", 3, {"app": "web"})
    yield workload("StatefulSet", "db", "shop", 2, {"app": "db"})
    yield workload("DaemonSet", "logs", "shop", 3, {"app": "logs"})
    yield budget("web", "shop", {"app": "web"}, pods=3)
    yield budget("db", "shop", {"app": "db"}, pods=2)
    places = [
        ("web-1-a", "wrk-1", "10.244.1.10"),
        ("web-1-b", "wrk-2", "10.244.2.10"),
        ("web-1-c", "wrk-3", "10.244.3.10"),
    ]
    for name, at, address in places:
        yield pod(name, "shop", at, address, owner=("ReplicaSet", "web-1"), labels={"app": "web"})
    for number, (at, address) in enumerate((("wrk-1", "10.244.1.20"), ("wrk-2", "10.244.2.20"))):
        yield pod(f"db-{number}", "shop", at, address, owner=("StatefulSet", "db"), labels={"app": "db"})
    for number, at in enumerate(("wrk-1", "wrk-2", "wrk-3"), start=1):
        yield pod(
            f"logs-{at}",
            "shop",
            at,
            f"10.244.{number}.30",
            owner=("DaemonSet", "logs"),
            labels={"app": "logs"},
        )
    for name, at, address in (("coredns-1-a", "wrk-1", "10.244.1.2"), ("coredns-1-b", "wrk-3", "10.244.3.2")):
        yield pod(name, "kube-system", at, address, owner=("ReplicaSet", "coredns-1"), labels={"k8s-app": "kube-dns"},
                  tolerations=[{"key": "CriticalAddonsOnly", "operator": "Exists"}])  # fmt: skip
    yield pod("calico-kube-controllers-1-a", "calico-system", "wrk-2", "10.244.2.3",
              owner=("ReplicaSet", "calico-kube-controllers-1"), labels={"k8s-app": "calico-kube-controllers"})  # fmt: skip
    yield thing(
        "Service", "web", "shop",
        spec={"clusterIP": "10.96.1.1", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    )  # fmt: skip


def healthy() -> list[Object]:
    """Give all objects of the cluster."""
    places = {name: (address, ZONES[name]) for name, address in NODES.items()}
    return [*system(places, ["shop"]), *calico(places), *_shop()]


def facts(name: str, nodes: Mapping[str, str] = NODES) -> Object:
    """Give what a collector sees on a healthy node; ``nodes`` are those of the cluster with their addresses."""
    address = nodes.get(name, "10.0.0.99")
    number = list(nodes).index(name) if name in nodes else 99
    return {
        "via": "ssh",
        "module": True,
        "python": {"version": "3.11.2", "json": True},
        "root": {"ok": True, "why": ""},
        "host_key": "known",
        "systemd": 252,
        "rp_filter": {"all": 0, "default": 0, "eth0": 0},
        "rp_filter_files": [],
        "networkd": {"active": False, "manage_foreign_routes": True, "manage_foreign_rules": True},
        "network_manager": {"active": False, "unmanaged": []},
        "firewalls": [],
        "kernel": {"version": "6.1.0-25-amd64", "bpf": True, "btf": True, "bpffs": True, "cgroup2": True},
        "links": [
            {"ifname": "eth0", "mtu": 1500, "operstate": "UP", "address": "52:54:00:00:00:01"},
            {"ifname": "vxlan.calico", "mtu": 1450, "operstate": "UNKNOWN",
             "linkinfo": {"info_kind": "vxlan", "info_data": {"id": 4096, "port": 4789}}},
            {"ifname": "cali0123456789a", "mtu": 1450, "operstate": "UP", "linkinfo": {"info_kind": "veth"}},
        ],
        "addresses": [{"ifname": "eth0", "addr_info": [{"family": "inet", "local": address, "prefixlen": 24}]}],
        "routes": [
            {"family": 4, "dst": "default", "gateway": "10.0.0.1", "dev": "eth0", "type": "1", "protocol": "3", "table": "254"},
            {"family": 4, "dst": "10.0.0.0/24", "dev": "eth0", "type": "1", "protocol": "2", "table": "254"},
            {"family": 4, "dst": f"10.244.{number}.0/26", "type": "6", "protocol": "80", "table": "254"},
        ],
        "rules": [],
        "udp": [{"port": 4789, "process": ""}],
        "tables": [
            {"backend": backend, "family": family, "table": table, "calico": 20 if backend == "nft" else 0,
             "kube_proxy": 10 if backend == "nft" else 0, "unreadable": "", "save_s": 0.1, "changes_per_s": 0.0}
            for backend in ("legacy", "nft") for family in (4, 6) for table in ("raw", "mangle", "nat", "filter")
        ],
        "nft": [{"family": "ip", "name": "nat"}, {"family": "ip", "name": "filter"}],
        "foreign_jumps": [],
        "forward_policy": {"4": "ACCEPT", "6": "ACCEPT"},
        "bpf": {"pins": [], "programs": []},
        "cni": {
            "files": [{"name": "10-calico.conflist", "plugins": ["calico", "bandwidth", "portmap"]}],
            "conf_dir": "/etc/cni/net.d",
            "bin_dirs": ["/opt/cni/bin"],
        },
        "disk_free": 40 * 2**30,
        "disk_size": 100 * 2**30,
        "clock_offset_s": 0.01,
        "conntrack_old": 0,
        "conntrack_age_s": 3600,
        "sandboxes": [],
        "lock": {"held": False, "pid": 0, "run": ""},
        "reboot": "play",
        "empty_dirs": {},
    }  # fmt: skip


def settings() -> Object:
    """Give a configuration that fits the healthy cluster."""
    return {
        "apiVersion": "c2c/v1alpha1",
        "kind": "Config",
        "externalCIDRs": ["172.20.0.0/16"],
        "cilium": {"version": "1.20.2", "podCIDRs": [NEW_RANGE], "tunnelPort": 8473},
    }


def snapshot_of(objects: Iterable[Object]) -> Snapshot:
    """Give the snapshot that these objects make."""
    builder = SnapshotBuilder()
    for item in objects:
        builder.add(item)
    return builder.snapshot()
