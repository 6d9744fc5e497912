"""The values of the stages, row by row as ``procedure.md`` §4.1 gives them, and what they become in the ConfigMap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrate.engine.chart import meant_config, outside_domain
from migrate.engine.stages import masquerade_exclusion, merged, stage_values, without_effect
from migrate.model.draft import Stage
from migrate.model.fields import at
from migrate.model.settings import Settings
from migrate.model.variant import Variant
from tests import clusters
from tests.charts import default_config, measured

M, A, F = Stage.MIGRATION, Stage.AUDIT, Stage.FINAL
POOLS = (clusters.POOL,)
DUAL = Variant(families=(4, 6))


def settings(version: str = "1.20.2", values: dict[str, Any] | None = None, **more: Any) -> Settings:
    data = {**clusters.settings(), **more}
    data["cilium"] = {**data["cilium"], "version": version, **more.get("cilium", {})}
    return Settings.from_mapping(data, values)


def values_of(stage: Stage, given: Settings | None = None, variant: Variant | None = None) -> dict[str, Any]:
    return stage_values(stage, given or settings(), variant or Variant(), POOLS, nodes=4)


def config_of(stage: Stage, given: Settings) -> dict[str, str | None]:
    return dict(meant_config(values_of(stage, given), given.cilium.minor))


ROWS: list[tuple[str, Any, Any, Any]] = [
    ("operator.unmanagedPodWatcher.restart", False, True, True),
    ("routingMode", "tunnel", "tunnel", "tunnel"),
    ("tunnelProtocol", "vxlan", "vxlan", "vxlan"),
    ("tunnelPort", 8473, 8473, 8473),
    ("cni.customConf", True, False, False),
    ("cni.install", True, True, True),
    ("cni.uninstall", False, False, False),
    ("cni.exclusive", None, None, None),
    ("cni.chainingMode", None, None, None),
    ("ipam.mode", "cluster-pool", "cluster-pool", "cluster-pool"),
    ("ipam.operator.clusterPoolIPv4PodCIDRList", *[[clusters.NEW_RANGE]] * 3),
    ("ipam.operator.clusterPoolIPv4MaskSize", 24, 24, 24),
    ("ipv6.enabled", False, False, False),
    ("policyEnforcementMode", "never", "default", "default"),
    ("policyAuditMode", None, True, False),
    ("clustermesh.policyDefaultLocalCluster", True, True, True),
    ("bpf.hostLegacyRouting", True, True, True),
    ("kubeProxyReplacement", False, False, False),
    ("hubble.enabled", True, True, True),
    ("hubble.relay.enabled", True, True, True),
    ("hubble.metrics.enabled", *[["drop", "flow", "policy", "dns", "tcp", "port-distribution"]] * 3),
    ("hubble.eventBufferCapacity", "16383", "16383", "16383"),
    ("ipv4NativeRoutingCIDR", clusters.POOL, clusters.POOL, clusters.POOL),
    ("encryption", None, None, None),
    ("MTU", None, None, None),
    ("operator.replicas", 2, 2, 2),
    ("operator.skipCRDCreation", False, False, False),
    ("rollOutCiliumPods", False, False, False),
]


@pytest.mark.parametrize(("path", "m", "a", "f"), ROWS, ids=[row[0] for row in ROWS])
def test_a_value_has_in_each_stage_what_the_procedure_says(path: str, m: Any, a: Any, f: Any) -> None:
    assert [at(values_of(stage), *path.split(".")) for stage in (M, A, F)] == [m, a, f]


@pytest.mark.parametrize("stage", Stage, ids=str)
def test_the_charts_were_measured_with_these_very_values(stage: Stage) -> None:
    case = next(m for m in measured() if m.name == f"stage {stage}")
    assert case.values == values_of(stage)


@pytest.mark.parametrize("minor", [17, 18, 19, 20])
def test_from_migration_to_audit_exactly_the_named_keys_change(minor: int) -> None:
    given = settings(f"1.{minor}.2")
    before, after = config_of(M, given), config_of(A, given)
    changed = {key: after[key] for key in after if before[key] != after[key]}
    assert set(before) == set(after)
    assert changed == {
        "custom-cni-conf": "false",
        "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
        "cni-exclusive": "true",
        "cni-log-file": "/var/run/cilium/cilium-cni.log",
        "enable-policy": "default",
        "policy-audit-mode": "true",
        "unmanaged-pod-watcher-interval": "15s" if minor >= 19 else "15",
    }


def test_from_audit_to_final_only_the_audit_ends() -> None:
    before, after = config_of(A, settings()), config_of(F, settings())
    assert {key: after[key] for key in after if before[key] != after[key]} == {"policy-audit-mode": "false"}


@pytest.mark.parametrize("name", ["stage M", "stage A", "stage F"])
@pytest.mark.parametrize("minor", [17, 18, 19, 20])
def test_the_whole_config_map_is_the_meant_keys_over_the_chart_s_own(name: str, minor: int) -> None:
    """procedure.md §4.4: every planned key as planned, every other key as the chart has it by default."""
    stage = Stage(name[-1])
    case = next(m for m in measured() if (m.name, m.minor) == (name, (1, minor)))
    meant = config_of(stage, settings(f"1.{minor}.0"))
    expected = {k: v for k, v in {**default_config((1, minor)), **meant}.items() if v is not None}
    assert case.config == expected


@pytest.mark.parametrize("minor", [17, 18, 19, 20])
def test_only_with_the_watcher_may_the_operator_delete_pods(minor: int) -> None:
    verbs = {m.name: m.pod_verbs for m in measured() if m.minor == (1, minor)}
    assert "delete" not in verbs["stage M"]
    assert "delete" in verbs["stage A"]


@pytest.mark.parametrize("stage", Stage, ids=str)
@pytest.mark.parametrize("minor", [16, 17, 18, 19, 20])
def test_every_value_of_every_stage_is_one_that_cilium_knows(stage: Stage, minor: int) -> None:
    config = {k: v for k, v in config_of(stage, settings(f"1.{minor}.0")).items() if v is not None}
    assert list(outside_domain(config, (1, minor))) == []


@pytest.mark.parametrize("stage", [A, F], ids=str)
def test_bridged_never_audits(stage: Stage) -> None:
    given = settings(policyInWindow="bridged")
    assert values_of(stage, given)["policyAuditMode"] is False
    assert values_of(M, given)["policyEnforcementMode"] == "never"


def test_before_1_18_nothing_is_written_that_the_chart_does_not_know() -> None:
    assert "clustermesh" not in values_of(M, settings("1.17.14"))


@pytest.mark.parametrize(
    "values",
    [
        {"tunnelProtocol": "geneve"},
        {"hubble": {"eventBufferCapacity": "32767"}},
        {"hubble": {"metrics": {"enabled": ["drop", "httpV2"]}}},
        {"operator": {"replicas": 3}},
        {"clustermesh": {"policyDefaultLocalCluster": False}},
        {"ipv4NativeRoutingCIDR": "10.0.0.0/8"},
        {"MTU": 1400},
        {"cni": {"binPath": "/var/lib/rancher/k3s/data/cni", "exclusive": False}},
        {"encryption": {"enabled": True}},
        {"image": {"repository": "registry.example/cilium"}},
    ],
    ids=lambda v: next(iter(v)),
)
def test_the_user_s_value_stands(values: dict[str, Any]) -> None:
    for stage in Stage:
        assert without_effect(values, values_of(stage, settings(values=values))) == []


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"routingMode": "native"}, "routingMode"),
        ({"kubeProxyReplacement": True}, "kubeProxyReplacement"),
        ({"cni": {"customConf": False, "uninstall": True}}, "cni.uninstall"),
        ({"ipam": {"mode": "kubernetes"}}, "ipam.mode"),
        ({"policyEnforcementMode": "always"}, "policyEnforcementMode"),
        ({"bpf": {"hostLegacyRouting": False, "masquerade": True}}, "bpf.hostLegacyRouting"),
        ({"rollOutCiliumPods": True}, "rollOutCiliumPods"),
        ({"operator": {"unmanagedPodWatcher": {"restart": True}}}, "operator.unmanagedPodWatcher.restart"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_value_that_the_migration_stands_on_is_not_the_user_s_to_change(
    values: dict[str, Any], path: str
) -> None:
    given = settings(values=values)
    assert path in [p for p, _, _ in without_effect(values, values_of(M, given))]
    assert values_of(M, given)["bpf"]["hostLegacyRouting"] is True


def test_the_user_s_audit_mode_is_left_out_of_the_migration_s_stage() -> None:
    given = settings(values={"policyAuditMode": False})
    assert "policyAuditMode" not in values_of(M, given)
    assert config_of(M, given)["policy-audit-mode"] is None


def test_with_multus_no_file_is_renamed() -> None:
    for stage in Stage:
        assert values_of(stage, variant=Variant(extras=("multus",)))["cni"]["exclusive"] is False


def test_families_are_the_cluster_s() -> None:
    data = {"cilium": {"podCIDRs": [clusters.NEW_RANGE, "fd00:10:245::/104"]}}
    found = values_of(M, settings(**data), DUAL)
    assert found["ipv6"] == {"enabled": True}
    assert found["ipam"]["operator"]["clusterPoolIPv6PodCIDRList"] == ["fd00:10:245::/104"]
    assert values_of(M, settings(**data))["ipam"]["operator"] == {
        "clusterPoolIPv4PodCIDRList": [clusters.NEW_RANGE],
        "clusterPoolIPv4MaskSize": 24,
    }


@pytest.mark.parametrize(("nodes", "replicas"), [(0, 1), (1, 1), (2, 2), (50, 2)])
def test_two_operators_need_two_nodes(nodes: int, replicas: int) -> None:
    found = stage_values(M, settings(), Variant(), POOLS, nodes=nodes)
    assert found["operator"]["replicas"] == replicas


EXCLUSIONS = [
    (("10.244.0.0/16",), None, "10.244.0.0/16"),
    (("10.244.0.0/17", "10.244.128.0/17"), None, "10.244.0.0/16"),
    (("10.244.0.0/16", "10.247.0.0/16"), None, "10.244.0.0/16"),
    (("10.244.0.0/16", "10.247.0.0/16"), ["10.8.0.0/16"], "10.244.0.0/14"),
    (("10.244.0.0/16", "10.247.0.0/16"), ["10.246.0.0/24"], "10.244.0.0/16"),
    (("10.244.0.0/16", "192.168.0.0/16"), [], "10.244.0.0/16"),
    (("10.244.0.0/20", "10.240.0.0/16"), None, "10.240.0.0/16"),
    (("10.244.0.0/16",), [], "10.244.0.0/16"),
    (("fd00::/64", "no network"), None, None),
    ((), None, None),
]


@pytest.mark.parametrize(("pools", "external", "network"), EXCLUSIONS)
def test_nobody_else_loses_masquerade(
    pools: tuple[str, ...], external: list[str] | None, network: str | None
) -> None:
    given = replace(settings(), external_cidrs=None if external is None else tuple(external))
    found = masquerade_exclusion(pools, given, 4)
    assert (str(found) if found else None) == network


def test_the_new_range_may_fill_the_gap_beside_a_pool() -> None:
    given = replace(settings(), external_cidrs=None)
    assert str(masquerade_exclusion(("10.244.0.0/16",), given, 4)) == "10.244.0.0/16"
    filled = masquerade_exclusion(("10.244.0.0/16", "10.246.0.0/15"), given, 4)
    assert str(filled) == "10.244.0.0/14"


def test_layers_merge_as_helm_merges_files() -> None:
    below, above = {"a": {"b": 1, "c": [1, 2]}, "d": 4}, {"a": {"c": [3]}, "d": {"e": 5}}
    assert merged(below, above) == {"a": {"b": 1, "c": [3]}, "d": {"e": 5}}


@pytest.mark.parametrize("stage", Stage)
def test_pods_with_ports_of_their_node_chain_portmap_in_every_stage_unless_the_user_says_otherwise(stage):
    asking = Variant(extras=("host-ports",))
    assert at(values_of(stage, variant=asking), "cni", "chainingMode") == "portmap"
    chosen = values_of(stage, settings(values={"cni": {"chainingMode": "none"}}), asking)
    assert at(chosen, "cni", "chainingMode") == "none"
    assert at(chosen, "cni", "uninstall") is False
