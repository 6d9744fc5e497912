"""Which rows of the probe matrix lead out of the cluster: those to the targets that were configured, from whom a step looks at."""

from __future__ import annotations

import pytest

from migrate.driver.deeds import Workshop
from migrate.driver.rows import rows_of
from migrate.engine.machine import begin
from migrate.model.commands import Command, Name
from tests import clusters
from tests.unit.migrate.test_rehearsal import planned, world_of

TARGETS = ["db.example:5432", "[2001:db8::1]:443"]


@pytest.mark.parametrize(
    ("rows", "sources"),
    [
        ("node", ["wrk-1"]),
        ("back", ["wrk-1"]),
        ("mixed", []),
        ("address", []),
        ("baseline", sorted(clusters.NODES)),
        ("all", sorted(clusters.NODES)),
    ],
)
@pytest.mark.parametrize("targets", [[], TARGETS])
def test_each_target_is_connected_to_once_from_each_node_that_is_looked_at(
    rows: str, sources: list[str], targets: list[str]
) -> None:
    plan, snapshot = planned(gates={"probes": {"external": targets}})
    run = begin("7f3a0000", plan, sorted(plan.draft.nodes))
    work = Workshop(world_of(snapshot, plan.draft.settings).ports(), plan, run)
    found = rows_of(work, Command(Name.PROBE, "wrk-1", {"rows": rows}))
    outside = [(row.source, row.target) for row in found if row.kind == "external"]
    assert outside == [(source, target) for source in sources for target in targets]
