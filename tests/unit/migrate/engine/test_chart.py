"""The table of values and keys against what Cilium's own charts of four minors were measured to render."""

from __future__ import annotations

import pytest

from migrate.engine.chart import agent_default, meant_config, outside_domain, overridden_keys
from tests.charts import Measured, default_config, measured

MEASURED = measured()
MINORS = sorted({m.minor for m in MEASURED})
CONSEQUENCES = {
    "hubble-disable-tls", "hubble-listen-address", "hubble-socket-path", "hubble-tls-cert-file", "hubble-tls-key-file",
    "hubble-tls-client-ca-files", "hubble-network-policy-correlation-enabled", "hubble-export-file-max-backups",
    "hubble-export-file-max-size-mb", "dnsproxy-enable-transparent-mode", "enable-local-node-route",
    "enable-endpoint-health-checking", "cni-chaining-target", "read-cni-conf", "ipsec-key-file",
    "enable-ipsec-key-watcher", "ipsec-key-rotation-duration", "enable-ipsec-encrypted-overlay",
    "wireguard-persistent-keepalive",
}  # fmt: skip
"""Keys that come and go with Hubble as a whole, with encryption and with chaining; the table speaks of their causes."""


def of(name: str, minor: tuple[int, int]) -> Measured:
    return next(m for m in MEASURED if (m.name, m.minor) == (name, minor))


@pytest.mark.parametrize("case", MEASURED, ids=lambda m: f"{m.minor[1]}: {m.name}")
def test_every_key_that_is_meant_is_rendered_so(case: Measured) -> None:
    meant = meant_config(case.values, case.minor)
    assert {key: case.config.get(key) for key in meant} == meant


@pytest.mark.parametrize("case", MEASURED, ids=lambda m: f"{m.minor[1]}: {m.name}")
def test_every_key_that_values_change_is_meant(case: Measured) -> None:
    meant = meant_config(case.values, case.minor)
    assert set(case.changes) - set(meant) - CONSEQUENCES - {"enable-host-legacy-routing"} == set()


@pytest.mark.parametrize("minor", MINORS, ids=str)
def test_chaining_keeps_the_host_s_routing_without_being_told(minor: tuple[int, int]) -> None:
    assert of("chained with portmap", minor).config["enable-host-legacy-routing"] == "true"


@pytest.mark.parametrize("minor", MINORS, ids=str)
def test_a_custom_file_from_a_config_map_is_written_on_every_node(minor: tuple[int, int]) -> None:
    case = of("a custom CNI file from a ConfigMap", minor)
    written = meant_config(case.values, minor)["write-cni-conf-when-ready"]
    assert written == case.config["write-cni-conf-when-ready"]
    assert written is not None


@pytest.mark.parametrize("minor", MINORS, ids=str)
def test_what_a_chart_writes_by_itself_is_known_to_cilium(minor: tuple[int, int]) -> None:
    assert list(outside_domain(default_config(minor), minor)) == []


def test_words_that_cilium_does_not_know_are_named() -> None:
    case = of("values that Cilium does not know", (1, 20))
    assert [key for key, _, _ in outside_domain(case.config, case.minor)] == [
        "enable-policy",
        "policy-audit-mode",
        "routing-mode",
        "tunnel-protocol",
    ]


@pytest.mark.parametrize(("minor", "known"), [((1, 19), False), ((1, 20), True)])
def test_networks_match_pods_only_from_1_20_on(minor: tuple[int, int], known: bool) -> None:
    config = of("two match modes", minor).config
    assert (list(outside_domain(config, minor)) == []) is known


@pytest.mark.parametrize("minor", MINORS, ids=str)
def test_an_agent_s_default_stands_where_the_chart_is_silent(minor: tuple[int, int]) -> None:
    default = default_config(minor)
    for key in ("policy-default-local-cluster", "enable-policy", "enable-sctp", "kube-proxy-replacement"):
        assert default.get(key, agent_default(key, minor)) == agent_default(key, minor)


def test_selectors_are_of_the_own_cluster_only_from_1_19_on() -> None:
    assert [agent_default("policy-default-local-cluster", (1, m)) for m in (17, 18, 19, 20)] == [
        "false",
        "false",
        "true",
        "true",
    ]


def test_an_extra_key_that_the_chart_writes_too_is_written_twice() -> None:
    values = {"policyEnforcementMode": "never", "extraConfig": {"enable-policy": "always", "x": "y"}}
    assert overridden_keys(values, (1, 20)) == ["enable-policy"]
    assert meant_config(values, (1, 20))["enable-policy"] == "never"
    assert meant_config(values, (1, 20))["x"] == "y"
