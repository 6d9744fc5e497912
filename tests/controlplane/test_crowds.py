"""A busy cluster, moved whole: three control-plane nodes and ten workers with everything that makes drains hard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane import busy, checker, nodes
from tests.controlplane.admission import Admission
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.watcher import Watcher
from tests.controlplane.world import built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1500)]
SWITCH_S = 30.0


def test_a_busy_cluster_moves_and_keeps_its_budgets(tmp_path: Path) -> None:
    """Budgets, sets, a local volume, a bare pod, webhooks, and a node that a person had cordoned, which stays so."""
    with (
        Admission(tmp_path / "admission") as admission,
        ControlPlane(tmp_path / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(10, 3), busy.busy(admission.client)) as world,
    ):
        world.api.patch("/api/v1/nodes/wrk-03", {"spec": {"unschedulable": True}})
        product = Product.of(
            world,
            tmp_path / "c2c",
            waves={"canary": {"approval": False, "soak": "1s"}, "soak": "1s", "parallel": 2},
        )
        before = Snapshot.take(world.api)
        plan = product.plan(*(f"{key}={reason}" for key, reason in busy.ACCEPTED.items()))
        folders = {n.name: world.agent.record(n.name).conf_folder for n in world.nodes}
        with Watcher(world.api, folders) as watcher:
            done = product.run("apply", plan, "--yes", "-o", "json", timeout_s=1400)
        assert done.returncode == 0, done.stderr[-5000:]
        now = Snapshot.take(world.api)
        checker.pods_are_on_cilium(now)
        checker.cordons_are_kept(before, now)
        checker.calico_is_whole(before, now)
        watcher.observed.check(SWITCH_S)
        assert admission.asked["DELETE"] >= 3, "evictions of pods that the webhook guards"
