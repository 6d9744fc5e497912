"""The contract between values and ``cilium-config``, row by row and per Cilium version, as Helm renders it.

``cilium-small`` must meet it, and so must a genuine chart that ``C2C_TEST_CHART`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.adapters.helm import Chart, HelmCharts
from tests import capabilities
from tests.controlplane import charts
from tests.controlplane.charts import AUDIT, MIGRATION, VERSIONS, Helm
from tests.controlplane.client import Object

pytestmark = pytest.mark.needs("helm")
ABSENT = None
VERSIONS_HERE = ("given",) if charts.is_genuine() else VERSIONS


@dataclass(frozen=True)
class Row:
    """What a value does to ``cilium-config``; a key whose value is None must not be there."""

    name: str
    values: Mapping[str, Any]
    keys: Mapping[str, str | None]


CUSTOM = {"write-cni-conf-when-ready": ABSENT, "cni-exclusive": ABSENT, "cni-log-file": ABSENT}
METRICS = {"hubble": {"metrics": {"enabled": ["drop", "flow", "policy", "dns", "tcp"]}}}
UNCHANGED = {
    "routingMode": "tunnel",
    "tunnelProtocol": "vxlan",
    "kubeProxyReplacement": False,
    "cni": {"uninstall": False},
    "ipam": {"mode": "cluster-pool", "operator": {"clusterPoolIPv4MaskSize": 24}},
    "hubble": {"enabled": True},
}
ROWS = (
    Row(
        "watcher off",
        {"operator": {"unmanagedPodWatcher": {"restart": False}}},
        {"unmanaged-pod-watcher-interval": "0"},
    ),
    Row("tunnel port", {"tunnelPort": 8473}, {"tunnel-port": "8473"}),
    Row("custom conf", {"cni": {"customConf": True}}, {"custom-cni-conf": "true", **CUSTOM}),
    Row(
        "pool",
        {"ipam": {"operator": {"clusterPoolIPv4PodCIDRList": ["10.245.0.0/16"]}}},
        {"cluster-pool-ipv4-cidr": "10.245.0.0/16"},
    ),
    Row("enforcement never", {"policyEnforcementMode": "never"}, {"enable-policy": "never"}),
    Row("audit on", {"policyAuditMode": True}, {"policy-audit-mode": "true"}),
    Row("audit off is written too", {"policyAuditMode": False}, {"policy-audit-mode": "false"}),
    Row("legacy routing", {"bpf": {"hostLegacyRouting": True}}, {"enable-host-legacy-routing": "true"}),
    Row(
        "hubble metrics",
        METRICS,
        {
            "hubble-metrics": "drop flow policy dns tcp",
            "hubble-metrics-server": ":9965",
            "hubble-metrics-server-enable-tls": "false",
            "enable-hubble-open-metrics": "false",
        },
    ),
    Row("no creation of kinds", {"operator": {"skipCRDCreation": True}}, {"skip-crd-creation": "true"}),
    Row("uninstall", {"cni": {"uninstall": True}}, {"cni-uninstall": "true"}),
    Row("chaining", {"cni": {"chainingMode": "portmap"}}, {"cni-chaining-mode": "portmap"}),
    Row("no chaining", {"cni": {"chainingMode": "none"}}, {}),
    Row("equal to the defaults", UNCHANGED, {}),
)
DEFAULTS = {
    "tunnel-port": ABSENT,
    "custom-cni-conf": "false",
    "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
    "cni-exclusive": "true",
    "cni-log-file": "/var/run/cilium/cilium-cni.log",
    "cni-uninstall": ABSENT,
    "cni-chaining-mode": ABSENT,
    "cluster-pool-ipv4-cidr": "10.0.0.0/8",
    "cluster-pool-ipv4-mask-size": "24",
    "enable-policy": "default",
    "policy-audit-mode": ABSENT,
    "enable-host-legacy-routing": ABSENT,
    "hubble-metrics": ABSENT,
    "hubble-metrics-server": ABSENT,
    "ipam": "cluster-pool",
    "routing-mode": "tunnel",
    "tunnel-protocol": "vxlan",
    "kube-proxy-replacement": "false",
    "skip-crd-creation": ABSENT,
    "policy-default-local-cluster": "true",
}


class Renderer:
    """Renders without a cluster, and keeps what the default values give."""

    def __init__(self, folder: Path) -> None:
        self.helm, self.folder = Helm(folder / "none", folder), folder
        self._defaults: dict[str, dict[str, str]] = {}

    def objects(self, version: str, values: Mapping[str, Any]) -> list[Object]:
        path = charts.chart(self.folder, version if version in VERSIONS else VERSIONS[-1])
        file = charts.values(self.folder, "values", values)
        done = self.helm.run("template", charts.RELEASE, path, "--values", file)
        assert done.returncode == 0, done.stderr
        return [obj for obj in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if obj]

    def config(self, version: str, values: Mapping[str, Any]) -> dict[str, str]:
        return config_of(self.objects(version, values))

    def defaults(self, version: str) -> dict[str, str]:
        if version not in self._defaults:
            self._defaults[version] = self.config(version, {})
        return self._defaults[version]


def config_of(objects: list[Object]) -> dict[str, str]:
    [found] = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "cilium-config"]
    return dict(found["data"])


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """Give the keys that differ with their new values, None where they are gone."""
    return {key: after.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tmp_path_factory.mktemp("charts"))


@pytest.mark.parametrize("version", VERSIONS_HERE)
def test_the_defaults_are_those_of_the_contract(renderer: Renderer, version: str) -> None:
    found = renderer.defaults(version)
    assert {key: found.get(key) for key in DEFAULTS} == DEFAULTS
    assert found["unmanaged-pod-watcher-interval"] == ("15" if version.startswith("1.18") else "15s")
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("version", VERSIONS_HERE if capabilities.is_long() else VERSIONS_HERE[-1:])
def test_a_value_changes_its_keys_and_nothing_else(renderer: Renderer, version: str, row: Row) -> None:
    assert changes(renderer.defaults(version), renderer.config(version, row.values)) == dict(row.keys)


@pytest.mark.parametrize("version", VERSIONS_HERE)
def test_the_watcher_is_a_right_of_the_operator_as_well(renderer: Renderer, version: str) -> None:
    verbs = {}
    for restart in (True, False):
        objects = renderer.objects(version, {"operator": {"unmanagedPodWatcher": {"restart": restart}}})
        [role] = [
            o for o in objects if o["kind"] == "ClusterRole" and o["metadata"]["name"] == "cilium-operator"
        ]
        verbs[restart] = {
            verb for rule in role["rules"] if "pods" in rule["resources"] for verb in rule["verbs"]
        }
    assert verbs[True] - verbs[False] == {"delete"}


@pytest.mark.parametrize("version", VERSIONS_HERE)
def test_the_relay_is_a_deployment_a_service_and_a_client_certificate(
    renderer: Renderer, version: str
) -> None:
    plain = {(o["kind"], o["metadata"]["name"]) for o in renderer.objects(version, {})}
    with_relay = {
        (o["kind"], o["metadata"]["name"])
        for o in renderer.objects(version, {"hubble": {"relay": {"enabled": True}}})
    }
    added = with_relay - plain
    wanted = {
        ("Deployment", "hubble-relay"),
        ("Service", "hubble-relay"),
        ("Secret", "hubble-relay-client-certs"),
    }
    assert wanted <= added
    assert not plain - with_relay


@pytest.mark.parametrize("version", VERSIONS_HERE)
def test_the_audit_stage_changes_seven_keys_and_one_right(renderer: Renderer, version: str) -> None:
    audit = merged(MIGRATION, AUDIT)
    before, after = renderer.objects(version, MIGRATION), renderer.objects(version, audit)
    assert changes(config_of(before), config_of(after)) == {
        "custom-cni-conf": "false",
        "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
        "cni-exclusive": "true",
        "cni-log-file": "/var/run/cilium/cilium-cni.log",
        "enable-policy": "default",
        "policy-audit-mode": "true",
        "unmanaged-pod-watcher-interval": "15" if version.startswith("1.18") else "15s",
    }
    differing = {
        (a["kind"], a["metadata"]["name"])
        for a, b in zip(before, after, strict=True)
        if a != b and a["kind"] != "Secret"
    }
    assert differing == {("ConfigMap", "cilium-config"), ("ClusterRole", "cilium-operator")}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge values as Helm does with several files."""
    found = dict(base)
    for key, value in over.items():
        nested = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if nested else value
    return found


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kubeProxyReplacement": "strict"}, "kubeProxyReplacement"),
        ({"tunnel": "vxlan"}, "tunnel"),
        ({"tunnelPort": "not a number"}, "tunnelPort"),
        ({"cni": {"customConf": "yes"}}, "customConf"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_chart_refuses(renderer: Renderer, values: Mapping[str, Any], reason: str) -> None:
    file = charts.values(renderer.folder, "refused", values)
    done = renderer.helm.run("template", charts.RELEASE, charts.chart(renderer.folder), "--values", file)
    assert done.returncode != 0
    assert reason in done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"bogus": {"key": 1}},
        {"cni": {"bogus": 1}},
        {"routingMode": "bogus"},
        {"tunnelProtocol": "gre"},
        {"policyEnforcementMode": "bogus"},
        {"ipam": {"mode": "bogus"}},
        {"policyAuditMode": "yes"},
    ],
    ids=str,
)
def test_unknown_values_and_wrong_words_are_taken_in_silence(
    renderer: Renderer, values: Mapping[str, Any]
) -> None:
    file = charts.values(renderer.folder, "silent", values)
    done = renderer.helm.run("template", charts.RELEASE, charts.chart(renderer.folder), "--values", file)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_adapter_names_what_the_chart_does_not_read_and_nothing_of_the_stages(renderer: Renderer) -> None:
    """Three values of the stages stand in the chart's file as comments only: read where they are given."""
    known = HelmCharts(
        Chart(str(charts.chart(renderer.folder)), "1.20.2"), binary=str(capabilities.binary("helm"))
    )
    given = merged(merged(charts.MIGRATION, charts.AUDIT), {"bogus": 1, "cni": {"bogus": 1}})
    assert set(known.render(given).unknown_values) == {"cni.bogus", "bogus"}
