"""``c2c run`` again and again, as a scheduler does: it begins in its window alone, and goes on with the run that it began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.controlplane import nodes, workloads
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import ACCEPTED, QUICK, Product
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1200)]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[World]:
    """Two workers with Calico and a shop."""
    shop = [workloads.namespace("shop"), workloads.deployment("shop", "web", 4)]
    with (
        ControlPlane(tmp_path / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(2), shop) as world,
    ):
        yield world


def run(product: Product, uid: str, waves: dict[str, object]) -> tuple[int, str]:
    """Run it as a job would, with these waves in the configuration."""
    config = product.folder / "c2c.yaml"
    config.write_text(json.dumps({**product.settings, "waves": waves}), encoding="utf-8")
    accepted = [w for text in ACCEPTED for w in ("--accept", text)]
    done = product.run("run", "--yes", "--expect-cluster", uid, "--config", config, *accepted, "-o", "json")
    return done.returncode, done.stderr


def journals(product: Product) -> list[Path]:
    return sorted((product.folder / "state").glob("*/journal.jsonl"))


def test_a_scheduler_may_run_it_again_until_it_is_done(small: World, tmp_path: Path) -> None:
    product = Product.of(small, tmp_path / "c2c")
    uid = str(small.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    closed = {"days": [day], "from": "10:00", "to": "11:00", "timeZone": "UTC"}
    waves = {**QUICK["waves"], "canary": {"approval": True, "soak": "1s"}}

    code, told = run(product, uid, {**waves, "window": closed})
    print(
        product.run("preflight", "--cluster", "live", "--config", product.folder / "c2c.yaml", "-o", "wide")
    )
    assert code == 9, told[-3000:]
    assert "nothing was begun" in told
    assert journals(product) == []

    code, told = run(product, uid, waves)
    assert code == 9, told[-3000:]
    [journal] = journals(product)

    code, told = run(product, uid, waves)
    assert code == 9, told[-3000:]
    assert "going on with it" in told
    assert journals(product) == [journal]

    said = product.run("approve", "--yes", "--expect-cluster", uid)
    assert said.returncode == 0, said.stderr
    code, told = run(product, uid, waves)
    assert code == 0, told[-5000:]
    assert journals(product) == [journal]
