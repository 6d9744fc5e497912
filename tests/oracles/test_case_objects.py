"""Cases whose Cilium half is an object that we never write: the engine itself gives the verdicts of the case."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracles.engine import Engine
from tests.unit.test_translate import documents, flow, load, names, plan
from translators import CiliumConfig
from translators.source import from_object
from translators.worldbuilder import build_world

WORLDS = [(path, row) for path in names() for row in load(path).get("engine", ())]


@pytest.mark.parametrize(("path", "row"), WORLDS, ids=lambda v: v["what"] if isinstance(v, dict) else v.stem)
def test_the_engine_gives_the_verdicts_of_the_case(engine: Engine, path: Any, row: dict[str, Any]) -> None:
    data = load(path)
    world, _ = build_world(documents(data, path), plan=plan(six=False), is_cluster=True)
    asked = [flow(line, world) for line in row["flows"]]
    written = [from_object(item) for item in row["objects"]]
    config = CiliumConfig(cluster_network_policy=True)
    said = engine.judge(world, written, config, [f for f, _ in asked])
    assert all(p["valid"] for p in said.policies)
    assert [ingress for ingress, _ in said.flows] == [verdict for _, verdict in asked]
    assert asked
