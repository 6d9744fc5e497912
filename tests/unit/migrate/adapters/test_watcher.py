"""The watch of a live cluster, over a cluster that answers from memory as the API does."""

from __future__ import annotations

import pytest

from migrate.adapters import watcher
from migrate.adapters.watcher import KubeWatcher
from migrate.model.settings import Settings
from migrate.ports import Cluster
from migrate.simulator.build import world_of
from migrate.simulator.world import World
from tests import clusters
from tests.films import healthy_snapshot

NODE = "wrk-1"


@pytest.fixture
def world() -> World:
    return world_of(healthy_snapshot(), Settings.from_mapping(clusters.settings())).world


def cluster_of(world: World) -> Cluster:
    from migrate.simulator.api import SimCluster  # noqa: PLC0415  # the cluster that the adapter asks here

    return SimCluster(world)


def key_of(world: World, app: str) -> tuple[str, str]:
    return next(k for k in world.pods_at[NODE] if world.typed[k].labels.get("k8s-app") == app)


def test_a_start_of_calico_node_is_another_one_after_each_restart(world: World) -> None:
    watch = KubeWatcher(cluster_of(world))
    before = watch.daemons()[NODE]["calico"]
    assert before.ready
    world.of("pods")[key_of(world, "calico-node")]["status"]["containerStatuses"][0]["restartCount"] += 1
    after = watch.daemons()[NODE]["calico"]
    assert after.start != before.start


def test_an_agent_on_its_way_out_is_none(world: World) -> None:
    world.of("pods")[key_of(world, "calico-node")]["metadata"]["deletionTimestamp"] = "2026-01-05T20:00:00Z"
    assert "calico" not in KubeWatcher(cluster_of(world)).daemons().get(NODE, {})


@pytest.mark.parametrize("few", [0, 8])
def test_pods_of_the_network_come_with_their_endpoints_and_no_probe_of_ours(
    world: World, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "FEW", few)
    seen = KubeWatcher(cluster_of(world)).networked([NODE])[NODE]
    assert {s.pod.node for s in seen} == {NODE}
    assert not any(s.pod.host_network for s in seen)
    first, second = seen[0].pod, seen[1].pod
    world.put(
        "ciliumendpoints.cilium.io",
        {"metadata": {"namespace": first.namespace, "name": first.name}, "status": {"state": "ready"}},
    )
    world.of("pods")[second.namespace, second.name]["metadata"]["labels"]["c2c/owned"] = "true"
    again = {s.pod.label: s.endpoint for s in KubeWatcher(cluster_of(world)).networked([NODE])[NODE]}
    assert again[first.label] == "ready"
    assert second.label not in again
