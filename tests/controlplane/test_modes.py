"""Ways to move other than the default, each a whole run there and back in one small cluster.

In mode recycle the pods of a node come back to it, in either order, and no guard is left; a bridged run enforces its
policies while nodes move. The ends are checked by what is no part of the product.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import capabilities
from tests.controlplane import checker, nodes, workloads
from tests.controlplane.calico_install import POOL, Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.whole import there_and_back
from tests.controlplane.world import SWITCH_LABEL, World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(900)]
SWITCH_S = 20.0
APPS = ("web", "db")
LABELS = (SWITCH_LABEL, "") if capabilities.is_long() else (SWITCH_LABEL,)
"""With which new machines come into the world."""
HOOK = """#!/bin/sh
echo "$C2C_NODE $C2C_NAMESPACE $C2C_PODS" >> "$0.ran"
"""
MODES: Mapping[str, Mapping[str, Any]] = {
    "recycle, hold": {"nodes": {"access": "api", "move": "recycle", "recycleOrder": "hold"}},
    "recycle, after": {"nodes": {"access": "api", "move": "recycle", "recycleOrder": "after"}},
    "bridged": {"policyInWindow": "bridged"},
}


def apart(app: str) -> Object:
    """Let no two pods of an app lie on one node: a budget could not let both wait for its return."""
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def shop() -> list[Object]:
    return [
        workloads.namespace("shop"),
        workloads.deployment("shop", "web", 3, affinity=apart("web")),
        workloads.budget("shop", "web", "web", minAvailable=2),
        workloads.stateful_set("shop", "db", 2, affinity=apart("db")),
        workloads.daemon_set("shop", "agent"),
    ]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        ControlPlane(tmp_path_factory.mktemp("modes") / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(4, 1), shop()) as world,
    ):
        yield world


def lies_on(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    """Count the pods of the apps by node."""
    pods = [p for p in snapshot.pods() if p["metadata"].get("labels", {}).get("app") in APPS]
    return Counter((str(p["spec"]["nodeName"]), str(p["metadata"]["labels"]["app"])) for p in pods)


def test_a_hook_goes_before_the_pods_that_it_names(small: World, tmp_path: Path) -> None:
    """Once for each node with such a pod, while it is still there; then the drain goes on."""
    program = tmp_path / "hand-over"
    program.write_text(HOOK, encoding="utf-8")
    program.chmod(0o755)
    hook = {"namespace": "shop", "selector": "app=db", "command": [str(program)]}
    product = Product.of(small, tmp_path / "c2c", nodes={"access": "api", "hooks": [hook]})
    done = product.run("apply", product.plan(), "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr[-5000:]
    ran = [line.split() for line in (tmp_path / "hand-over.ran").read_text(encoding="utf-8").splitlines()]
    evicted = {
        (r["node"], r["args"]["pod"])
        for r in product.records()
        if r["kind"] == "intent" and r["command"] == "Evict" and r["args"]["pod"].startswith("db-")
    }
    assert {(node, pod) for node, _, *pods in ran for pod in pods} == evicted
    assert {space for _, space, *_ in ran} == {"shop"}
    done = product.run("rollback", "--all", "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.parametrize("label", LABELS, ids=lambda label: "labelled" if label else "plain")
def test_machines_are_replaced(tmp_path: Path, label: str) -> None:
    """Every machine of the plan goes, one by one, and what came in their place is on Cilium; none goes twice."""
    with (
        ControlPlane(tmp_path / "plane") as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(4), shop()) as world,
    ):
        way = tmp_path / "way.json"
        way.write_text(json.dumps({"url": world.api.url, "token": world.api.token, "ca": world.api.ca_file}))
        command = [sys.executable, "-m", "tests.controlplane.machine", str(way), label]
        product = Product.of(
            world,
            tmp_path / "c2c",
            nodes={"access": "api", "move": "replace", "replace": {"command": command}},
        )
        before = Snapshot.take(world.api)
        done = product.run("apply", product.plan(), "--yes", "-o", "json", timeout_s=800)
        assert done.returncode == 0, done.stderr[-5000:]
        now = Snapshot.take(world.api)
        checker.pods_are_on_cilium(now)
        assert {key[2] for key in now.of("nodes")} == {f"wrk-{n}" for n in range(101, 105)}
        deleted = [
            r["node"] for r in product.records() if r["kind"] == "intent" and r["command"] == "DeleteMachine"
        ]
        assert sorted(deleted) == sorted(key[2] for key in before.of("nodes"))


@pytest.mark.parametrize("mode", MODES)
def test_a_cluster_moves_and_goes_back(small: World, tmp_path: Path, mode: str) -> None:
    product = Product.of(small, tmp_path / "c2c", **MODES[mode])
    whole = there_and_back(small, product)
    before, moved, back = whole.before, whole.moved, whole.back
    checker.pods_are_on_cilium(moved)
    checker.calico_is_whole(before, moved)
    checker.nothing_of_the_run_is_left(moved, checker.KEPT)
    if mode.startswith("recycle"):
        assert lies_on(moved) == lies_on(before)
        assert {r["command"] for r in product.records() if r["kind"] == "intent"} >= {
            "GuardTaint",
            "UnguardTaint",
        }
    checker.pods_are_in(back, [POOL])
    checker.calico_is_whole(before, back)
    checker.nodes_are_marked_alike(before, back)
    checker.nothing_of_the_run_is_left(back, ["namespaces"])
    assert not [k for k in back.objects if "cilium" in k[0]]
    whole.observed.check(SWITCH_S)
