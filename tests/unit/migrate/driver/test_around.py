"""What a run sees of all its nodes at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.driver.around import cordons
from migrate.driver.on_nodes import CORDONED_BY, WAS_UNSCHEDULABLE
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.model.commands import Command, Name
from migrate.model.run import NodeStatus, Open, Run
from migrate.model.settings import Settings
from tests import clusters
from tests.films import healthy_snapshot

NODE = "wrk-1"


def run_with(status: NodeStatus, *under_way: Name) -> Run:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    run = begin("7f3a0000", plan, [n.name for n in snapshot.nodes])
    commands = [Command(name, NODE) for name in under_way]
    opened = {c.key: Open(c, 0, 600, NODE) for c in commands}
    return replace(run, nodes={**run.nodes, NODE: replace(run.nodes[NODE], status=status)}, open=opened)


@pytest.mark.parametrize(
    ("status", "under_way", "late"),
    [
        (NodeStatus.UNCORDONED, (Name.SOAK,), [NODE]),
        (NodeStatus.DONE, (), [NODE]),
        (NodeStatus.UNCORDONED, (Name.UNCORDON,), []),
        (NodeStatus.DRAINED, (), []),
    ],
)
def test_a_cordon_in_our_name_is_late_once_no_step_needs_it(
    status: NodeStatus, under_way: tuple[Name, ...], late: list[str]
) -> None:
    """A soak may last for hours, and needs none."""
    marks = {CORDONED_BY: "7f3a0000", WAS_UNSCHEDULABLE: "false"}
    live = {NODE: {"metadata": {"annotations": marks}, "spec": {"unschedulable": True}}}
    assert cordons(run_with(status, *under_way), live) == {"unknown": [], "late": late}
