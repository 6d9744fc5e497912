"""Which way of finding a node's address could choose Cilium's device, and which one P2 would set."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.autodetection import Detection, detections, is_safe, must_pin, planned
from migrate.model.addresses import networks
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from migrate.model.variant import Variant
from tests import clusters

RANGES = networks([clusters.NEW_RANGE, "fd00:245::/104"])
DUAL = Variant(families=(4, 6))


def settings(autodetection: Any = "auto") -> Settings:
    return Settings.from_mapping({**clusters.settings(), "calico": {"autodetection": autodetection}})


def snapshot(*items: dict[str, Any]) -> Snapshot:
    builder = SnapshotBuilder()
    for item in items:
        builder.add(item)
    return builder.snapshot()


def agent(*env: dict[str, Any]) -> dict[str, Any]:
    found = clusters.workload("DaemonSet", "calico-node", "kube-system", 3, {"k": "v"})
    found["spec"]["template"]["spec"]["containers"] = [{"name": "calico-node", "env": list(env)}]
    return found


def variable(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("method", "safe"),
    [
        ("first-found", False),
        ("", False),
        ("kubernetes-internal-ip", True),
        ("skip-interface=cilium.*", True),
        ("skip-interface=docker.*,cil", True),
        ("skip-interface=cilium_net", False),
        ("skip-interface=", False),
        ("skip-interface=(", False),
        ("interface=eth.*|bond", True),
        ("interface=.*", False),
        ("interface=host", False),
        ("cidr=10.0.0.0/24,192.168.0.0/16", True),
        ("cidr=10.0.0.0/8", False),
        ("cidr=fd00::/16", False),
        ("can-reach=8.8.8.8", False),
        ("something-new=x", False),
    ],
)
def test_a_method_is_safe_if_it_can_never_choose_ciliums_device(method: str, safe: bool) -> None:
    assert is_safe(method, RANGES, settings()) is safe


def test_can_reach_counts_where_the_configuration_names_it() -> None:
    assert is_safe("can-reach=8.8.8.8", RANGES, settings({"canReach": "8.8.8.8"}))
    assert not is_safe("can-reach=8.8.8.8", RANGES, settings({"canReach": "1.1.1.1"}))


@pytest.mark.parametrize(
    ("field", "method"),
    [
        ({"kubernetes": "NodeInternalIP"}, "kubernetes-internal-ip"),
        ({"interface": "eth0"}, "interface=eth0"),
        ({"skipInterface": "cil.*"}, "skip-interface=cil.*"),
        ({"canReach": "10.0.0.1"}, "can-reach=10.0.0.1"),
        ({"cidrs": ["10.0.0.0/24", "10.1.0.0/24"]}, "cidr=10.0.0.0/24,10.1.0.0/24"),
        ({"firstFound": True}, "first-found"),
        ({}, "first-found"),
    ],
)
def test_an_installation_is_read_and_outranks_the_daemonset(field: dict[str, Any], method: str) -> None:
    spec = {"calicoNetwork": {"nodeAddressAutodetectionV4": field}}
    installation = clusters.thing("Installation", "default", api="operator.tigera.io/v1", spec=spec)
    found = detections(
        snapshot(installation, agent(variable("IP_AUTODETECTION_METHOD", "interface=x"))), DUAL
    )
    assert found == [
        Detection(4, method, "Installation/default"),
        Detection(6, "first-found", "Installation/default"),
    ]


@pytest.mark.parametrize(
    ("env", "methods"),
    [
        ([], {4: "first-found"}),
        ([variable("IP", "autodetect"), variable("IP6", "autodetect")], {4: "first-found", 6: "first-found"}),
        ([variable("IP_AUTODETECTION_METHOD", "interface=eth0")], {4: "interface=eth0"}),
        ([variable("IP", "10.0.0.11"), variable("IP6", "none")], {}),
        ([variable("IP", "none"), variable("IP6", "autodetect")], {6: "first-found"}),
        ([{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}], {}),
        ([variable("CALICO_NETWORKING_BACKEND", "none")], {}),
    ],
)
def test_a_manifest_looks_for_an_address_unless_one_is_given_or_none_is_wanted(
    env: list[dict[str, Any]], methods: dict[int, str]
) -> None:
    found = detections(snapshot(agent(*env)), DUAL)
    assert {d.family: d.method for d in found} == methods


def test_without_an_agent_nothing_is_detected() -> None:
    assert detections(snapshot(), DUAL) == []


@pytest.mark.parametrize(
    ("wanted", "four", "six"),
    [
        ("auto", "kubernetes-internal-ip", "kubernetes-internal-ip"),
        ({"skipInterface": "cil"}, "skip-interface=cil", "skip-interface=cil"),
        ({"canReach": "a"}, "can-reach=a", "can-reach=a"),
        (
            {"cidrs": ["10.0.0.0/24", "fd00::/64", "10.1.0.0/24"]},
            "cidr=10.0.0.0/24,10.1.0.0/24",
            "cidr=fd00::/64",
        ),
        ({"cidrs": ["10.0.0.0/24"]}, "cidr=10.0.0.0/24", ""),
    ],
)
def test_the_configuration_says_which_method_is_set(wanted: Any, four: str, six: str) -> None:
    assert (planned(settings(wanted), 4), planned(settings(wanted), 6)) == (four, six)


@pytest.mark.parametrize(
    ("method", "wanted", "must"),
    [
        ("first-found", "auto", True),
        ("kubernetes-internal-ip", "auto", False),
        ("interface=eth0", "auto", False),
        ("interface=eth0", {"skipInterface": "cil"}, True),
        ("skip-interface=cil", {"skipInterface": "cil"}, False),
    ],
)
def test_what_is_safe_stays_unless_the_configuration_asks(method: str, wanted: Any, must: bool) -> None:
    assert must_pin(Detection(4, method, "x"), settings(wanted)) is must


def test_a_family_without_a_planned_method_is_left_alone() -> None:
    assert not must_pin(Detection(6, "first-found", "x"), settings({"cidrs": ["10.0.0.0/24"]}))
