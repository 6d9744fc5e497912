"""PRE-016: a node that is not Ready cannot be migrated; one that a person cordoned is migrated and stays cordoned.

A NotReady node is skipped, and the run halts before P6 as long as nodes are left. A cordon of ours (its annotation
names the run) is not somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every node that is one or the other, or both."""
    for node in case.snapshot.nodes:
        ours = bool(case.draft.run) and node.annotations.get("c2c/cordoned-by") == case.draft.run
        cordoned = node.unschedulable and not ours
        if node.ready and not cordoned:
            continue
        state = " and ".join(
            (*(["NotReady"] if not node.ready else []), *(["unschedulable"] if cordoned else []))
        )
        then = "migrated, stays cordoned" if node.ready else "skipped, so the run halts before P6"
        status, reason = node.conditions.get("Ready", ("Unknown", ""))
        evidence = {"Ready": status, "reason": reason, "unschedulable": node.unschedulable}
        yield Hit(f"node/{node.name}", {"n": node.name, "state": state, "then": then}, evidence, node.name)


RULE = Rule(
    number=16,
    group=Group.IDENTITY,
    severity=Severity.WARN,
    title="Node is not ready or cordoned",
    message="Node {n} is {state}: {then}",
    remedy="repair {n}, or delete it; uncordon it if nobody needs the cordon",
    check=check,
    failures=(37,),
    reads=("nodes",),
)
