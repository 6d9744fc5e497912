"""Whole migrations by the command line on a real control plane, with exactly the rights that ``c2c rbac`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import checker, nodes, workloads
from tests.controlplane.calico_install import POOL, Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.watcher import Watcher
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1200)]
SWITCH_S = 20.0
KEPT = frozenset({("namespaces", "", "c2c-system")})


def shop() -> list[Object]:
    """A shop with a budget, a StatefulSet, a DaemonSet and a bare pod's worth of trouble."""
    return [
        workloads.namespace("shop"),
        workloads.deployment("shop", "web", 6),
        workloads.budget("shop", "web", "web", minAvailable=4),
        workloads.stateful_set("shop", "db", 2),
        workloads.daemon_set("shop", "agent"),
    ]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """One control-plane node and three workers, one of them cordoned by a person."""
    with (
        ControlPlane(tmp_path / "plane", audited=True) as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(3, 1), shop()) as world,
    ):
        world.api.patch("/api/v1/nodes/wrk-03", {"spec": {"unschedulable": True}})
        yield world


def test_a_cluster_moves_and_goes_back(small: World, tmp_path: Path) -> None:
    """1+3 nodes to Cilium, then everything back: both ends are checked by what is no part of the product."""
    before = Snapshot.take(small.api)
    product = Product.of(small, tmp_path / "c2c")
    plan = product.plan()
    folders = {n.name: small.agent.record(n.name).conf_folder for n in small.nodes}
    with Watcher(small.api, folders) as watcher:
        done = product.run("apply", plan, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr[-5000:]
    now = Snapshot.take(small.api)
    checker.pods_are_on_cilium(now)
    checker.cordons_are_kept(before, now)
    checker.calico_is_whole(before, now)
    watcher.observed.check(SWITCH_S)
    back = product.run("rollback", "--all", "--yes", "-o", "json")
    assert back.returncode == 0, back.stderr[-5000:]
    now = Snapshot.take(small.api)
    checker.pods_are_in(now, [POOL])
    checker.cordons_are_kept(before, now)
    checker.calico_is_whole(before, now)
    assert not [k for k in now.objects if "cilium" in k[0]]
