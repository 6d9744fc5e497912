"""Preflight against a real API server: it asks all that only a live server can say, and names what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import capabilities
from tests.controlplane import charts, nodes, workloads
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(600)]
PAUSED = 9


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """One control-plane node and two workers with a Deployment."""
    stuff = [workloads.namespace("shop"), workloads.deployment("shop", "web", 2)]
    with (
        ControlPlane(tmp_path / "plane", audited=True) as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(2, 1), stuff) as world,
    ):
        yield world


def judged(product: Product, *words: str) -> tuple[int, dict[str, Any]]:
    config = product.folder / "c2c.yaml"
    config.write_text(json.dumps(product.settings), encoding="utf-8")
    done = product.run("preflight", "--config", config, *words, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_everything_is_asked_and_refusals_of_admission_are_named(small: World, tmp_path: Path) -> None:
    """Nothing is left unknown; a webhook without a backend stops the migration before it begins."""
    product = Product.of(small, tmp_path / "c2c")
    code, report = judged(product, "--accept", "CP2110=nothing is cleaned up here")
    missing = {what for c in report["checks"] if c["outcome"] == "unknown" for what in c["missing"]}
    assert not {what for what in missing if not what.startswith("facts of node/")}
    stopping = [f for f in report["findings"] if f["severity"] not in {"warn", "info"} and not f["accepted"]]
    assert (code, [(f["code"], f["severity"], f["message"]) for f in stopping]) == (0, [])
    small.api.create(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "gone"},
            "webhooks": [
                {
                    "name": "gone.example.com",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "clientConfig": {"service": {"name": "gone", "namespace": "shop"}},
                    "rules": [
                        {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["daemonsets", "pods/eviction"],
                         "operations": ["CREATE"]},
                    ],
                }
            ],
        }
    )  # fmt: skip
    code, report = judged(product, "--accept", "CP2110=nothing is cleaned up here")
    named = {f["object"] for f in report["findings"] if f["code"] == "CP2171"}
    assert code == 3
    assert "DaemonSet/kube-system/cilium" in named
    assert any(name.startswith("Pod/shop/web-") for name in named)


def test_a_release_that_is_there_is_taken_over_only_with_our_values(small: World, tmp_path: Path) -> None:
    """Another's values would be reset by our next call; what is as we would have it is not installed again."""
    product = Product.of(small, tmp_path / "c2c")
    plan = json.loads(product.plan().read_text(encoding="utf-8"))
    theirs = small.values("theirs", {**charts.MIGRATION, "debug": {"enabled": True}})
    assert small.helm.install(small.chart, [theirs]).returncode == 0
    code, report = judged(product, "--select", "CP2192")
    assert (code, {c["outcome"] for c in report["checks"]}) == (3, {"found"})

    ours = small.values("ours", plan["cilium"]["stages"]["M"]["values"])
    assert small.helm.upgrade(small.chart, [ours], "--reset-values").returncode == 0
    code, report = judged(product, "--select", "CP2192")
    assert (code, {c["outcome"] for c in report["checks"]}) == (0, {"ok"})
    done = product.run("apply", product.plan("CP2014=this very release"), "--yes", "--until", "P3")
    assert done.returncode == PAUSED, done.stderr[-3000:]
    assert small.helm.history() == [(1, "superseded"), (2, "deployed")]


def test_dry_runs_change_nothing(small: World, tmp_path: Path) -> None:
    """Both ways of trying a plan leave every object as it was; the server's says what it would refuse."""
    product = Product.of(small, tmp_path / "c2c")
    plan = product.plan()
    before = Snapshot.take(small.api)
    client = product.run("apply", plan, "--dry-run=client", "-o", "json")
    assert client.returncode == 0, client.stderr[-3000:]
    found = json.loads(client.stdout)
    assert (found["status"], found["dryRun"]) == ("DONE", "client")
    server = product.run("apply", plan, "--dry-run=server", "-o", "json")
    assert server.returncode == 0, server.stdout + server.stderr[-3000:]
    found = json.loads(server.stdout)
    assert found["refused"] == []
    assert found["created"] > 5
    assert found["evictions"] >= 2
    after = Snapshot.take(small.api)
    assert set(after.objects) == set(before.objects)


def test_a_live_snapshot_says_offline_what_the_cluster_said(small: World, tmp_path: Path) -> None:
    """What was written is judged the same without access, and holds no Secret."""
    product = Product.of(small, tmp_path / "c2c")
    target = tmp_path / "prod.tgz"
    done = product.run("snapshot", "-o", target)
    assert done.returncode == 0, done.stderr
    _, live = judged(product, "--select", "capacity,eviction,placement,permissions")
    _, offline = judged(
        product, "--select", "capacity,eviction,placement,permissions", "--cluster", str(target)
    )
    apart = {"CP2171"}  # creations are asked of the live server alone
    outcomes = [
        {c["code"]: c["outcome"] for c in report["checks"] if c["code"] not in apart}
        for report in (live, offline)
    ]
    assert outcomes[0] == outcomes[1]
    with tarfile.open(target) as archive:
        assert not [n for n in archive.getnames() if n.startswith("secrets")]


@pytest.mark.needs("kubectl")
def test_what_rbac_prints_is_applied_at_once(shared: ControlPlane) -> None:
    """As a platform engineer does it: on a cluster that has nothing of ours and nothing of Cilium."""
    kubectl = [str(capabilities.binary("kubectl")), f"--kubeconfig={shared.kubeconfig()}"]
    printed = subprocess.run([sys.executable, "-m", "migrate", "rbac", "-o", "yaml"], capture_output=True, text=True, check=True)  # fmt: skip
    try:
        done = subprocess.run([*kubectl, "apply", "-f", "-"], input=printed.stdout, capture_output=True, text=True, check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count(" created") == printed.stdout.count("\nkind: ")
    finally:
        subprocess.run([*kubectl, "delete", "-f", "-", "--wait=false"], input=printed.stdout, capture_output=True, text=True, check=False)  # fmt: skip
