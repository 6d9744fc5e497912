"""How a run that came to rest ends the process (``state.md`` §10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.engine.machine import begin
from migrate.entrypoints.cli.endings import ending_of
from migrate.exitcodes import ExitCode
from migrate.model.run import NodeRun, NodeStatus, Run, RunStatus
from tests.unit.migrate.test_rehearsal import planned


def left(*states: NodeStatus) -> Run:
    """Give a run that halted because nodes are left, with nodes in these states."""
    plan, _ = planned()
    run = begin("7f3a0000", plan, [])
    nodes = {f"node-{n}": NodeRun(f"node-{n}", status) for n, status in enumerate(states)}
    return replace(run, status=RunStatus.HALTED, reason="nodes-left", nodes=nodes)


@pytest.mark.parametrize(
    ("states", "code", "word"),
    [
        ((NodeStatus.DONE, NodeStatus.ROLLED_BACK), ExitCode.ROLLED_BACK, "NodeRolledBack"),
        ((NodeStatus.GONE, NodeStatus.ROLLED_BACK, NodeStatus.ROLLED_BACK), ExitCode.ROLLED_BACK, "NodeRolledBack"),
        ((NodeStatus.DONE, NodeStatus.SKIPPED), ExitCode.HALTED, "NodesLeft"),
        ((NodeStatus.SKIPPED, NodeStatus.ROLLED_BACK), ExitCode.HALTED, "NodesLeft"),
        ((NodeStatus.HALTED, NodeStatus.ROLLED_BACK), ExitCode.HALTED, "NodesLeft"),
    ],
)  # fmt: skip
def test_nodes_that_all_went_back_are_a_rollback_and_others_a_halt(
    states: tuple[NodeStatus, ...], code: ExitCode, word: str
) -> None:
    ending = ending_of(left(*states))
    assert (ending.code, ending.reason, ending.runbook) == (code, word, "nodes-left")
