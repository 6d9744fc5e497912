"""A whole Calico in a simulated cluster, in the variants that users have; each names the upstream file it follows.

What is planted is what a detector, a backup and a removal meet: kinds, settings, pools, policies, workloads, RBAC and
the marks that tell one kind of install from another. The nodes' side of Calico is played by the node agent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tests.controlplane import calico_kinds, charts, crds, tigera, workloads
from tests.controlplane.charts import Helm
from tests.controlplane.client import Api, Object
from tests.controlplane.simulated_calico import Variant

POOL = "192.168.0.0/16"


class Kind(StrEnum):
    """How Calico came into the cluster; the value names the file of projectcalico/calico that is followed."""

    MANIFEST = "manifests/calico.yaml"
    TYPHA = "manifests/calico-typha.yaml"
    OPERATOR = "manifests/tigera-operator.yaml, manifests/custom-resources.yaml"
    HELM = "charts/tigera-operator"
    CANAL = "manifests/canal.yaml"
    V3_CRDS = "manifests/calico-v3-crds.yaml"


_OPERATED = {Kind.OPERATOR, Kind.HELM}


@dataclass(frozen=True, slots=True)
class Install:
    """One install of Calico 3.``minor``."""

    kind: Kind = Kind.MANIFEST
    minor: int = 32
    replicas_of_typha: int = 2
    writes_ipam: bool = True
    """Whether nodes keep their IPAM objects; thousands of pods are given addresses faster without."""

    @property
    def is_operated(self) -> bool:
        return self.kind in _OPERATED

    @property
    def namespace(self) -> str:
        return "calico-system" if self.is_operated else "kube-system"

    @property
    def version(self) -> str:
        """Give the group and version that objects are stored in."""
        return "projectcalico.org/v3" if self.kind is Kind.V3_CRDS else "crd.projectcalico.org/v1"

    @property
    def node_side(self) -> Variant:
        """Give what the node agent must know of this install."""
        if self.kind is Kind.CANAL:
            return Variant(self.version, "10-canal.conflist", "host-local")
        return Variant(self.version, writes_ipam=self.writes_ipam)


def plant(api: Api, install: Install, helm: Helm | None = None) -> None:
    """Plant kinds first, then everything else, in the order of the upstream files.

    ``helm`` is needed for the kind HELM, whose operator and resources are a genuine release.
    """
    kinds = calico_kinds.definitions(
        install.minor, native_v3=install.kind is Kind.V3_CRDS, operator=install.is_operated
    )
    crds.establish(api, kinds)
    for obj in [
        *_namespaces(install),
        *settings(install),
        *_rbac(install),
        *_workloads(install),
        *policies(install),
    ]:
        api.create(obj)
    if install.kind is Kind.HELM:
        assert helm is not None, "an install by Helm needs Helm"
        own = replace(helm, namespace="tigera-operator")
        done = own.run("install", "calico", charts.CALICO_SMALL)
        assert done.returncode == 0, done.stderr


def custom(install: Install, kind: str, name: str, spec: Object, where: str = "") -> Object:
    """Give an object of Calico's own API, in the group that this install stores it in."""
    metadata: Object = {"name": name} | ({"namespace": where} if where else {})
    return {"apiVersion": install.version, "kind": kind, "metadata": metadata, "spec": spec}


def _namespaces(install: Install) -> list[Object]:
    names = ("tigera-operator", "calico-system", "calico-apiserver") if install.is_operated else ()
    return [workloads.namespace(name) for name in names]


def settings(install: Install) -> list[Object]:
    """Give the settings that Calico itself, or its operator, makes at the first start."""
    felix = {
        "logSeverityScreen": "Info",
        "floatingIPs": "Disabled",
        "reportingInterval": "0s",
        "bpfEnabled": False,
    }
    pool = {
        "cidr": POOL,
        "blockSize": 26,
        "ipipMode": "Never",
        "vxlanMode": "Always",
        "natOutgoing": True,
        "nodeSelector": "all()",
        "allowedUses": ["Workload", "Tunnel"],
        "assignmentMode": "Automatic",
    }
    cluster = {"calicoVersion": f"v3.{install.minor}.1", "clusterType": "k8s,kdd", "datastoreReady": True}
    controllers = {
        "controllers": {"node": {"hostEndpoint": {"autoCreate": "Disabled"}, "reconcilerPeriod": "5m0s"}}
    }
    made = [
        custom(install, "ClusterInformation", "default", cluster),
        custom(install, "FelixConfiguration", "default", felix),
        custom(install, "KubeControllersConfiguration", "default", controllers),
    ]
    if install.kind is not Kind.CANAL:
        made.append(custom(install, "IPPool", "default-ipv4-ippool", pool))
    if install.minor >= 29:
        made += [
            custom(install, "Tier", "default", {"order": 1000000}),
            custom(install, "Tier", "adminnetworkpolicy", {"order": 1000}),
        ]
    return made + (_operator_resources() if install.kind is Kind.OPERATOR else [])


def _operator_resources() -> list[Object]:
    network = {
        "bgp": "Disabled",
        "linuxDataplane": "Iptables",
        "nodeAddressAutodetectionV4": {"firstFound": True},
        "ipPools": [{"name": "default-ipv4-ippool", "cidr": POOL, "blockSize": 26, "encapsulation": "VXLAN"}],
    }
    specs: dict[str, Object] = {
        "Installation": {"variant": "Calico", "cni": {"type": "Calico"}, "calicoNetwork": network},
        "APIServer": {},
        "Goldmane": {},
        "Whisker": {},
    }
    return [
        {
            "apiVersion": "operator.tigera.io/v1",
            "kind": kind,
            "metadata": {"name": "default", "finalizers": tigera.FINALIZERS[kind]},
            "spec": spec,
        }
        for kind, spec in specs.items()
    ]


def _rbac(install: Install) -> list[Object]:
    """Give accounts and roles; the operator's carry the finalizer that protects the CNI plugin."""
    guard = {"finalizers": ["tigera.io/cni-protector"]} if install.is_operated else {}
    account = "canal" if install.kind is Kind.CANAL else "calico-node"
    found: list[Object] = []
    for name, protected in ((account, True), ("calico-cni-plugin", True), ("calico-kube-controllers", False)):
        metadata = {"name": name, **(guard if protected else {})}
        own = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**metadata, "namespace": install.namespace},
        }
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [
                {
                    "apiGroups": [install.version.split("/")[0]],
                    "resources": ["*"],
                    "verbs": ["get", "list", "watch"],
                }
            ],
        }
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": install.namespace}],
        }
        found += [own, role, binding]
    return found


def _workloads(install: Install) -> list[Object]:
    where = install.namespace
    name = "canal" if install.kind is Kind.CANAL else "calico-node"
    found: list[Object] = []
    if not install.is_operated:
        found.append(_config_map(install))
    found.append(_node_daemon_set(install, name))
    if install.kind is not Kind.CANAL or install.minor >= 30:
        controllers = workloads.deployment(where, "calico-kube-controllers", 1, tolerations=_CRITICAL)
        budget = workloads.budget(
            where, "calico-kube-controllers", "calico-kube-controllers", maxUnavailable=1
        )
        found += [_labelled(controllers, "calico-kube-controllers"), budget]
    if install.is_operated or install.kind is Kind.TYPHA:
        typha = workloads.deployment(
            where, "calico-typha", install.replicas_of_typha, hostNetwork=True, tolerations=_TOLERATIONS
        )
        found += [
            _labelled(typha, "calico-typha"),
            workloads.service(where, "calico-typha", 5473),
            workloads.budget(where, "calico-typha", "calico-typha", maxUnavailable=1),
        ]
    if install.is_operated:
        found += _operated_workloads(own_operator=install.kind is Kind.OPERATOR)
    return found


_TOLERATIONS = [{"operator": "Exists"}]
_CRITICAL = [
    {"key": "CriticalAddonsOnly", "operator": "Exists"},
    {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"},
    {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
]
"""Of kube-controllers, which a cordon keeps away as it does other pods."""


def _labelled(obj: Object, app: str) -> Object:
    """Give upstream's label ``k8s-app`` to a workload and its pods, besides the one that the budgets select."""
    obj["metadata"]["labels"]["k8s-app"] = app
    obj["spec"]["template"]["metadata"]["labels"]["k8s-app"] = app
    return obj


def _operated_workloads(*, own_operator: bool) -> list[Object]:
    operator = workloads.deployment(
        "tigera-operator", "tigera-operator", 1, hostNetwork=True, tolerations=_TOLERATIONS
    )
    driver = workloads.daemon_set("calico-system", "csi-node-driver")
    names = (
        ("calico-apiserver", "calico-apiserver", 2),
        ("calico-system", "goldmane", 1),
        ("calico-system", "whisker", 1),
    )
    rest = [_labelled(workloads.deployment(where, name, count), name) for where, name, count in names]
    csi = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "csi.tigera.io"},
        "spec": {"podInfoOnMount": True, "volumeLifecycleModes": ["Ephemeral"]},
    }
    own = [_labelled(operator, "tigera-operator")] if own_operator else []
    return [*own, csi, _labelled(driver, "csi-node-driver"), *rest]


def _config_map(install: Install) -> Object:
    name = "canal-config" if install.kind is Kind.CANAL else "calico-config"
    values = {"typha_service_name": "none", "veth_mtu": "0"}
    if install.kind is Kind.CANAL:
        values |= {
            "net-conf.json": '{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}',
            "masquerade": "true",
        }
    else:
        values["calico_backend"] = "vxlan"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": install.namespace},
        "data": values,
    }


def _node_daemon_set(install: Install, name: str) -> Object:
    """Give the DaemonSet of the node part, with the settings that a detector reads from its environment."""
    made = workloads.daemon_set(install.namespace, name, host=True, labels={"k8s-app": name})
    environment = {
        "DATASTORE_TYPE": "kubernetes",
        "CALICO_NETWORKING_BACKEND": "none" if install.kind is Kind.CANAL else "vxlan",
        "CLUSTER_TYPE": "canal" if install.kind is Kind.CANAL else "k8s,bgp",
        "FELIX_IPV6SUPPORT": "false",
    }
    if install.kind is not Kind.CANAL:
        environment |= {"IP": "autodetect", "CALICO_IPV4POOL_CIDR": POOL, "CALICO_IPV4POOL_VXLAN": "Always"}
    container = {
        "name": "calico-node",
        "image": f"calico/node:v3.{install.minor}.1",
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/calico-node", "-shutdown"]}}},
    }
    spec = made["spec"]["template"]["spec"]
    spec |= {
        "priorityClassName": "system-node-critical",
        "containers": [container],
        "serviceAccountName": name,
    }
    spec["initContainers"] = [{"name": "install-cni", "image": f"calico/cni:v3.{install.minor}.1"}]
    if install.kind is Kind.CANAL:
        spec["containers"].append({"name": "kube-flannel", "image": "flannel/flannel:v0.27.0"})
    if install.is_operated:
        made["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "tigera-operator"
    return made


def policies(install: Install, where: Sequence[str] = ("default",)) -> list[Object]:
    """Give a small set of policies of every kind that a translation meets."""
    found = [
        custom(
            install,
            "GlobalNetworkPolicy",
            "default.deny-metadata",
            {
                "tier": "default",
                "order": 10,
                "selector": "all()",
                "types": ["Egress"],
                "egress": [
                    {"action": "Deny", "destination": {"nets": ["169.254.169.254/32"]}},
                    {"action": "Allow"},
                ],
            },
        ),
        custom(install, "GlobalNetworkSet", "partners", {"nets": ["198.51.100.0/24"]}),
    ]
    for namespace in where:
        rule = {
            "action": "Allow",
            "protocol": "TCP",
            "source": {"selector": "app == 'web'"},
            "destination": {"ports": [5432]},
        }
        spec = {
            "tier": "default",
            "order": 100,
            "selector": "app == 'db'",
            "types": ["Ingress"],
            "ingress": [rule],
        }
        found.append(custom(install, "NetworkPolicy", "default.db", spec, namespace))
    return found
