"""PRE-166: until when the way back is open, and how long it takes; always said."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_plan import back_seconds, duration

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Say the estimate of one node's way back."""
    seconds = back_seconds(case)
    yield Hit("plan", {"t": duration(seconds)}, {"p50_s": seconds, "nodes": len(case.draft.nodes)})


RULE = Rule(
    number=166,
    group=Group.TIME,
    severity=Severity.INFO,
    title="Point of no return",
    message="Point of no return is phase P10; rollback takes ≈ {t} per node",
    remedy="",
    check=check,
)
