"""The steps of P2 per way of installing Calico, and that each undo restores what the snapshot held."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from migrate.engine.host_allowance import allowance
from migrate.engine.host_policies import calico_policies, host_traffic
from migrate.engine.pinning import Pin, pins
from migrate.model.commands import NATURES, Name
from migrate.model.facts import NodeFacts
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from migrate.model.variant import detect
from tests import clusters
from translators.algebra.cidrs import parse_address
from translators.flows import Flow, Peer, PeerKind, Verdict
from translators.semantics.calico.point import PointEvaluator

V6_POOL = {
    "apiVersion": clusters.CALICO,
    "kind": "IPPool",
    "metadata": {"name": "v6"},
    "spec": {"cidr": "fd00:244::/64", "natOutgoing": True},
}
DUAL = {"cilium": {"podCIDRs": [clusters.NEW_RANGE, "fd00:245::/104"]}}
KUBE_PROXY = "kind: KubeProxyConfiguration\nmode: ipvs # as it was\nclusterCIDR: 10.244.0.0/16\niptables: {masqueradeAll: false}\n"


def _snapshot(
    *more: dict[str, Any], without: tuple[str, ...] = (), facts: Mapping[str, Any] | None = None
) -> Snapshot:
    builder = SnapshotBuilder()
    replaced = {(m["kind"], m["metadata"]["name"]) for m in more}
    for item in (*clusters.healthy(), *more):
        name = item["metadata"]["name"]
        is_new = any(item is m for m in more)
        if item["kind"] + "/" + name not in without and (is_new or (item["kind"], name) not in replaced):
            builder.add(copy.deepcopy(item))
    seen = [NodeFacts(name, {**clusters.facts(name), **more_}) for name, more_ in (facts or {}).items()]
    return builder.snapshot(facts=seen)


def _pins(snapshot: Snapshot, settings: Mapping[str, Any] | None = None, **access: str) -> dict[Name, Pin]:
    merged = clusters.settings()
    for key, value in (settings or {}).items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    chosen = Settings.from_mapping(merged)
    found = pins(snapshot, chosen, detect(snapshot), access)
    return {p.command.name: p for p in found}


def _agent(env: dict[str, str], **metadata: Any) -> dict[str, Any]:
    listed = [{"name": k, "value": v} for k, v in env.items()]
    containers = [{"name": "calico-node", "env": listed}, {"name": "other"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "calico-node", "namespace": "kube-system", **metadata},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def _merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merge(found.get(key), value)
    return found


def test_a_healthy_cluster_needs_a_pin_and_a_cover_pool_and_no_more():
    assert list(_pins(_snapshot())) == [Name.PIN_AUTODETECT, Name.APPLY_COVER_POOL]


def test_every_step_is_undone_by_the_command_of_its_nature():
    snapshot = _snapshot(
        _host_endpoint("wrk-1"),
        _policy(),
        _config_map(KUBE_PROXY),
        facts={"wrk-1": {"networkd": {"active": True}}},
    )
    found = _pins(snapshot)
    assert list(found) == [
        Name.HOST_DROP_IN,
        Name.PIN_AUTODETECT,
        Name.APPLY_COVER_POOL,
        Name.ALLOW_HOST_PORTS,
        Name.PATCH_KUBE_PROXY,
    ]
    for name, pin in found.items():
        assert NATURES[name].undo == pin.undo.name
        assert pin.command.node == pin.undo.node


def test_the_operators_installation_is_merged_so_that_one_method_is_left():
    pin = _pins(_snapshot())[Name.PIN_AUTODETECT]
    (patch,) = pin.command.args["patches"]
    assert (patch["resource"], patch["name"], patch["type"]) == (
        "installations.operator.tigera.io",
        "default",
        "merge",
    )
    spec = {"spec": {"calicoNetwork": {"mtu": 1450, "nodeAddressAutodetectionV4": {"firstFound": True}}}}
    pinned = _merge(spec, patch["patch"])
    assert pinned["spec"]["calicoNetwork"] == {
        "mtu": 1450,
        "nodeAddressAutodetectionV4": {"kubernetes": "NodeInternalIP"},
    }
    assert _merge(pinned, pin.undo.args["patches"][0]["patch"]) == spec
    assert pin.command.args["rollout"] == ["DaemonSet/calico-system/calico-node"]


def test_a_field_that_was_not_set_is_gone_after_the_undo():
    snapshot = _snapshot(
        V6_POOL,
        {
            "apiVersion": "operator.tigera.io/v1",
            "kind": "Installation",
            "metadata": {"name": "default"},
            "spec": {},
        },
    )
    pin = _pins(snapshot, DUAL)[Name.PIN_AUTODETECT]
    pinned = _merge({"spec": {}}, pin.command.args["patches"][0]["patch"])
    both = {"kubernetes": "NodeInternalIP"}
    assert pinned["spec"]["calicoNetwork"] == {
        "nodeAddressAutodetectionV4": both,
        "nodeAddressAutodetectionV6": both,
    }
    undone = _merge(pinned, pin.undo.args["patches"][0]["patch"])
    assert undone["spec"]["calicoNetwork"] == {}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"skipInterface": "cilium_.*"}, {"skipInterface": "cilium_.*"}),
        ({"cidrs": ["10.0.0.0/24", "fd00::/64"]}, {"cidrs": ["10.0.0.0/24"]}),
        ({"canReach": "10.0.0.1"}, {"canReach": "10.0.0.1"}),
    ],
)
def test_the_configuration_chooses_the_method(wanted, field):
    pin = _pins(_snapshot(), {"calico": {"autodetection": wanted}})[Name.PIN_AUTODETECT]
    pinned = _merge({}, pin.command.args["patches"][0]["patch"])
    assert pinned["spec"]["calicoNetwork"]["nodeAddressAutodetectionV4"] == field


def test_a_method_that_is_safe_already_rolls_nothing():
    pinned = {"calicoNetwork": {"nodeAddressAutodetectionV4": {"kubernetes": "NodeInternalIP"}}}
    installation = {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "Installation",
        "metadata": {"name": "default"},
        "spec": pinned,
    }
    assert Name.PIN_AUTODETECT not in _pins(_snapshot(installation))
    asked = {"calico": {"autodetection": {"skipInterface": "cilium.*"}}}
    assert Name.PIN_AUTODETECT in _pins(_snapshot(installation), asked)


def test_a_manifest_is_pinned_by_the_environment_of_its_container():
    snapshot = _snapshot(
        _agent({"IP": "autodetect", "IP6": "autodetect", "IP6_AUTODETECTION_METHOD": "first-found"}),
        V6_POOL,
        without=("Installation/default",),
    )
    pin = _pins(snapshot, DUAL)[Name.PIN_AUTODETECT]
    (new,), (old,) = pin.command.args["patches"], pin.undo.args["patches"]
    assert (new["resource"], new["namespace"], new["type"]) == ("daemonsets.apps", "kube-system", "strategic")
    (container,) = new["patch"]["spec"]["template"]["spec"]["containers"]
    assert container == {
        "name": "calico-node",
        "env": [
            {"name": "IP_AUTODETECTION_METHOD", "value": "kubernetes-internal-ip"},
            {"name": "IP6_AUTODETECTION_METHOD", "value": "kubernetes-internal-ip"},
        ],
    }
    (container,) = old["patch"]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "IP_AUTODETECTION_METHOD", "$patch": "delete"},
        {"name": "IP6_AUTODETECTION_METHOD", "value": "first-found"},
    ]


def test_rke2_is_pinned_in_the_values_of_its_chart():
    chart = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": "rke2-calico", "namespace": "kube-system"},
    }
    pin = _pins(_snapshot(chart))[Name.PIN_AUTODETECT]
    (new,), (old,) = pin.command.args["patches"], pin.undo.args["patches"]
    assert (new["resource"], new["name"], new["type"]) == (
        "helmchartconfigs.helm.cattle.io",
        "rke2-calico",
        "apply",
    )
    field = {"kubernetes": "NodeInternalIP"}
    values = yaml.safe_load(new["patch"]["spec"]["valuesContent"])
    assert values == {"installation": {"calicoNetwork": {"nodeAddressAutodetectionV4": field}}}
    assert old["type"] == "delete"


def test_rke2s_own_values_stay_but_for_the_method():
    before = (
        "installation:\n  calicoNetwork:\n    mtu: 1400\n    nodeAddressAutodetectionV4: {firstFound: true}\n"
    )
    config = {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": {"name": "rke2-calico", "namespace": "kube-system"},
        "spec": {"valuesContent": before},
    }
    pin = _pins(_snapshot(config))[Name.PIN_AUTODETECT]
    values = yaml.safe_load(pin.command.args["patches"][0]["patch"]["spec"]["valuesContent"])
    network = {"mtu": 1400, "nodeAddressAutodetectionV4": {"kubernetes": "NodeInternalIP"}}
    assert values == {"installation": {"calicoNetwork": network}}
    assert pin.undo.args["patches"][0]["patch"] == {"spec": {"valuesContent": before}}


def test_what_only_its_owner_can_change_is_no_step():
    assert Name.PIN_AUTODETECT not in _pins(_snapshot(), {"calico": {"variant": "canal"}})


def test_the_mark_mask_is_changed_where_the_configuration_asks_and_set_back():
    asked = {"calico": {"markMask": "0x00ff0000"}}
    pin = _pins(_snapshot(), asked)[Name.PIN_AUTODETECT]
    new, old = pin.command.args["patches"][1], pin.undo.args["patches"][1]
    assert new["resource"] == "felixconfigurations.crd.projectcalico.org"
    assert new["patch"] == {"spec": {"iptablesMarkMask": 0x00FF0000}}
    assert old["patch"] == {"spec": {"iptablesMarkMask": None}}
    has_it = clusters.thing(
        "FelixConfiguration",
        "default",
        api=clusters.CALICO,
        spec={"iptablesMarkMask": 0xFF0000, "nftablesMarkMask": 1},
    )
    pin = _pins(_snapshot(has_it), asked)[Name.PIN_AUTODETECT]
    assert pin.undo.args["patches"][1]["patch"] == {
        "spec": {"iptablesMarkMask": 0xFF0000, "nftablesMarkMask": 1}
    }


def test_a_cover_pool_of_each_family_is_complete_in_itself():
    pin = _pins(_snapshot(V6_POOL), DUAL)[Name.APPLY_COVER_POOL]
    four, six = pin.command.args["objects"]
    assert four == {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "IPPool",
        "metadata": {"name": "cilium-cover-ipv4", "labels": {"c2c/owned": "true"}},
        "spec": {
            "cidr": "10.245.0.0/16",
            "blockSize": 26,
            "disabled": True,
            "natOutgoing": False,
            "ipipMode": "Never",
            "vxlanMode": "Never",
            "disableBGPExport": True,
            "nodeSelector": "all()",
            "allowedUses": ["Workload"],
        },
    }
    assert (six["metadata"]["name"], six["spec"]["cidr"], six["spec"]["blockSize"]) == (
        "cilium-cover-ipv6",
        "fd00:245::/104",
        122,
    )
    assert [d["name"] for d in pin.undo.args["delete"]] == ["cilium-cover-ipv4", "cilium-cover-ipv6"]


def test_a_cover_pool_is_written_in_v3_where_that_is_served():
    served = clusters.thing(
        "APIService",
        "v3.projectcalico.org",
        api="apiregistration.k8s.io/v1",
        spec={"service": {"name": "calico-api"}},
        status={"conditions": [{"type": "Available", "status": "True"}]},
    )
    pin = _pins(_snapshot(served))[Name.APPLY_COVER_POOL]
    assert [o["apiVersion"] for o in pin.command.args["objects"]] == ["projectcalico.org/v3"]
    dead = copy.deepcopy(served)
    dead["status"]["conditions"][0]["status"] = "False"
    pin = _pins(_snapshot(dead))[Name.APPLY_COVER_POOL]
    assert [o["apiVersion"] for o in pin.command.args["objects"]] == ["crd.projectcalico.org/v1"]


def test_ranges_of_one_family_have_pools_of_different_names_and_small_ones_small_blocks():
    settings = {"cilium": {"podCIDRs": ["10.245.0.0/17", "10.246.0.0/28"]}}
    objects = _pins(_snapshot(), settings)[Name.APPLY_COVER_POOL].command.args["objects"]
    assert [(o["metadata"]["name"], o["spec"]["blockSize"]) for o in objects] == [
        ("cilium-cover-ipv4", 26),
        ("cilium-cover-ipv4-2", 28),
    ]


def _config_map(content: str, name: str = "kube-proxy", key: str = "config.conf") -> dict[str, Any]:
    return clusters.thing("ConfigMap", name, "kube-system", data={key: content, "kubeconfig.conf": "x: y"})


def test_kube_proxys_file_changes_by_one_line():
    pin = _pins(_snapshot(_config_map(KUBE_PROXY)))[Name.PATCH_KUBE_PROXY]
    new = pin.command.args["patches"][0]["patch"]["data"]["config.conf"]
    changed = [
        pair for pair in zip(KUBE_PROXY.splitlines(), new.splitlines(), strict=True) if pair[0] != pair[1]
    ]
    assert changed == [("clusterCIDR: 10.244.0.0/16", 'clusterCIDR: "10.244.0.0/15"')]
    assert pin.undo.args["patches"][0]["patch"] == {"data": {"config.conf": KUBE_PROXY}}
    assert pin.command.args["rollout"] == ["DaemonSet/kube-system/kube-proxy"]


@pytest.mark.parametrize(
    ("content", "settings", "meant"),
    [
        # nodes lie between the ranges, so none is told apart
        ("clusterCIDR: 10.244.0.0/16", {"cilium": {"podCIDRs": ["10.2.0.0/16"]}}, {"clusterCIDR": ""}),
        # so does an external range
        (
            "clusterCIDR: 10.244.0.0/16",
            {"cilium": {"podCIDRs": ["10.246.0.0/16"]}, "externalCIDRs": ["10.245.1.0/24"]},
            {"clusterCIDR": ""},
        ),
        # public addresses do
        ("clusterCIDR: 10.244.0.0/16", {"cilium": {"podCIDRs": ["172.30.0.0/16"]}}, {"clusterCIDR": ""}),
        ("detectLocalMode: NodeCIDR", {}, {"clusterCIDR": "10.244.0.0/15", "detectLocalMode": "ClusterCIDR"}),
        (
            "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}",
            {},
            {"clusterCIDR": "10.244.0.0/15", "detectLocalMode": "ClusterCIDR"},
        ),
    ],
)
def test_kube_proxy_takes_a_network_of_pods_alone_or_tells_nobody_apart(content, settings, meant):
    snapshot = _snapshot(_config_map(f"kind: KubeProxyConfiguration\n{content}\n"))
    pin = _pins(snapshot, settings)[Name.PATCH_KUBE_PROXY]
    new = yaml.safe_load(pin.command.args["patches"][0]["patch"]["data"]["config.conf"])
    assert {key: new[key] for key in meant} == meant


def test_kube_proxy_in_a_dual_stack_keeps_a_family_without_a_cidr_as_it_is():
    both = _config_map("kind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16,fd00:244::/64\n")
    pin = _pins(_snapshot(V6_POOL, both), DUAL)[Name.PATCH_KUBE_PROXY]
    text = pin.command.args["patches"][0]["patch"]["data"]["config.conf"]
    assert yaml.safe_load(text)["clusterCIDR"] == "10.244.0.0/15,fd00:244::/31"
    one = _config_map(KUBE_PROXY)
    pin = _pins(_snapshot(V6_POOL, one), DUAL)[Name.PATCH_KUBE_PROXY]
    text = pin.command.args["patches"][0]["patch"]["data"]["config.conf"]
    assert yaml.safe_load(text)["clusterCIDR"] == "10.244.0.0/15"


@pytest.mark.parametrize(
    "content",
    [
        'kind: KubeProxyConfiguration\nclusterCIDR: ""\n',
        "kind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/15\n",
        "not: [a, config",
    ],
)
def test_kube_proxy_is_left_alone_where_nothing_is_wrong(content):
    assert Name.PATCH_KUBE_PROXY not in _pins(_snapshot(_config_map(content)))


def test_a_file_of_another_name_is_found_by_its_kind():
    eks = _config_map(KUBE_PROXY, "kube-proxy-config", "config")
    pin = _pins(_snapshot(eks, without=("ConfigMap/kube-proxy",)))[Name.PATCH_KUBE_PROXY]
    assert pin.command.args["patches"][0]["name"] == "kube-proxy-config"
    assert list(pin.command.args["patches"][0]["patch"]["data"]) == ["config"]


DAEMONS = {
    "systemd": 252,
    "networkd": {"active": True, "manage_foreign_routes": True, "manage_foreign_rules": False},
    "network_manager": {"active": True, "unmanaged": ["interface-name:cali*", "interface-name:tunl*"]},
    "rp_filter": {"all": 2, "default": 2},
    "rp_filter_files": [{"file": "/usr/lib/sysctl.d/50-default.conf", "interface": "*", "value": 2}],
}


def test_a_host_gets_the_files_that_its_daemons_ask_for():
    snapshot = _snapshot(facts={"wrk-1": DAEMONS, "wrk-2": {}})
    settings = Settings.from_mapping(clusters.settings())
    files = [p for p in pins(snapshot, settings, detect(snapshot)) if p.command.name is Name.HOST_DROP_IN]
    assert [p.command.node for p in files] == ["wrk-1"] * 3
    networkd, manager, sysctl = (p.command.args for p in files)
    assert networkd["path"].startswith("/etc/systemd/networkd.conf.d/")
    assert networkd["content"].splitlines()[1:] == ["[Network]", "ManageForeignRoutes=no"]
    assert "unmanaged-devices+=interface-name:cilium*;interface-name:lxc*" in manager["content"]
    assert "net.ipv4.conf.lxc*.rp_filter = 0" in sysctl["content"]
    assert sysctl["apply"] == [["sysctl", "-w", "net.ipv4.conf.all.rp_filter=0"]]
    for pin in files:
        assert "run {run}" in pin.command.args["content"].splitlines()[0]
        assert pin.undo.args["path"] == pin.command.args["path"]
    assert files[2].undo.args["apply"] == [["sysctl", "-w", "net.ipv4.conf.all.rp_filter=2"]]


def test_a_file_of_networkmanager_is_read_after_calicos():
    snapshot = _snapshot(facts={"wrk-1": DAEMONS})
    settings = Settings.from_mapping(clusters.settings())
    paths = [p.command.args.get("path", "") for p in pins(snapshot, settings, detect(snapshot))]
    (ours,) = (p for p in paths if p.startswith("/etc/NetworkManager/"))
    assert ours > "/etc/NetworkManager/conf.d/calico.conf"


def test_a_node_that_only_the_api_reaches_gets_no_file():
    snapshot = _snapshot(facts={"wrk-1": DAEMONS})
    assert Name.HOST_DROP_IN not in _pins(snapshot, None, **{"wrk-1": "api"})


def _host_endpoint(node: str, **spec: Any) -> dict[str, Any]:
    defaults = {
        "node": node,
        "interfaceName": "*",
        "expectedIPs": [clusters.NODES[node]],
        "profiles": ["projectcalico-default-allow"],
    }
    labels = {"kubernetes.io/hostname": node, "projectcalico.org/created-by": "calico-kube-controllers"}
    return clusters.thing(
        "HostEndpoint", f"{node}-auto-hep", api=clusters.CALICO, labels=labels, spec={**defaults, **spec}
    )


def _policy(name: str = "hosts", **spec: Any) -> dict[str, Any]:
    ssh = [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [22]}}]
    defaults: dict[str, Any] = {
        "selector": "has(projectcalico.org/created-by)",
        "types": ["Ingress"],
        "ingress": ssh,
    }
    return clusters.thing(
        "GlobalNetworkPolicy", f"default.{name}", api=clusters.CALICO, spec={**defaults, **spec}
    )


def _judged(snapshot: Snapshot, more: list[dict[str, Any]]) -> dict[tuple[str, str, int, int], Verdict]:
    """Give the verdict of flows between two hosts and towards a pod, over many ports."""
    policies = calico_policies(snapshot, detect(snapshot), more)
    evaluator = PointEvaluator(policies)
    world = policies.world
    found = {}
    hosts = world.host_endpoints
    for source in ("wrk-1", "wrk-2"):
        for target in ("wrk-1", "wrk-2"):
            if source == target:
                continue
            ends = [
                Peer(
                    PeerKind.HOST_ENDPOINT,
                    parse_address(clusters.NODES[n]),
                    host_endpoint=hosts[f"{n}-auto-hep"],
                )
                for n in (source, target)
            ]
            for protocol in (6, 17):
                for port in (22, 80, 4240, 4244, 8473, 9962, 9965, 10250):
                    verdict = evaluator.judge(Flow(ends[0], ends[1], protocol, port))
                    found[source, target, protocol, port] = verdict.verdict
    outside = Peer(PeerKind.WORLD, parse_address("203.0.113.9"))
    target = Peer(
        PeerKind.HOST_ENDPOINT, parse_address(clusters.NODES["wrk-1"]), host_endpoint=hosts["wrk-1-auto-hep"]
    )
    for port in (22, 80, 4240, 8473):
        found["outside", "wrk-1", 6, port] = evaluator.judge(Flow(outside, target, 6, port)).verdict
    return found


CILIUM_FLOWS = {(6, 4240), (6, 4244), (17, 8473), (6, 9962), (6, 9965)}


@pytest.mark.parametrize(
    "policies",
    [
        [_policy()],
        [
            _policy(order=5),
            _policy("deny", order=0, selector="all()", ingress=[{"action": "Deny", "protocol": "UDP"}]),
        ],
        [_policy(types=["Ingress", "Egress"], egress=[])],
        [
            clusters.thing("Tier", "platform", api=clusters.CALICO, spec={"order": 10}),
            _policy("platform", tier="platform"),
            _policy("more"),
        ],
    ],
)
def test_the_allowance_opens_ciliums_ports_between_nodes_and_changes_nothing_else(policies):
    snapshot = _snapshot(_host_endpoint("wrk-1"), _host_endpoint("wrk-2"), *policies)
    settings = Settings.from_mapping(clusters.settings())
    assert host_traffic(snapshot, settings, detect(snapshot)).drops
    found = allowance(snapshot, settings, detect(snapshot))
    assert found.left == ()
    before, after = _judged(snapshot, []), _judged(snapshot, list(found.objects))
    for key, verdict in after.items():
        if key[0] != "outside" and key[2:] in CILIUM_FLOWS:
            assert verdict is Verdict.ALLOW, key
        else:
            assert verdict is before[key], key


def test_the_allowance_selects_no_pod():
    snapshot = _snapshot(_host_endpoint("wrk-1"), _policy(selector="all()"))
    (policy,) = allowance(snapshot, Settings.from_mapping(clusters.settings()), detect(snapshot)).objects
    assert policy["spec"]["selector"] == "((all())) && !has(projectcalico.org/orchestrator)"
    assert policy["spec"]["types"] == ["Ingress"]


def test_the_allowance_writes_each_family_in_rules_of_its_own():
    nodes = [copy.deepcopy(o) for o in clusters.healthy() if o["kind"] == "Node"]
    for number, node in enumerate(nodes):
        node["status"]["addresses"].append({"type": "InternalIP", "address": f"fd00::{number + 1}"})
    snapshot = _snapshot(_host_endpoint("wrk-1", expectedIPs=[]), _policy(), *nodes)
    (policy,) = allowance(snapshot, Settings.from_mapping(clusters.settings()), detect(snapshot)).objects
    families = [{":" in net for net in rule["source"]["nets"]} for rule in policy["spec"]["ingress"]]
    assert families == [{False}] * 3 + [{True}] * 3
    kinds = [rule["protocol"] for rule in policy["spec"]["ingress"]]
    assert kinds == ["UDP", "TCP", "ICMP", "UDP", "TCP", "ICMPv6"]


def test_an_endpoint_that_only_profiles_close_is_left_and_named():
    snapshot = _snapshot(_host_endpoint("wrk-1", profiles=[]))
    found = allowance(snapshot, Settings.from_mapping(clusters.settings()), detect(snapshot))
    assert found.objects == ()
    assert {d.endpoint for d in found.left} == {"HostEndpoint/wrk-1-auto-hep"}
