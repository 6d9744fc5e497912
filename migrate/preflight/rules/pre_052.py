"""PRE-052: replicas that must keep apart need one node more than there are replicas; company needs its company.

Simulated as PRE-020, so anti-affinity of others counts as much as the workload's own, and a pod that must run beside
another is named where that other has no place near it either.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.displacement import Pending
from migrate.engine.filters import Filter
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_owners import Maker, maker_of
from migrate.preflight.views_waves import held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each such workload once, with its pods."""
    yield from unseen_constraints(case)
    found: dict[Maker, list[Pending]] = {}
    for _, pending in held_up(case, Filter.APART, Filter.AFFINITY):
        for item in pending:
            found.setdefault(maker_of(case, item.pod), []).append(item)
    for maker, items in sorted(found.items(), key=lambda pair: pair[0].path):
        company = all(Filter.APART not in item.nearest for item in items)
        evidence = {
            "replicas": maker.replicas,
            "eligible nodes": len(items[0].places),
            "pods": {item.pod.label: item.words for item in items},
        }
        message = "{w}: pod affinity leaves no place" if company else ""
        node = items[0].pod.node if len(items) == 1 else ""
        yield Hit(maker.path, {"w": maker.label}, evidence, node, message=message)


RULE = Rule(
    number=52,
    group=Group.PLACEMENT,
    severity=Severity.BLOCK,
    title="Anti-affinity leaves no place",
    message="{w}: anti-affinity leaves no place",
    remedy="scale {w} below the number of nodes that suit it, add a node, or nodes.move: recycle",
    check=check,
    reads=("nodes", "pods"),
)
