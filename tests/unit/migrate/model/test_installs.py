"""What flannel says of itself in a Canal cluster; the methods themselves are told apart in ``test_variant``."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.drafting import calico_pools, draft
from migrate.model.installs import flannel_network, flannel_port
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests import clusters


def canal(net_conf: str, name: str = "canal-config") -> Snapshot:
    builder = SnapshotBuilder()
    builder.add(clusters.workload("DaemonSet", "canal", "kube-system", 3, {"k8s-app": "canal"}))
    builder.add(clusters.thing("ConfigMap", name, "kube-system", data={"net-conf.json": net_conf}))
    return builder.snapshot()


@pytest.mark.parametrize(
    ("net_conf", "networks", "port"),
    [
        ('{"Network": "10.42.0.0/16", "Backend": {"Type": "vxlan"}}', ("10.42.0.0/16",), 8472),
        (
            '{"Network": "10.42.0.0/16", "IPv6Network": "fd00::/56", "Backend": {"Port": 4789}}',
            ("10.42.0.0/16", "fd00::/56"),
            4789,
        ),
        ("no json", (), 8472),
        ("[]", (), 8472),
    ],
)
def test_flannels_own_words_are_read(net_conf: str, networks: tuple[str, ...], port: int) -> None:
    found = canal(net_conf)
    assert flannel_network(found) == networks
    assert flannel_port(found) == port


def test_flannels_range_counts_as_a_pool_of_the_old_side() -> None:
    assert calico_pools(canal('{"Network": "10.42.0.0/16"}')) == ("10.42.0.0/16",)


def test_a_config_map_of_flannel_without_flannel_says_nothing() -> None:
    builder = SnapshotBuilder()
    builder.add(
        clusters.thing(
            "ConfigMap",
            "kube-flannel-cfg",
            "kube-system",
            data={"net-conf.json": '{"Network": "10.42.0.0/16"}'},
        )
    )
    assert flannel_network(builder.snapshot()) == ()


@pytest.mark.parametrize(("chosen", "method"), [("auto", "canal"), ("manifest", "manifest")])
def test_a_method_that_was_set_by_hand_counts(chosen: str, method: str) -> None:
    configuration: dict[str, Any] = {**clusters.settings(), "calico": {"variant": chosen}}
    made = draft(canal("{}"), Settings.from_mapping(configuration))
    assert made.variant.install == method
