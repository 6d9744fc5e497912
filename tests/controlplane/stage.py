"""Where faults are played: a small world that tests share, one run in it, and a proxy between the run and the API server.

Faults follow one another in one run. Where the run halts, what was wrong is mended and the run goes on; in the end
everything is taken back, and the cluster is as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane import checker, nodes, workloads
from tests.controlplane.calico_install import POOL, Install, Kind
from tests.controlplane.checker import Snapshot
from tests.controlplane.client import Object
from tests.controlplane.faults import Fault
from tests.controlplane.instance import ControlPlane
from tests.controlplane.product import Product
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.proxy_rules import EACH, Reset, Rule
from tests.controlplane.run_faults import Ends, RunFault
from tests.controlplane.runs import Course, Record, state_of
from tests.controlplane.world import World, built, is_of
from tests.scenarios import failures

SHORT: Mapping[str, Any] = {"drain": "25s", "step": "25s", "commands": {"RestartAgent": "25s"}}
"""Deadlines of tests."""


@dataclass(slots=True)
class Stage:
    """The world, the run, the proxy in front of the API, the nodes in the order of the plan."""

    world: World
    product: Product
    proxy: FaultProxy
    course: Course
    order: Sequence[str]

    def plant(self, fault: Fault, place: int, seconds: float = 0.0) -> None:
        self.world.agent.faults.plant(fault, self.order[place], seconds)

    def remove(self, fault: Fault, place: int) -> None:
        self.world.agent.faults.remove(fault, self.order[place])


@dataclass(frozen=True, slots=True)
class Act:
    """How a fault is brought about: at which record, what is done, what tells that the run has overcome it, what mends it.

    Without a moment it stands before the run goes on. ``again``: what ``resume`` is told. ``relief``: where it is over by
    itself, as an agent is that its new settings let crash and that comes up with the old ones.
    """

    when: Callable[[Record], bool] | None
    plant: Callable[[], object]
    mend: Callable[[], object]
    seen: Callable[[Record], bool] = lambda _: True
    again: tuple[str, ...] = ()
    relief: Callable[[Record], bool] | None = None


def play(
    stage: Stage, faults: Sequence[RunFault], acts: Mapping[str, Act], plan: Path, *, whole: bool = True
) -> None:
    """Carry out a plan while one fault after the other happens; each has to end as its row says.

    With ``whole`` the run comes to its end, else it is left where the last fault has left it.
    """
    course = stage.course
    words: tuple[str | Path, ...] = ("apply", plan)
    runs = False
    for fault in faults:
        act = acts[fault.slug]
        if act.when is None:
            assert not runs, f"{fault.slug} has no moment, and follows one that does not halt"
            act.plant()
        if not runs:
            course.begin(*words)
            runs = True
        if act.when is not None:
            course.until(act.when, 300, f"the moment of {fault.slug}")
            act.plant()
        if fault.ends is Ends.GOES_ON:
            course.until(act.seen, 300, f"{fault.slug} is overcome")
            act.mend()
            continue
        if act.relief is not None:
            course.until(act.relief, 300, f"{fault.slug} is over")
            act.mend()
        code, told = course.ended(), stage.product.told()
        act.mend()
        _ends_so(stage.product, fault, code, told)
        runs, words = False, ("resume", *act.again)
    if not whole:
        course.stop()
        return
    if not runs:
        course.begin(*words)
    assert course.ended() == 0, stage.product.told()


def _ends_so(product: Product, fault: RunFault, code: int, told: str) -> None:
    state = state_of(product)["state"]
    assert (state, code) == (fault.state, fault.code), f"{fault.slug}: {state}, exit code {code}\n{told}"
    said = failures(product.records())
    assert fault.says in said[-1], f"{fault.slug}: {said[-3:]}"


def silence(stage: Stage, seconds: float) -> None:
    """Let nothing answer the run for a while."""
    stage.proxy.ledger.add(Rule(Reset(), ".*", ".*", EACH))
    time.sleep(seconds)
    stage.proxy.ledger.clear()


def shop(replicas: int, needed: int) -> list[Object]:
    """Give a Deployment under a budget, and a DaemonSet."""
    return [
        workloads.namespace("shop"),
        workloads.deployment("shop", "web", replicas),
        workloads.budget("shop", "web", "web", minAvailable=needed),
        workloads.daemon_set("shop", "agent"),
    ]


@dataclass(slots=True)
class Shared:
    """A world that tests share one after the other; whoever fails in it leaves it as nobody should find it."""

    folder: Callable[[], Path]
    _open: ExitStack = field(default_factory=ExitStack)
    _world: World | None = None

    def give(self) -> World:
        """Give the world, a new one where there is none."""
        if self._world is None:
            plane = self._open.enter_context(ControlPlane(self.folder() / "plane"))
            self._world = self._open.enter_context(
                built(plane, Install(Kind.MANIFEST), nodes.plans(5, 1), shop(8, 4))
            )
        return self._world

    def leave(self) -> None:
        """End the world: the next one who wants it gets another."""
        self._world = None
        self._open.close()


def ordered(plan: Path) -> list[str]:
    found = json.loads(plan.read_text(encoding="utf-8"))
    return [
        found["canary"]["node"],
        *(n for wave in found["waves"] for n in wave if n != found["canary"]["node"]),
    ]


def goes_back(stage: Stage, before: Snapshot) -> None:
    """Take everything back; the cluster is as it was."""
    done = stage.product.run("rollback", "--all", "--yes")
    assert done.returncode == 0, done.stderr[-5000:]
    now = Snapshot.take(stage.world.api)
    checker.pods_are_in(now, [POOL])
    checker.calico_is_whole(before, now)
    checker.cordons_are_kept(before, now)
    checker.nothing_of_the_run_is_left(now, ["namespaces"])
    assert not [k for k in now.objects if "cilium" in k[0]]


def pools(world: World, node: str) -> set[str]:
    """Give whose addresses the pods of a node have."""
    pods = world.api.items("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    addresses = [p["status"].get("podIP") for p in pods if not p["spec"].get("hostNetwork")]
    return {
        ("calico" if is_of(address, POOL) else "cilium") if address else "nobody" for address in addresses
    }
