"""PRE-015: marks of another run say that its work may be half done; they are never taken for ours.

The ConfigMap of a run that ended well stays, and so may ``c2c/migrated-at``: neither is a finding. Of a run that was
given up (ABORTED), accepting the finding of a node adopts that node as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_marks import ENDED, marks_of, run_of, state_of

__all__ = ["RULE"]

UNNAMED = "(no name)"


def check(case: Case) -> Iterator[Hit]:
    """Look at every node and at the ConfigMap of the tool's namespace."""
    for node in case.snapshot.nodes:
        marks = [m for m in marks_of(node) if not m.run or m.run != case.draft.run]
        if marks:
            run = next((m.run for m in marks if m.run), UNNAMED)
            evidence = {"marks": [m.text for m in marks]}
            yield Hit(f"node/{node.name}", {"n": node.name, "run": run}, evidence, node.name)
    for item in case.snapshot.of("configmaps"):
        if item.name != "c2c-run" or item.namespace != case.draft.settings.namespace:
            continue
        run, state = run_of(item), text(state_of(item), "status")
        if (run and run == case.draft.run) or state in ENDED:
            continue
        fills = {"n": item.path, "run": run or UNNAMED, "state": state or "a state that cannot be read"}
        yield Hit(item.path, fills, {"run": run, "state": state}, message="{n} holds run {run} in {state}")


RULE = Rule(
    number=15,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Marks of another run",
    message="Node {n} carries marks of run {run}",
    remedy="c2c resume --run {run}, or c2c abort --run {run}; of an aborted run, accept this to adopt the node",
    check=check,
    failures=(22,),
    reads=("nodes", "configmaps"),
)
