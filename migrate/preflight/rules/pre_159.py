"""PRE-159: what Calico drops today only Calico can tell; without it the flow gate has nothing to compare with.

A baseline covers the nodes that it saw events of; nodes that it calls blind, or does not name, are not covered.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.drafting import in_scope
from migrate.model.fields import items, mapping, number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every node without a baseline."""
    baseline = case.snapshot.baseline or {}
    seen, blind = mapping(baseline, "seen"), {str(n) for n in items(baseline, "blind")}
    for node in in_scope(case.snapshot):
        if node.name in blind or not number(seen, node.name):
            yield Hit(f"node/{node.name}", {"n": node.name}, {"blind": node.name in blind})


RULE = Rule(
    number=159,
    group=Group.OBSERVABILITY,
    severity=Severity.WARN,
    title="No flow baseline",
    message="No flow baseline for {n}; gate G-17 relies on probes",
    remedy="enable Goldmane (Calico 3.30+) or counters, and record: c2c gate baseline",
    check=check,
    failures=(31,),
    reads=("nodes",),
)
