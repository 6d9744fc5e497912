"""The chart comes from a repository or a registry as from a file: planned, installed and taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import chart_places
from tests.controlplane.checker import Snapshot
from tests.controlplane.product import Product
from tests.controlplane.world import World

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(600)]
VERSION, WAITS = "1.20.2", 9


def packaged(world: World, folder: Path) -> tuple[Path, Mapping[str, Any]]:
    """Package the chart of the world, with an index beside it; gives the package and the chart's metadata."""
    done = world.helm.run("package", world.chart, "-d", folder)
    assert done.returncode == 0, done.stderr
    assert world.helm.run("repo", "index", folder).returncode == 0
    metadata = {"apiVersion": "v2", "name": "cilium", "version": VERSION, "appVersion": VERSION}
    return folder / f"cilium-{VERSION}.tgz", metadata


def install_and_take_back(world: World, folder: Path, chart: Any) -> None:
    cilium = {"version": VERSION, "podCIDRs": ["10.245.0.0/16"], "chart": chart}
    product = Product.of(world, folder, cilium=cilium)
    done = product.run("apply", product.plan(), "--yes", "--until", "P3")
    assert done.returncode == WAITS, done.stderr[-3000:]
    [release] = json.loads(world.helm.run("list", "-o", "json").stdout)
    assert (release["status"], release["chart"]) == ("deployed", f"cilium-{VERSION}")
    done = product.run("rollback", "--all", "--yes")
    assert done.returncode == 0, done.stderr[-3000:]
    assert not [k for k in Snapshot.take(world.api).objects if "cilium" in k[0]]


def test_a_chart_comes_from_a_repository_and_from_a_registry(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("packages", "tls"):
        (tmp_path / name).mkdir()
    for name in ("cache", "config", "data"):
        monkeypatch.setenv(f"HELM_{name.upper()}_HOME", str(tmp_path / name))
    package, metadata = packaged(small, tmp_path / "packages")
    with chart_places.repository(package.parent) as url:
        install_and_take_back(small, tmp_path / "from-repository", {"repo": url, "name": "cilium"})
    with chart_places.registry(package, metadata, tmp_path / "tls") as (reference, trusted, stored):
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        install_and_take_back(small, tmp_path / "from-registry", reference)
        assert any("/blobs/" in path for path in stored.asked)
