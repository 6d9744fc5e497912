"""Large clusters, moved whole by ``c2c apply``: fifty nodes always, two hundred with five thousand pods in ``make test-long``.

What they took is printed, and kept in ``docs`` where ``C2C_REWRITE=1`` asks for it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import capabilities
from tests.controlplane import scale
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import QUICK, Product
from tests.controlplane.scale import Size
from tests.controlplane.watcher import Watcher
from tests.controlplane.world import built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(7200)]
FIFTY = Size("50 nodes", workers=47, control=3, pool=8, parallel=6, replicas=24, within_s=1200)
HUNDREDS = Size("200 nodes", workers=197, control=3, pool=20, parallel=10, replicas=167, within_s=6000)
SIZES = [FIFTY, HUNDREDS] if capabilities.is_long() else [FIFTY]
MIB = 2**20
MOST_BYTES = 200 * MIB
MOST_REQUESTS = 600  # a node


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.slug)
def test_a_large_cluster_moves(size: Size, tmp_path: Path) -> None:
    """It ends as every other, within its time, its memory and its requests; a person's cordon stands through it."""
    install = Install(Kind.MANIFEST, writes_ipam=False)
    with (
        ControlPlane(tmp_path / "plane", audited=True, audited_user=scale.ACCOUNT) as plane,
        built(plane, install, size.nodes(), size.workloads(), within_s=size.within_s) as world,
    ):
        world.api.patch("/api/v1/nodes/wrk-03", {"spec": {"unschedulable": True}})
        product = Product.of(world, tmp_path / "c2c", waves={**QUICK["waves"], "parallel": size.parallel})
        before = Snapshot.take(world.api)
        plan, planning = scale.planned(product, size.within_s)
        folders = {n.name: world.agent.record(n.name).conf_folder for n in world.nodes}
        with Watcher(world.api, folders) as watcher:
            taken = scale.carried_out(product, plan, plane.audit_log, size.within_s)
        end = scale.ended_well(before, Snapshot.take(world.api), watcher.observed)
    scale.keep(size, {"plan": planning, **taken, "end": end})
    assert taken["requests"]["all"] / (size.workers + size.control) <= MOST_REQUESTS, taken["requests"]
    assert max(taken["peak_rss_bytes"], planning["peak_rss_bytes"]) <= MOST_BYTES
