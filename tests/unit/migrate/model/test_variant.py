"""Each install method and each axis of a variant, by the objects that show it (``procedure.md`` §2)."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.model.snapshot import Snapshot, SnapshotBuilder
from migrate.model.variant import Variant, detect
from tests import clusters

Object = dict[str, Any]
OPERATOR = "operator.tigera.io/v1"
NET_CONF = '{"Network": "10.42.0.0/16", "Backend": {"Type": "vxlan", "Port": 8472}}'


def snapshot(*objects: Object) -> Snapshot:
    builder = SnapshotBuilder()
    for item in objects:
        builder.add(item)
    return builder.snapshot()


def found(*objects: Object) -> Variant:
    return detect(snapshot(*objects))


def changed(kind: str, name: str, **patch: Any) -> list[Object]:
    """Give the healthy cluster with the spec of one object merged with a patch."""
    objects = clusters.healthy()
    for item in objects:
        if (item["kind"], item["metadata"]["name"]) == (kind, name):
            item["spec"] = {**item["spec"], **patch}
    return objects


def agent(
    name: str = "calico-node", namespace: str = "kube-system", env: list[Object] | None = None
) -> Object:
    made = clusters.workload("DaemonSet", name, namespace, 3, {"k8s-app": "calico-node"})
    made["spec"]["template"]["spec"]["containers"][0] |= {
        "env": env or [],
        "image": "docker.example/calico/node:v3.30.4",
    }
    return made


def installation(**spec: Any) -> Object:
    return clusters.thing("Installation", "default", api=OPERATOR, spec=spec)


def config_map(name: str, namespace: str = "kube-system", **data: str) -> Object:
    return clusters.thing("ConfigMap", name, namespace, data=data)


def a_node(**changes: Any) -> Object:
    made = clusters.node("wrk-1", "10.0.0.11")
    made["metadata"]["labels"] |= changes.pop("labels", {})
    made["status"]["nodeInfo"] |= changes.pop("info", {})
    made["spec"] |= changes
    return made


def helm_release() -> Object:
    return clusters.thing(
        "Secret", "sh.helm.release.v1.calico.v1", "tigera-operator", type="helm.sh/release.v1"
    )


def operator_by_helm() -> Object:
    made = clusters.workload(
        "Deployment", "tigera-operator", "tigera-operator", 1, {"name": "tigera-operator"}
    )
    made["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm"
    return made


BACKEND_NONE = [{"name": "CALICO_NETWORKING_BACKEND", "value": "none"}]


@pytest.mark.parametrize(
    ("objects", "methods"),
    [
        ([installation(), agent(namespace="calico-system")], ("operator",)),
        ([installation(), agent(namespace="calico-system"), helm_release()], ("helm",)),
        ([installation(), agent(namespace="calico-system"), operator_by_helm()], ("helm",)),
        ([agent()], ("manifest",)),
        ([agent(), config_map("calico-config", cluster_type="kubespray,bgp")], ("kubespray",)),
        (
            [
                agent(),
                clusters.thing(
                    "ClusterInformation",
                    "default",
                    api=clusters.CALICO,
                    spec={"clusterType": "kubespray,kdd"},
                ),
            ],
            ("kubespray",),
        ),
        ([agent(), a_node(info={"kubeletVersion": "v1.34.1+k3s1"})], ("k3s",)),
        (
            [
                installation(),
                agent(namespace="calico-system"),
                clusters.thing("HelmChart", "rke2-calico", "kube-system", api="helm.cattle.io/v1"),
            ],
            ("rke2",),
        ),
        (
            [
                agent("rke2-canal"),
                clusters.thing("HelmChart", "rke2-canal", "kube-system", api="helm.cattle.io/v1"),
            ],
            ("rke2",),
        ),
        ([agent("canal")], ("canal",)),
        (
            [
                agent(),
                clusters.workload("DaemonSet", "kube-flannel-ds", "kube-flannel", 3, {"app": "flannel"}),
            ],
            ("canal",),
        ),
        (
            [
                agent(env=BACKEND_NONE),
                clusters.workload("DaemonSet", "aws-node", "kube-system", 3, {"k": "v"}),
            ],
            ("policy-only",),
        ),
        ([installation(cni={"type": "AzureVNET"}), agent(namespace="calico-system")], ("policy-only",)),
        ([installation(), agent()], ("operator", "manifest")),
        ([], ()),
        ([a_node()], ()),
    ],
    ids=str,
)
def test_each_install_method_shows_itself(objects: list[Object], methods: tuple[str, ...]) -> None:
    variant = found(*objects)
    assert variant.installs == methods
    assert variant.install == (methods[0] if len(methods) == 1 else "")


def test_the_healthy_cluster_is_an_operator_install_with_vxlan() -> None:
    variant = found(*clusters.healthy())
    assert variant == Variant(
        installs=("operator",),
        calico_version="v3.31.1",
        ipam="calico-ipam",
        encapsulation=("vxlan",),
        kube_proxy="iptables",
        parts=("typha",),
        policy_api="v1",
    )
    assert variant.minor == (3, 31)


def test_the_version_falls_back_on_the_images_tag() -> None:
    assert found(agent()).calico_version == "v3.30.4"
    assert found(agent()).minor == (3, 30)
    assert found().minor == (0, 0)


def test_the_commercial_product_is_not_taken_for_calico() -> None:
    assert found(installation(variant="TigeraSecureEnterprise")).product == "Calico Enterprise"
    assert found(installation(variant="Calico")).product == "Calico"


@pytest.mark.parametrize(
    ("objects", "ipam"),
    [
        ([installation(cni={"ipam": {"type": "HostLocal"}})], "host-local"),
        ([installation(cni={"ipam": {"type": "Calico"}})], "calico-ipam"),
        (
            [agent(), config_map("calico-config", cni_network_config='{"ipam": {"type": "host-local"}}')],
            "host-local",
        ),
        (
            [
                agent(),
                config_map("calico-config", cni_network_config='"ipam": {\n  "type": "calico-ipam"\n}'),
            ],
            "calico-ipam",
        ),
        ([agent(env=[{"name": "CALICO_NETWORKING_BACKEND", "value": "bird"}])], "calico-ipam"),
        ([agent()], ""),
    ],
    ids=str,
)
def test_ipam_is_read_where_the_method_says_it(objects: list[Object], ipam: str) -> None:
    assert found(*objects).ipam == ipam


def felix(**spec: Any) -> Object:
    return clusters.thing("FelixConfiguration", "default", api=clusters.CALICO, spec=spec)


def calico(version: str) -> Object:
    return clusters.thing(
        "ClusterInformation", "default", api=clusters.CALICO, spec={"calicoVersion": version}
    )


def proxy(mode: str) -> list[Object]:
    return [
        clusters.workload("DaemonSet", "kube-proxy", "kube-system", 3, {"k8s-app": "kube-proxy"}),
        config_map("kube-proxy", **{"config.conf": f"kind: KubeProxyConfiguration\nmode: {mode}\n"}),
    ]


@pytest.mark.parametrize(
    ("objects", "plane"),
    [
        ([felix(bpfEnabled=True)], "bpf"),
        ([installation(calicoNetwork={"linuxDataplane": "BPF"})], "bpf"),
        ([agent(env=[{"name": "FELIX_BPFENABLED", "value": "true"}])], "bpf"),
        ([installation(calicoNetwork={"linuxDataplane": "VPP"})], "vpp"),
        ([felix(nftablesMode="Enabled")], "nftables"),
        ([felix(nftablesMode="Auto"), *proxy("nftables")], "nftables"),
        ([felix(nftablesMode="Auto"), *proxy("ipvs")], "iptables"),
        ([felix(nftablesMode="Auto")], ""),
        ([felix(nftablesMode="Disabled"), calico("v3.32.1")], "iptables"),
        ([felix(), calico("v3.32.1"), *proxy("nftables")], "nftables"),
        ([felix(), calico("v3.31.1"), *proxy("nftables")], "iptables"),
    ],
    ids=str,
)
def test_the_data_plane_follows_what_felix_is_told(objects: list[Object], plane: str) -> None:
    assert found(*objects).data_plane == plane


@pytest.mark.parametrize(
    ("spec", "encapsulation"),
    [
        ({"vxlanMode": "CrossSubnet"}, ("vxlan",)),
        ({"vxlanMode": "Never", "ipipMode": "Always"}, ("ipip",)),
        ({"vxlanMode": "Never"}, ("none",)),
    ],
)
def test_the_encapsulation_is_that_of_the_pools(spec: Object, encapsulation: tuple[str, ...]) -> None:
    assert found(*changed("IPPool", "default-ipv4-ippool", **spec)).encapsulation == encapsulation


def test_canal_rides_on_flannels_tunnel() -> None:
    assert found(agent("canal"), config_map("canal-config", **{"net-conf.json": NET_CONF})).encapsulation == (
        "vxlan",
    )


@pytest.mark.parametrize(
    ("objects", "mode"),
    [
        (proxy("ipvs"), "ipvs"),
        (proxy('""'), "iptables"),
        ([], ""),
        ([clusters.workload("DaemonSet", "kube-proxy", "kube-system", 0, {"k": "v"})], "absent"),
    ],
    ids=str,
)
def test_kube_proxys_mode_is_read_from_its_configuration(objects: list[Object], mode: str) -> None:
    assert found(*objects).kube_proxy == mode


def test_a_flag_of_kube_proxy_stands_over_its_configuration() -> None:
    flagged, config = proxy("iptables")
    flagged["spec"]["template"]["spec"]["containers"][0]["command"] = ["kube-proxy", "--proxy-mode=ipvs"]
    assert found(flagged, config).kube_proxy == "ipvs"


def test_both_families_are_seen() -> None:
    pool = clusters.thing("IPPool", "six", api=clusters.CALICO, spec={"cidr": "fd00::/64"})
    assert found(*clusters.healthy(), pool).families == (4, 6)


def api_service(status: str, *, local: bool = False) -> Object:
    spec = (
        {"group": "projectcalico.org"}
        if local
        else {"group": "projectcalico.org", "service": {"name": "calico-api"}}
    )
    return clusters.thing(
        "APIService", "v3.projectcalico.org", api="apiregistration.k8s.io/v1", spec=spec,
        status={"conditions": [{"type": "Available", "status": status}]},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "api"),
    [
        ([], "v1"),
        ([api_service("True")], "v1+aggregated"),
        ([api_service("False")], "v1+aggregated (not available)"),
        (
            [
                api_service("True", local=True),
                clusters.thing(
                    "CustomResourceDefinition",
                    "tiers.projectcalico.org",
                    api="apiextensions.k8s.io/v1",
                    spec={"group": "projectcalico.org"},
                ),
            ],
            "v3 CRDs",
        ),
    ],
    ids=str,
)
def test_the_policy_api_is_the_one_that_answers(objects: list[Object], api: str) -> None:
    assert found(*objects).policy_api == api


@pytest.mark.parametrize(
    ("objects", "cloud"),
    [
        ([clusters.workload("DaemonSet", "aws-node", "kube-system", 3, {"k": "v"})], "eks"),
        ([installation(cni={"type": "AmazonVPC"})], "eks"),
        (
            [
                a_node(labels={"kubernetes.azure.com/cluster": "x"}),
                clusters.workload("DaemonSet", "azure-cns", "kube-system", 3, {"k": "v"}),
            ],
            "aks",
        ),
        ([a_node(labels={"kubernetes.azure.com/cluster": "x"}, providerID="azure:///x")], "azure"),
        ([a_node(labels={"cloud.google.com/gke-nodepool": "x"})], "gke"),
        ([a_node(providerID="aws:///eu/i-1")], "aws"),
        ([a_node()], ""),
    ],
    ids=str,
)
def test_the_cloud_is_named_where_it_owns_the_network(objects: list[Object], cloud: str) -> None:
    assert found(*objects).cloud == cloud


@pytest.mark.parametrize(
    ("node", "distribution"),
    [
        (a_node(info={"kubeletVersion": "v1.34.1+rke2r1"}), "rke2"),
        (a_node(info={"kubeletVersion": "v1.34.1+k3s1"}), "k3s"),
        (a_node(info={"kubeletVersion": "v1.34.1+k0s"}), "k0s"),
        (a_node(info={"osImage": "Talos (v1.11.0)"}), "talos"),
        (a_node(labels={"microk8s.io/cluster": "true"}), "microk8s"),
        (a_node(), ""),
    ],
    ids=str,
)
def test_the_distribution_is_read_from_the_nodes(node: Object, distribution: str) -> None:
    assert found(node).distribution == distribution


@pytest.mark.parametrize(
    ("env", "datastore"),
    [
        ([{"name": "DATASTORE_TYPE", "value": "kubernetes"}], "kubernetes"),
        ([{"name": "DATASTORE_TYPE", "value": "etcdv3"}], "etcd"),
        (
            [
                {
                    "name": "ETCD_ENDPOINTS",
                    "valueFrom": {"configMapKeyRef": {"name": "calico-config", "key": "etcd_endpoints"}},
                }
            ],
            "etcd",
        ),
        (
            [{"name": "ETCD_ENDPOINTS", "value": "x"}, {"name": "DATASTORE_TYPE", "value": "kubernetes"}],
            "kubernetes",
        ),
        ([], "kubernetes"),
    ],
    ids=str,
)
def test_the_datastore_is_what_calico_node_is_told(env: list[Object], datastore: str) -> None:
    assert found(agent(env=env)).datastore == datastore


def test_environment_taken_from_a_config_map_is_filled_in() -> None:
    taken = [
        {
            "name": "CALICO_NETWORKING_BACKEND",
            "valueFrom": {"configMapKeyRef": {"name": "calico-config", "key": "calico_backend"}},
        }
    ]
    aws = clusters.workload("DaemonSet", "aws-node", "kube-system", 3, {"k": "v"})
    assert found(agent(env=taken), config_map("calico-config", calico_backend="none"), aws).installs == (
        "policy-only",
    )


@pytest.mark.parametrize(
    ("item", "extra"),
    [
        (clusters.workload("DaemonSet", "kube-multus-ds", "kube-system", 3, {"k": "v"}), "multus"),
        (clusters.workload("DaemonSet", "multus-thick", "kube-system", 3, {"k": "v"}), "multus"),
        (
            clusters.pod(
                "edge-1",
                "shop",
                "wrk-1",
                "10.244.1.9",
                containers=[{"name": "main", "ports": [{"containerPort": 80, "hostPort": 80}]}],
            ),
            "host-ports",
        ),
        (clusters.workload("DaemonSet", "speaker", "metallb-system", 3, {"k": "v"}), "metallb"),
        (clusters.workload("DaemonSet", "istio-cni-node", "istio-system", 3, {"k": "v"}), "istio-cni"),
        (clusters.workload("DaemonSet", "nodelocaldns", "kube-system", 3, {"k": "v"}), "node-local-dns"),
        (clusters.thing("BGPPeer", "tor", api=clusters.CALICO, spec={"peerIP": "10.0.0.1"}), "bgp-peers"),
        (
            clusters.thing(
                "BGPConfiguration",
                "default",
                api=clusters.CALICO,
                spec={"serviceLoadBalancerIPs": [{"cidr": "1.2.3.0/24"}]},
            ),
            "bgp-services",
        ),
        (
            clusters.thing(
                "IPPool",
                "lb",
                api=clusters.CALICO,
                spec={"cidr": "1.2.3.0/24", "allowedUses": ["LoadBalancer"]},
            ),
            "lb-ipam",
        ),
        (clusters.thing("EgressGateway", "out", "default", api=OPERATOR), "egress-gateways"),
    ],
    ids=lambda x: x["metadata"]["name"] if isinstance(x, dict) else x,
)
def test_each_neighbour_is_an_extra(item: Object, extra: str) -> None:
    assert extra in found(*clusters.healthy(), item).extras


def test_wireguard_is_seen_in_felix_and_in_the_environment() -> None:
    assert found(felix(wireguardEnabled=True)).wireguard
    assert found(felix(wireguardEnabledV6=True)).wireguard
    assert found(agent(env=[{"name": "FELIX_WIREGUARDENABLED", "value": "true"}])).wireguard
    assert not found(felix()).wireguard


def test_each_part_of_calico_is_listed() -> None:
    parts = [
        clusters.workload("Deployment", name, "calico-system", 1, {"k": "v"})
        for name in ("goldmane", "whisker", "calico-apiserver")
    ]
    assert found(*parts).parts == ("apiserver", "goldmane", "whisker")
