"""Looking around: at its own pace, and at once where a step met what it had not left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from migrate.driver.alarms import Alarms
from migrate.driver.on_nodes import CORDONED_BY
from migrate.driver.pace import Pace
from migrate.driver.watch import Watch
from migrate.engine.bound import Scope
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.model.commands import Command, Name
from migrate.model.events import Kind
from migrate.model.run import NodeRun, NodeStatus, Phase, Run, RunStatus
from migrate.model.settings import Settings
from migrate.ports import ApiError, Daemon, Desired, Networked, Ports
from migrate.simulator.build import world_of
from tests import clusters
from tests.films import healthy_snapshot

NODE = "wrk-1"


def test_a_node_that_somebody_uncordons_is_seen_as_soon_as_a_look_is_asked_for() -> None:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    ports = world_of(snapshot, plan.draft.settings).ports(None)
    run = cordoned(begin("7f3a0000", plan, [n.name for n in snapshot.nodes]))
    ports.cluster.patch(
        "nodes",
        NODE,
        "",
        {"metadata": {"annotations": {CORDONED_BY: run.id}}, "spec": {"unschedulable": True}},
    )
    watch = Watch(ports, Pace(watch_s=300), Desired())
    assert list(watch.changes(run, 0.0)) == []
    ports.cluster.patch("nodes", NODE, "", {"spec": {"unschedulable": False}})
    assert list(watch.changes(run, 1.0)) == []
    watch.hurry()
    assert [(e.kind, e.node) for e in watch.changes(run, 2.0)] == [(Kind.SCHEDULING_CHANGED, NODE)]


def test_a_policy_that_somebody_makes_is_told_once_until_policies_are_enforced() -> None:
    run, ports, watch = watched()
    assert list(watch.proved(run, Scope.POLICIES)) == []
    ports.cluster.apply(
        clusters.thing("NetworkPolicy", "new", "shop", api="networking.k8s.io/v1", spec={"podSelector": {}})
    )
    assert list(watch.proved(replace(run, phase=Phase.SOAK), Scope.POLICIES)) == []
    assert [(e.kind, e.node, e.text) for e in watch.proved(run, Scope.POLICIES)] == [
        (Kind.DRIFT_FOUND, "", "NetworkPolicy/shop/new was made since the plan was made")
    ]
    assert list(watch.proved(run, Scope.POLICIES)) == []


def test_labels_of_subjects_are_looked_at_when_a_phase_begins_and_again_where_that_look_failed() -> None:
    run, ports, watch = watched()
    assert list(watch.changes(run, 0.0)) == []
    ports.cluster.patch("namespaces", "shop", "", {"metadata": {"labels": {"team": "a"}}})
    assert list(watch.changes(run, 100.0)) == []
    later = replace(run, phase=Phase.NODE_LOOP)
    ports.cluster.world.faults["api-500"] = 1  # type: ignore[attr-defined]  # a simulated cluster
    with pytest.raises(ApiError):
        list(watch.changes(later, 101.0))
    told = [e.text for now in (102.0, 200.0) for e in watch.changes(later, now)]
    assert told == ["labels of Namespace/shop were changed since the plan was made"]


def test_machines_that_join_one_after_another_are_no_alarm_and_one_that_nobody_adopts_is() -> None:
    """Each is new in one look and adopted before the next: G-26 falls again and again, and each time for another one."""
    run, ports, _ = watched()
    run = replace(run, phase=Phase.NODE_LOOP)
    watch = Watch(ports, Pace(watch_s=15, desired_s=1e9, pods_s=1e9, policies_s=1e9), Desired())
    list(watch.changes(run, 0.0))
    for number in range(1, 8):
        name = f"new-{number}"
        joins(ports, name)
        assert of_nodes(watch, run, 15.0 * number) == [("NodeAdded", name)]
        run = replace(run, nodes={**run.nodes, name: NodeRun(name)})
    joins(ports, "stranger")
    told = [of_nodes(watch, run, 200.0 + after) for after in (0.0, 15.0, 30.0)]
    assert told == [[("NodeAdded", "stranger")], [], [("WatchAlarm", "G-26")]]


def of_nodes(watch: Watch, run: Run, now: float) -> list[tuple[str, str]]:
    """Give what a look tells of the set of nodes."""
    told = (e for e in watch.changes(run, now) if e.kind is Kind.NODE_ADDED or e.gate == "G-26")
    return [(str(e.kind), e.node or e.gate) for e in told]


def joins(ports: Ports, name: str) -> None:
    like = dict(ports.cluster.get("nodes", NODE) or {})
    ports.cluster.create({**like, "metadata": {"name": name, "labels": {}, "annotations": {}}})


def watched() -> tuple[Run, Ports, Watch]:
    """Give a run under way, its cluster, and a watch that looks at nodes never."""
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    ports = world_of(snapshot, plan.draft.settings).ports(None)
    run = replace(begin("7f3a0000", plan, [n.name for n in snapshot.nodes]), status=RunStatus.RUNNING)
    watch = Watch(ports, Pace(watch_s=1e9, desired_s=1e9), Desired())
    return run, ports, watch


@dataclass
class Daemons:
    """What runs on nodes, as a test has it."""

    running: dict[str, dict[str, Daemon]]

    def daemons(self) -> dict[str, dict[str, Daemon]]:
        return {node: dict(running) for node, running in self.running.items()}

    def networked(self, nodes: object) -> dict[str, list[Networked]]:
        return {}


def cordoned(run: Run) -> Run:
    nodes = {**run.nodes, NODE: replace(run.nodes[NODE], status=NodeStatus.CORDONED)}
    return replace(run, phase=Phase.NODE_LOOP, nodes=nodes)


@pytest.mark.parametrize(("app", "told"), [("calico", 1), ("cilium", 0)])
def test_a_restart_of_ours_explains_no_other_daemon_of_its_node(app: str, told: int) -> None:
    """Felix clears programs of Cilium when it starts, whatever we did to the agent meanwhile."""
    run, ports, _ = watched()
    watcher = Daemons({NODE: {"cilium": Daemon("1", True), "calico": Daemon("1", True)}})
    alarms = Alarms(replace(ports, watcher=watcher), Pace())
    moved = {**run.nodes, NODE: replace(run.nodes[NODE], status=NodeStatus.UNCORDONED)}
    run = replace(run, phase=Phase.CANARY, nodes=moved)
    there = {NODE: ports.cluster.get("nodes", NODE) or {}}
    assert not list(alarms.changes(run, 0, there))
    alarms.ordered(Command(Name.RESTART_AGENT, NODE))
    watcher.running[NODE][app] = Daemon("2", True)
    restarts = [e for e in alarms.changes(run, 15, there) if e.kind is Kind.AGENT_RESTARTED]
    assert len(restarts) == told
