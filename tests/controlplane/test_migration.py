"""Whole migrations by the command line on a real control plane, with exactly the rights that ``c2c rbac`` prints.

Both ends are checked by what is no part of the product. Four nodes go to Cilium and back without being disturbed; then
the same is done in the same cluster by a process that is killed again and again, and has to end alike.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.model.rights import ACTING, READING, rights_for
from tests.controlplane import checker, nodes, workloads
from tests.controlplane.calico_install import POOL, Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product, grant
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.runs import Killer
from tests.controlplane.whole import Whole, there_and_back
from tests.controlplane.world import World, built

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1500)]
SWITCH_S = 20.0
SEED = int(os.environ.get("C2C_SEED", "1"))
ROLLED_BACK = 5  # what a resume exits with that ends so
KILLS_THERE, KILLS_BACK = 120, 40


def shop() -> list[Object]:
    """A shop with a budget, a StatefulSet, a DaemonSet and a bare pod's worth of trouble."""
    return [
        workloads.namespace("shop"),
        workloads.deployment("shop", "web", 6),
        workloads.budget("shop", "web", "web", minAvailable=4),
        workloads.stateful_set("shop", "db", 2),
        workloads.daemon_set("shop", "agent"),
    ]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One control-plane node and three workers, one of them cordoned by a person."""
    with (
        ControlPlane(tmp_path_factory.mktemp("small") / "plane", audited=True) as plane,
        built(plane, Install(Kind.MANIFEST), nodes.plans(3, 1), shop()) as world,
    ):
        world.api.patch("/api/v1/nodes/wrk-03", {"spec": {"unschedulable": True}})
        yield world


@pytest.fixture(scope="module")
def whole(small: World, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return there_and_back(small, Product.of(small, tmp_path_factory.mktemp("whole")))


def test_a_cluster_moves(whole: Whole) -> None:
    checker.pods_are_on_cilium(whole.moved)
    checker.cordons_are_kept(whole.before, whole.moved)
    checker.calico_is_whole(whole.before, whole.moved)
    checker.nothing_of_the_run_is_left(whole.moved, checker.KEPT)


def test_it_goes_back(whole: Whole) -> None:
    checker.pods_are_in(whole.back, [POOL])
    checker.cordons_are_kept(whole.before, whole.back)
    checker.calico_is_whole(whole.before, whole.back)
    checker.nodes_are_marked_alike(whole.before, whole.back)
    checker.nothing_of_the_run_is_left(whole.back, ["namespaces"])
    assert not [k for k in whole.back.objects if "cilium" in k[0]]
    alike(whole.before, whole.back)


def test_budgets_are_kept_and_every_node_has_a_conf_meanwhile(whole: Whole) -> None:
    whole.observed.check(SWITCH_S)


@pytest.mark.campaign
def test_a_run_that_is_killed_again_and_again_ends_alike(whole: Whole, small: World, tmp_path: Path) -> None:
    """Killed at records of its journal and at its requests, before and after they are done; resumed each time."""
    product, chance = Product.of(small, tmp_path / "c2c"), random.Random(SEED)
    plan = product.plan()
    with FaultProxy(small.api, tmp_path / "proxy") as proxy:
        killer = Killer(product, proxy, proxy.kubeconfig(product.token), chance)
        gaps = lots(chance, whole.records[0], KILLS_THERE)
        code = killer.drive(["apply", plan], ["resume"], gaps)
        assert code == 0, f"seed {SEED}, killed {killer.at}\n{product.told()}"
        moved, there = Snapshot.take(small.api), len(killer.at)
        code = killer.drive(["rollback", "--all"], ["resume"], lots(chance, whole.records[1], KILLS_BACK))
        assert code == ROLLED_BACK, f"seed {SEED}, killed {killer.at}\n{product.told()}"
    print(
        f"seed {SEED}: killed {there} times on the way there, {len(killer.at) - there} times on the way back"
    )
    alike(whole.moved, moved)
    alike(whole.back, Snapshot.take(small.api))
    assert len(killer.at) >= 40, killer.at


def test_every_right_that_is_taken_away_is_named(small: World, tmp_path: Path) -> None:
    """What ``c2c rbac`` prints for acting is neither more nor less than what preflight asks for."""
    product = Product.of(small, tmp_path / "c2c")
    there = {key[2] for key in Snapshot.take(small.api).of("namespaces")} | {""}
    kept = {(verb, resource) for right in READING for verb, resource, _ in right.asked}
    asked = [
        a for r in ACTING if not r.where_served and r.namespace in there for a in r.asked if a[:2] not in kept
    ]
    assert named(product) == set()
    grant(small, [replace(r, verbs=("none",)) if r in ACTING else r for r in rights_for(["apply"])])
    missing = named(product)
    grant(small, rights_for(["apply"]))
    wanted = {f"right/{verb} {what}" + (f" in {place}" if place else "") for verb, what, place in asked}
    assert wanted <= missing, sorted(wanted - missing)


def named(product: Product) -> set[str]:
    """Give the rights that preflight says are missing."""
    done = product.run("preflight", "--config", product.config(), "-o", "json")
    findings = json.loads(done.stdout)["findings"]
    return {f["object"] for f in findings if f["code"] == "CP2170"}


def lots(chance: random.Random, records: int, kills: int) -> list[int]:
    """Give gaps between kills, in records, that together are as long as a run."""
    places = sorted(chance.sample(range(2, records - 2), kills))
    return [later - earlier for earlier, later in zip([0, *places], places, strict=False)]


PASSING = ("pods", "ciliumendpoints.", "ciliumidentities.", "ciliumnodes.", "ipam", "blockaffinit", "replicasets.",
           "controllerrevisions.", "leases", "events", "secrets", "nodes", "execs.", "logs.", "metrics", "ipaddresses.")  # fmt: skip


def alike(one: Snapshot, other: Snapshot) -> None:
    """Two clusters differ in nothing but what comes and goes by itself (``procedure.md`` §8.2 names it)."""
    a, b = (checker.masked(Snapshot(_lasting(s))) for s in (one, other))
    found = [*_lines("only in the first", a - b), *_lines("only in the second", b - a)]
    assert not found, "\n".join(found)


def _lasting(snapshot: Snapshot) -> dict[checker.Key, Object]:
    return {
        key: {part: value for part, value in obj.items() if part != "status"}
        for key, obj in snapshot.objects.items()
        if not key[0].startswith(PASSING) and key[1:] != ("", "c2c-system") and key[1] != "c2c-system"
    }


def _lines(what: str, found: Counter[str]) -> list[str]:
    return [f"{what}: {text[:1500]}" for text in found]
