"""Connections that are held through a run on a real control plane: played pods, real commands in them, real moves of nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.product import QUICK, Product
from tests.controlplane.world import World

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1200)]
HELD = {**QUICK["gates"], "probes": {"longLived": True}}


def test_every_node_holds_a_connection_to_the_end_of_the_run(small: World, tmp_path: Path) -> None:
    product = Product.of(small, tmp_path / "c2c", gates=HELD)
    done = product.run("apply", product.plan(), "--yes")
    assert done.returncode == 0, done.stderr[-5000:]
    seen = evidence(product)
    held = sorted(seen["evidence"]["cuts"].values())
    assert (seen["outcome"], held) == ("pass", [0] * len(held))
    assert len(held) == len(small.api.get("/api/v1/nodes")["items"])


def evidence(product: Product) -> dict[str, Any]:
    journal = product.journal()
    assert journal is not None
    found: dict[str, Any] = json.loads((journal.parent / "evidence/G-28.json").read_text(encoding="utf-8"))
    return found
