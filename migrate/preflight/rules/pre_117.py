"""PRE-117: flows are joined by time, so clocks must agree to two seconds (F-31)."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

LIMIT_S = 2.0


def check(case: Case) -> Iterator[Hit]:
    """Name each node whose clock is off, either way."""
    for facts in case.facts("clock_offset_s"):
        offset = facts.at("clock_offset_s")
        if isinstance(offset, int | float) and abs(offset) > LIMIT_S:
            fills = {"n": facts.node, "s": f"{offset:+.1f} s"}
            yield Hit(f"node/{facts.node}", fills, {"offset_s": offset}, facts.node)


RULE = Rule(
    number=117,
    group=Group.ACCESS,
    severity=Severity.WARN,
    title="Clock off",
    message="{n}: clock off by {s}",
    remedy="synchronise time on the node (chrony, systemd-timesyncd); windows of flows are void until then",
    check=check,
    failures=(31,),
    facts=("clock_offset_s",),
)
