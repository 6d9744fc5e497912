"""The simulator's scenarios on a real control plane: each ends as it does in the simulator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import checker, nodes, scenes
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.runs import Course
from tests.controlplane.scene_deeds import Deeds
from tests.controlplane.stage import SHORT, Stage, goes_back, ordered, play, shop
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1800)]
OFTEN = "canary"
"""The chain that every run of the tests plays; the others take many minutes."""
OUTSIDE = "db.example:5432"
LONG_SOAK: Mapping[str, Any] = {"canary": {"approval": False, "soak": "1h"}, "soak": "1s"}
HOOK = """#!/bin/sh
if [ -e {refuses} ]; then echo "no replica is fit to take over" >&2; exit 1; fi
"""
PROBES: Mapping[str, Any] = {"flows": {"source": "none"}, "probes": {"longLived": True, "external": [OUTSIDE]}}  # fmt: skip


def settings(chain: str, folder: Path) -> Mapping[str, Any]:
    """Give the settings of a chain; a hook refuses while a file of the run's folder is there."""
    program = folder / "hand-over"
    program.write_text(HOOK.replace("{refuses}", str(folder / "refuses")), encoding="utf-8")
    program.chmod(0o755)
    hook = {"namespace": "shop", "selector": "app=web", "command": [str(program)]}
    found: Mapping[str, Mapping[str, Any]] = {
        "before": {
            "deadlines": {**SHORT, "commands": {**SHORT["commands"], "WaitCRDs": "25s", "HelmInstall": "40s"}}
        },
        "canary": {"gates": PROBES, "nodes": {"access": "api", "hooks": [hook]}},
        "watched": {"waves": LONG_SOAK},
        "later": {"gates": PROBES},
        "replaced": {},
        "bridged": {"policyInWindow": "bridged"},
    }
    return found[chain]


@pytest.mark.parametrize("chain", [c if c == OFTEN else pytest.param(c, marks=pytest.mark.campaign) for c in scenes.ALL])  # fmt: skip
def test_what_the_simulator_plays_ends_so_here(
    stage_world: World, room: Path, staged: Callable[..., tuple[Stage, Path]], chain: str
) -> None:
    names, acts = scenes.ALL[chain]
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(through=False, program="tests.controlplane.hurried", **settings(chain, room))
    play(stage, scenes.rows(names), acts(stage, Deeds(stage)), plan, whole=chain == "later")
    goes_back(stage, before)


@pytest.mark.campaign
def test_machines_that_are_replaced_end_as_in_the_simulator(tmp_path: Path) -> None:
    with (
        ControlPlane(tmp_path / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(4), shop(8, 4)) as world,
        FaultProxy(world.api, tmp_path / "proxy") as proxy,
    ):
        folder = tmp_path / "c2c"
        command = [sys.executable, "-m", "tests.controlplane.machine", str(folder / "way.json")]
        how = {"access": "api", "move": "replace", "replace": {"command": command}}
        late = {
            "commands": {"AwaitMachine": "20s"}
        }  # a step lasts longer: pods of machines that are gone are collected late
        product = Product.of(world, folder, nodes=how, deadlines=late)
        plan = product.plan()
        stage = Stage(world, product, proxy, Course(product), ordered(plan))
        deeds = Deeds(stage)
        play(stage, scenes.rows(scenes.MACHINES), scenes.machines(stage, deeds), plan)
        now = Snapshot.take(world.api)
        checker.pods_are_on_cilium(now)
        assert {key[2] for key in now.of("nodes")} & set(stage.order) == {stage.order[2]}, "it kept its name"
