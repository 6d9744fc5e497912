"""Every fault of ``run_faults.py`` in the middle of a run on a real control plane: it ends as its row says."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from migrate.entrypoints.cli.rbac import manifests
from migrate.model.rights import rights_for
from tests import capabilities
from tests.controlplane import checker, kubelet, nodes, run_faults, workloads
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import eventually
from tests.controlplane.faults import Fault
from tests.controlplane.instance import ETCD, SERVER
from tests.controlplane.proxy_rules import EACH, ExpireToken, Refuse, Reset, Rule, Slow
from tests.controlplane.runs import Record, at_phase, at_state, intends
from tests.controlplane.stage import Act, Stage, goes_back, play, pools, silence
from tests.controlplane.world import World

pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1800)]
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/c2c"
POLICY = "/apis/crd.projectcalico.org/v1/globalnetworkpolicies/default.deny-metadata"
BUDGETS = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
PAUSED = 9
SEED, DEATHS = int(os.environ.get("C2C_SEED", "1")), 10
LEASE = "/apis/coordination.k8s.io/v1/namespaces/c2c-system/leases/c2c-run"


def calls(stage: Stage) -> Mapping[str, Act]:
    """What happens between the run and the API server."""
    ledger, order = stage.proxy.ledger, stage.order
    some = "GET|POST|PATCH|DELETE"

    def every(act: Any, step: int, path: str = ".*") -> Callable[[], None]:
        return lambda: ledger.add(*(Rule(act, some, path, n) for n in range(step, 40 * step, step)))

    def take_role() -> None:
        stage.world.api.delete(BINDING)

    def give_role() -> None:
        for obj in manifests(rights_for(["apply"])):
            if obj["kind"] == "ClusterRoleBinding":
                stage.world.api.apply(obj)

    return {
        "slow": Act(at_phase(1), lambda: ledger.add(Rule(Slow(1.0), ".*", "/api/v1/|/apis/apps", EACH)), ledger.clear, at_phase(3)),
        "throttled": Act(intends("HelmInstall"), every(Refuse(429, 1), 3), ledger.clear, at_phase(4)),
        "errors": Act(at_state(order[0], "PREFLIGHTED"), every(Refuse(500), 5, "/(nodes|pods)"), ledger.clear, at_state(order[0], "DONE")),
        "unacknowledged": Act(at_state(order[1], "PREFLIGHTED"), every(Reset(after_answer=True), 4, "/(nodes|pods|eviction)"), ledger.clear, at_state(order[1], "DONE")),
        "away": Act(at_state(order[2], "CORDONED"), lambda: silence(stage, 10), ledger.clear, at_state(order[2], "DONE")),
        "token": Act(at_state(order[3], "CORDONED"), lambda: ledger.add(Rule(ExpireToken(), ".*", ".*", EACH)), ledger.clear),
        "expired": Act(at_state(order[4], "PREFLIGHTED"), every(Refuse(410), 4, "limit="), ledger.clear, at_state(order[4], "DONE")),
        "rights": Act(at_phase(6), take_role, give_role),
    }  # fmt: skip


def halting(stage: Stage) -> Mapping[str, Act]:
    """What happens on nodes, in the cluster, and where the run is driven."""
    api, order = stage.world.api, stage.order

    def second_budget() -> None:
        """Evictions that go out together are over at once: they wait on their way until the second budget stands."""
        stage.proxy.ledger.add(Rule(Slow(2.0), "POST", "/eviction", EACH))
        api.create(workloads.budget("shop", "second", "web", minAvailable=1))

    def one_budget() -> None:
        stage.proxy.ledger.clear()
        api.delete(f"{BUDGETS}/second")

    def uncordon() -> None:
        api.patch(f"/api/v1/nodes/{order[4]}", {"spec": {"unschedulable": False}})

    def fall() -> None:
        stage.plant(Fault.NODE_NEVER_READY, 5)
        stage.world.agent.reboot(order[5])

    def stand_up() -> None:
        stage.remove(Fault.NODE_NEVER_READY, 5)
        kubelet.let_up(api, order[5])
        eventually(lambda: nodes.is_ready(api, order[5]), 60, f"{order[5]} is Ready again")

    def reorder(order_: int) -> Callable[[], object]:
        return lambda: api.patch(POLICY, {"spec": {"order": order_}})

    def steal() -> None:
        lease = api.get(LEASE)
        lease["spec"] |= {
            "holderIdentity": "somebody@elsewhere:1:0",
            "renewTime": "2026-01-01T00:00:00.000000Z",
        }
        api.expect("PUT", LEASE, lease)

    full = stage.product.folder / "state" / "full"
    return {
        "lock": Act(at_state(order[0], "CORDONED"), lambda: silence(stage, 40), stage.proxy.ledger.clear, at_state(order[0], "DRAINED")),
        "refused": Act(at_state(order[1], "CORDONED"), lambda: tighten(stage, 100), lambda: tighten(stage, 4)),
        "two-budgets": Act(at_state(order[2], "PREFLIGHTED"), second_budget, one_budget),
        "agent": Act(at_state(order[3], "CORDONED"), lambda: stage.plant(Fault.AGENT_NEVER_READY, 3), lambda: stage.remove(Fault.AGENT_NEVER_READY, 3)),
        "uncordoned": Act(at_state(order[4], "CORDONED"), uncordon, lambda: None),
        "not-ready": Act(at_state(order[5], "LABELLED"), fall, stand_up),
        "helm": Act(intends("HelmUpgrade"), lambda: kill_helm(stage), lambda: None, intends("RestartOperator")),
        "policy": Act(lambda _: True, reorder(11), reorder(10)),
        "stolen": Act(intends("SetEnforcement", order[0]), steal, lambda: None),
        "gone": Act(intends("HelmUpgrade"), lambda: stage.proxy.ledger.add(Rule(Reset(), ".*", ".*", EACH)), stage.proxy.ledger.clear),
        "disk": Act(intends("RestartAgent", order[2]), lambda: fill(full), full.unlink),
    }  # fmt: skip


def tighten(stage: Stage, needed: int) -> None:
    stage.world.api.patch(f"{BUDGETS}/web", {"spec": {"minAvailable": needed}})


def kill_helm(stage: Stage) -> None:
    """Kill Helm while its release is pending, and leave the run alone."""
    assert stage.course.process is not None
    parent = stage.course.process.pid

    def child() -> int:
        listed = subprocess.run(
            ["ps", "--ppid", str(parent), "-o", "pid=,comm="], capture_output=True, text=True, check=False
        )
        return next(
            (int(line.split()[0]) for line in listed.stdout.splitlines() if line.split()[1] == "helm"), 0
        )

    def pending() -> bool:
        secrets = stage.world.api.items(
            "/api/v1/namespaces/kube-system/secrets", labelSelector="owner=helm,status=pending-upgrade"
        )
        return bool(secrets)

    eventually(pending, 30, "Helm upgrades", 0.005)
    os.kill(child(), signal.SIGKILL)


def fill(path: Path) -> None:
    """Fill the disk that a file lies on, whatever room was kept there."""
    with path.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            return


def going_back(stage: Stage) -> Mapping[str, Act]:
    """Faults whose node goes back, and what people do with nodes meanwhile."""
    api, order = stage.world.api, stage.order

    def faulty(fault: Fault, place: int) -> Act:
        return Act(
            at_state(order[place], "CORDONED"), lambda: stage.plant(fault, place),
            lambda: stage.remove(fault, place), again=("--retry", order[place]),
            relief=at_state(order[place], "ROLLING_BACK"),
        )  # fmt: skip

    def join() -> None:
        nodes.plant(api, [nodes.Plan("wrk-99", 99)])

    clock = stage.product.folder / "clock"

    def set_clock() -> None:
        clock.write_text("3600", encoding="utf-8")

    def delete() -> None:
        api.delete(f"/api/v1/nodes/{order[4]}")

    return {
        "crash-loop": faulty(Fault.AGENT_CRASH_LOOP, 0),
        "clock": Act(intends("Soak", order[0]), set_clock, clock.unlink, at_state(order[0], "DONE")),
        "joined": Act(at_phase(5), join, lambda: None),
        "deleted": Act(at_state(order[1], "CORDONED"), delete, lambda: None),
        "slow-image": Act(
            at_state(order[2], "CORDONED"),
            lambda: stage.plant(Fault.SLOW_IMAGE, 2, 15),
            lambda: stage.remove(Fault.SLOW_IMAGE, 2),
            at_state(order[2], "DONE"),
        ),
        "no-conf": faulty(Fault.CONF_NOT_WRITTEN, 3),
    }


def test_faults_between_the_run_and_the_api_server(
    stage_world: World, staged: Callable[..., tuple[Stage, Path]]
) -> None:
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(onFailure="halt")
    play(stage, run_faults.CALLS, calls(stage), plan)
    checker.pods_are_on_cilium(Snapshot.take(stage_world.api))
    goes_back(stage, before)


@pytest.mark.campaign
def test_faults_that_halt_a_run(stage_world: World, staged: Callable[..., tuple[Stage, Path]]) -> None:
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(onFailure="halt")
    play(stage, run_faults.HALTING, halting(stage), plan)
    checker.pods_are_on_cilium(Snapshot.take(stage_world.api))
    goes_back(stage, before)


@pytest.mark.campaign
def test_faults_that_bring_a_node_back(stage_world: World, staged: Callable[..., tuple[Stage, Path]]) -> None:
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(program="tests.controlplane.jumping")
    play(stage, run_faults.GOING_BACK, going_back(stage), plan)
    checker.pods_are_on_cilium(Snapshot.take(stage_world.api))
    goes_back(stage, before)


def test_a_run_outlives_its_api_server(stage_world: World, staged: Callable[..., tuple[Stage, Path]]) -> None:
    """The API server or etcd is killed ten times, at moments of the seed, and starts again; nobody resumes the run."""
    before, chance = Snapshot.take(stage_world.api), random.Random(SEED)
    stage, plan = staged(through=False, deadlines={})
    stage.course.begin("apply", plan)
    died = []
    for _ in range(DEATHS):
        stage.course.skip(chance.randrange(20, 55), 300)
        part = chance.choice([ETCD, SERVER])
        died.append(
            f"{part} after byte {stage.course.read}, back after {stage_world.plane.restart(part):.1f} s"
        )
    print(f"seed {SEED}: {died}")
    assert stage.course.ended() == 0, f"seed {SEED}: {died}\n{stage.product.told()}"
    checker.pods_are_on_cilium(Snapshot.take(stage_world.api))
    goes_back(stage, before)


def test_one_node_goes_back_and_then_the_rest(
    stage_world: World, staged: Callable[..., tuple[Stage, Path]]
) -> None:
    """In P5 a person pauses, brings one node back, then everything."""
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(through=False)
    stage.course.begin("apply", plan)
    stage.course.until(at_state(stage.order[1], "DONE"), 300, "two nodes have moved")
    assert stage.product.run("pause", "--yes").returncode == 0
    assert stage.course.ended() == PAUSED, stage.product.told()
    done = stage.product.run("rollback", stage.order[1], "--yes")
    assert done.returncode == PAUSED, done.stderr[-5000:]
    assert pools(stage_world, stage.order[1]) == {"calico"}
    assert pools(stage_world, stage.order[0]) == {"cilium"}
    goes_back(stage, before)


MOMENTS: Mapping[str, Callable[[Stage], Callable[[Record], bool]]] = {
    "P1, before the backup is whole": lambda _: intends("BackupCluster"),
    "P2, while Calico is pinned": lambda _: at_phase(2),
    "P3, before policies are staged": lambda _: intends("StagePolicies"),
    "P4, with the canary in hand": lambda stage: at_state(stage.order[0], "CNI_SWITCHED"),
    "P5, with a node in hand": lambda stage: at_state(stage.order[1], "LABELLED"),
    "P6, with agents of both stages": lambda _: intends("DeleteNodeConfig"),
    "P7, in the audit": lambda _: at_phase(7),
    "P8, with one node enforcing": lambda stage: intends("SetEnforcement", stage.order[1]),
    "P9, in the last soak": lambda _: at_phase(9),
}


@pytest.mark.parametrize("moment", [m for m in MOMENTS if m.startswith("P5") or capabilities.is_long()])
def test_everything_goes_back_from_where_a_killed_run_was(
    stage_world: World, staged: Callable[..., tuple[Stage, Path]], moment: str
) -> None:
    before = Snapshot.take(stage_world.api)
    stage, plan = staged(through=False)
    stage.course.begin("apply", plan)
    stage.course.until(MOMENTS[moment](stage), 600, moment)
    stage.course.stop()
    goes_back(stage, before)


def test_every_row_is_played() -> None:
    stage: Any = SimpleNamespace(
        world=SimpleNamespace(api=None), proxy=SimpleNamespace(ledger=SimpleNamespace(clear=None)),
        product=SimpleNamespace(folder=Path()), order=[""] * 6,
    )  # fmt: skip
    for rows, acts in (
        (run_faults.CALLS, calls),
        (run_faults.HALTING, halting),
        (run_faults.GOING_BACK, going_back),
    ):
        assert [row.slug for row in rows] == list(acts(stage))
