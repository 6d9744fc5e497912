"""The table of a plan: what is done to many nodes is told once, and every node is counted."""

from __future__ import annotations

import re

import pytest

from migrate.model.plan import Plan
from migrate.render.plan import table
from migrate.render.terminal import Canvas
from tests.unit.migrate.test_rehearsal import planned

COUNTED = re.compile(r"^  P5 +(?P<which>\S+|(?P<count>\d+) nodes) +as (?P<like>\S+)")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned()[0]


def test_every_node_of_the_loop_is_told_or_counted(plan: Plan) -> None:
    lines = table(plan, Canvas(width=None)).splitlines()
    told = {line.split()[1] for line in lines if re.match(r"  P5 +\S+ +Cordon ", line)}
    counted = [found for found in map(COUNTED.match, lines) if found]
    assert told
    assert {found["like"] for found in counted} <= told
    nodes = {step.node for step in plan.steps if step.phase == "P5" and step.node}
    assert len(told) + sum(int(found["count"] or 1) for found in counted) == len(nodes)
    assert len(told) < len(nodes)


def test_a_reader_of_rows_gets_every_step(plan: Plan) -> None:
    rows = table(plan, Canvas(width=None, rows_only=True)).splitlines()
    steps = [row for row in rows if re.match(r" *P\d+ ", row) and " as " not in row]
    assert len(steps) >= len(plan.steps)
