"""PRE-024: pods that are Pending already cannot be told from those that the migration leaves Pending.

Counted are pods in phase Pending that nobody is deleting, whatever they wait for: a node, an image, a volume.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count them, and say where each stands."""
    found = [p for p in case.snapshot.pods if p.phase == "Pending" and not p.deleted_at]
    if found:
        evidence = {p.label: p.waiting or (f"on {p.node}" if p.node else "not scheduled") for p in found}
        yield Hit("cluster/pods", {"k": len(found)}, {"pods": evidence})


RULE = Rule(
    number=24,
    group=Group.CAPACITY,
    severity=Severity.WARN,
    title="Pods are Pending already",
    message="{k} pods are Pending already",
    remedy="mend or delete them first, else no gate can say whose they are",
    check=check,
    reads=("pods",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
