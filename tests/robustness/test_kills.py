"""A process that dies at any record of any journal, for runs of every sort: the one that resumes comes to the same end.

The same end is the same state of every node, workload, release and object, with no reboot more, and the same state of the
run. ``make test`` kills at one record in thirty-one of each journal, ``make test-long`` at every one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from migrate.kills import at_every_record, killed
from migrate.model.events import Event, Kind
from migrate.model.run import NodeStatus
from migrate.rehearsal import Ended, Intervention, rehearse
from migrate.simulator.faults import chosen
from tests import capabilities
from tests.scenarios import SHORT
from tests.unit.migrate.test_rehearsal import planned

EVERY = 1 if capabilities.is_long() else 31


@dataclass(frozen=True)
class Course:
    """A run of one sort: settings, what goes wrong, what a person asks, and where it ends.

    ``may_differ``: amid evictions it is a matter of seconds which pods are gone, and to which node they went.
    """

    name: str
    ends: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    asked: tuple[Intervention, ...] = ()
    cordoned: tuple[str, ...] = ()
    may_differ: frozenset[str] = frozenset()


def ask(
    kind: Kind, node: str = "", at: str = "", status: NodeStatus | None = None, **detail: object
) -> Intervention:
    return Intervention(Event(kind, node, detail=detail, by="alice"), at, status)


AFTER = {"nodes": {"move": "recycle", "recycleOrder": "after"}}
COURSES = (
    Course("plain", "DONE"),
    Course("recycle, order hold", "DONE", {"nodes": {"move": "recycle"}}),
    Course("recycle, order after", "DONE", AFTER),
    Course("reboot", "DONE", {"nodes": {"reboot": "always"}}),
    Course("policies enforced in the window", "DONE", {"policyInWindow": "bridged"}),
    Course("two nodes at once", "DONE", {"waves": {"parallel": 2}}),
    Course("a node goes back", "HALTED(node-rolled-back)", faults=("agent-never-ready@wrk-1",)),
    Course("a gate halts", "HALTED(gate-03-first-cni-file)", {"onFailure": "halt"}, ("conf-not-written@wrk-1",),
           cordoned=("wrk-1",)),
    Course("everything goes back", "ROLLED_BACK", asked=(ask(Kind.ROLLBACK_REQUESTED),)),
    Course("everything goes back midway", "ROLLED_BACK",
           asked=(ask(Kind.ROLLBACK_REQUESTED, at="wrk-1", status=NodeStatus.CNI_SWITCHED),)),
    Course("aborted before the cordon", "ABORTED",
           asked=(ask(Kind.ABORT_REQUESTED, at="wrk-1", status=NodeStatus.PREFLIGHTED),)),
    Course("aborted while draining", "ABORTED",
           asked=(ask(Kind.ABORT_REQUESTED, at="wrk-1", status=NodeStatus.CORDONED),),
           may_differ=frozenset({"pods"})),
    Course("aborted after the switch", "ABORTED",
           asked=(ask(Kind.ABORT_REQUESTED, at="wrk-1", status=NodeStatus.CNI_SWITCHED),)),
    Course("aborted with the way back", "ABORTED",
           asked=(ask(Kind.ABORT_REQUESTED, at="wrk-1", status=NodeStatus.PROBED, rollback=True),)),
    Course("paused and resumed", "DONE",
           asked=(ask(Kind.PAUSE_REQUESTED, at="wrk-1", status=NodeStatus.DRAINED), ask(Kind.RESUME))),
    Course("one node back and again", "DONE",
           asked=(ask(Kind.PAUSE_REQUESTED, at="wrk-1", status=NodeStatus.UNCORDONED),
                  ask(Kind.ROLLBACK_REQUESTED, "wrk-1"), ask(Kind.RETRY_REQUESTED, "wrk-1"), ask(Kind.RESUME))),
)  # fmt: skip


def whole(course: Course) -> Ended:
    plan, snapshot = planned(**SHORT, **course.settings)
    return rehearse(plan, snapshot, faults=chosen(course.faults), course=course.asked)


@pytest.mark.parametrize("course", COURSES, ids=lambda c: c.name)
def test_a_run_killed_anywhere_comes_to_the_end_of_the_one_left_alone(course: Course) -> None:
    plan, snapshot = planned(**SHORT, **course.settings)
    alone, first = whole(course), len(course.name) % EVERY
    kills = killed(
        plan, snapshot, alone, lambda p: at_every_record(p) and p.record % EVERY == first, to_the_end=True
    )
    assert len(kills) >= len(alone.records) // EVERY - 1
    assert [kill.told for kill in kills if set(kill.different) - course.may_differ or kill.broken] == []


@pytest.mark.parametrize("course", COURSES, ids=lambda c: c.name)
def test_a_run_left_alone_ends_as_meant_and_leaves_no_cordon_and_no_guard_of_ours(course: Course) -> None:
    ended = whole(course)
    assert ended.run.where == course.ends
    assert not ended.broken
    nodes = ended.state["nodes"]
    assert [n for n, node in nodes.items() if node["unschedulable"]] == list(course.cordoned)
    assert not [n for n, node in nodes.items() if any(t.startswith("c2c/") for t in node["taints"])]
    if ended.run.status.terminal and "wrk-1" not in course.cordoned:
        left = {k for node in nodes.values() for k in node["annotations"] if k.startswith("c2c/cordoned")}
        assert left == set()
    rebooted = 1 if course.settings.get("nodes") == {"reboot": "always"} else 0
    assert {node["reboots"] for node in nodes.values()} == {rebooted}
