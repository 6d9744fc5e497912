"""PRE-190: a lock on a node that is held means that an earlier module still works there, an orphan perhaps (F-49).

Who holds it says so in the file; our own run while it goes on is no stranger.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number, text, truth
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node whose lock is held by another run."""
    for facts in case.facts("lock"):
        lock = facts.at("lock")
        run = text(lock, "run")
        if not truth(lock, "held") or (run and run == case.draft.run):
            continue
        pid = number(lock, "pid")
        fills = {"n": facts.node, "pid": pid or "a process", "run": run or "unknown"}
        yield Hit(f"node/{facts.node}", fills, {"lock": lock}, facts.node)


RULE = Rule(
    number=190,
    group=Group.ACCESS,
    severity=Severity.BLOCK,
    title="A module still works on a node",
    message="{n}: {pid} of run {run} still works on this node",
    remedy="wait, minutes at most: it ends by itself; then run preflight again",
    check=check,
    failures=(49,),
    facts=("lock",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
