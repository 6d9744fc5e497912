"""A run in a Job: the real API server takes its objects, and the Job's own words move the cluster as its account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import checker, nodes, workloads
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(900)]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """One control-plane node and two workers with a Deployment."""
    stuff = [workloads.namespace("shop"), workloads.deployment("shop", "web", 2)]
    with (
        ControlPlane(tmp_path / "plane", audited=True) as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(2, 1), stuff) as world,
    ):
        yield world


def test_a_job_takes_the_run_over_and_moves_the_cluster(small: World, tmp_path: Path) -> None:
    """The one who begins it may leave; the pod finds plan and state in the cluster; Events tell what befell the nodes."""
    product = Product.of(small, tmp_path / "c2c")
    plan = product.plan()
    admin = Product(small, tmp_path / "admin", small.plane.kubeconfig(), "", product.settings)
    admin.folder.mkdir()
    refused = admin.run("apply", plan, "--yes", "--in-cluster")
    assert refused.returncode == 2
    assert "--image" in refused.stderr
    begun = admin.run("apply", plan, "--yes", "--in-cluster", "--image", "registry.example/c2c:1")
    assert begun.returncode == 0, begun.stderr
    (job,) = small.api.items("/apis/batch/v1/namespaces/c2c-system/jobs")
    pod = job["spec"]["template"]["spec"]
    words = list(pod["containers"][0]["args"])
    assert pod["serviceAccountName"] == "c2c"
    words[words.index("--state-dir") + 1] = str(tmp_path / "pod")
    done = product.run(*words, "-o", "json")
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["status"] == "DONE"
    checker.pods_are_on_cilium(Snapshot.take(small.api))
    events = [
        e
        for e in small.api.items("/api/v1/namespaces/default/events")
        if e["source"].get("component") == "c2c"
    ]
    told = {(e["involvedObject"]["name"], e["reason"]) for e in events}
    assert {(n.name, "MigrationDone") for n in small.nodes} <= told
    assert {e["type"] for e in events} == {"Normal"}
    again = product.run(*words)
    assert again.returncode in {0, 2, 3}, "a pod that comes late finds a run that is over"
