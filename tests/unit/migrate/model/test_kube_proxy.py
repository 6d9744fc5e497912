"""Where kube-proxy's configuration stands, and which CIDR of it counts."""

from __future__ import annotations

from typing import Any

from migrate.model.kube_proxy import kube_proxies
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests import clusters

FILE = "kind: KubeProxyConfiguration\nmode: ipvs\nclusterCIDR: 10.244.0.0/16,fd00::/64,10.0.0.0/8\n"


def snapshot(*items: dict[str, Any]) -> Snapshot:
    builder = SnapshotBuilder()
    for item in items:
        builder.add(item)
    return builder.snapshot()


def config_map(name: str = "kube-proxy", **data: str) -> dict[str, Any]:
    return clusters.thing("ConfigMap", name, "kube-system", data=data)


def daemon(*words: str) -> dict[str, Any]:
    found = clusters.workload("DaemonSet", "kube-proxy", "kube-system", 3, {"k": "v"})
    found["spec"]["template"]["spec"]["containers"] = [{"name": "main", "command": list(words)}]
    return found


def test_of_each_family_the_first_cidr_counts() -> None:
    (found,) = kube_proxies(
        snapshot(config_map(**{"config.conf": FILE}), daemon("kube-proxy", "--config=/x"))
    )
    assert {family: str(net) for family, net in found.first.items()} == {4: "10.244.0.0/16", 6: "fd00::/64"}
    assert (found.source, found.key, found.mode, found.local) == (
        "ConfigMap/kube-system/kube-proxy", "config.conf", "ipvs", "ClusterCIDR",
    )  # fmt: skip


def test_a_command_line_without_a_file_outranks_a_config_map_that_is_left() -> None:
    (found,) = kube_proxies(
        snapshot(config_map(**{"config.conf": FILE}), daemon("kube-proxy", "--cluster-cidr=10.9.0.0/16"))
    )
    assert (found.source, found.key, found.cluster_cidr) == (
        "DaemonSet/kube-system/kube-proxy",
        "",
        "10.9.0.0/16",
    )


def test_the_file_is_known_by_its_kind_not_by_its_key() -> None:
    (found,) = kube_proxies(snapshot(config_map("kube-proxy-config", other="a: [", config=FILE)))
    assert (found.source, found.key) == ("ConfigMap/kube-system/kube-proxy-config", "config")


def test_nothing_that_shows_is_nothing_to_say() -> None:
    assert kube_proxies(snapshot()) == []
    assert kube_proxies(snapshot(config_map(x="kind: Other"))) == []
