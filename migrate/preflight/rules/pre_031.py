"""PRE-031: a budget that can never let a pod go, however healthy everything is.

``maxUnavailable`` of 0, or ``minAvailable`` that is no less than what its controllers want; percentages are rounded up,
as the disruption controller does. Pods that a hook names do not count: it scales up, or hands over, before their
eviction. Expected is what the controller counted, else the pods that the selector finds.
Source: Kubernetes ``pkg/controller/disruption/disruption.go`` getExpectedPodCount.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.workloads import Budget, selects
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import budget_path, covered, hooked

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Do the sum for every budget over pods that the run evicts."""
    for budget in case.snapshot.budgets:
        pods = [p for p in covered(case).get(budget.label, ()) if not hooked(case, p)]
        expected = _expected(case, budget)
        if pods and expected and _never(budget, expected):
            evidence = {
                "minAvailable": budget.min_available,
                "maxUnavailable": budget.max_unavailable,
                "expectedPods": expected,
                "pods": [p.label for p in pods],
            }
            yield Hit(budget_path(budget), {"p": budget.label}, evidence)


def _expected(case: Case, budget: Budget) -> int:
    if budget.expected and budget.observed >= budget.generation:
        return budget.expected
    own = (p for p in case.snapshot.pods if p.namespace == budget.namespace and not p.finished)
    return sum(selects(budget.selector, p.labels) for p in own)


def _never(budget: Budget, expected: int) -> bool:
    if budget.max_unavailable is not None:
        return _scaled(budget.max_unavailable, expected) < 1
    least = budget.min_available
    return least is not None and _scaled(least, expected) >= expected


def _scaled(value: int | str, of: int) -> int:
    """Give a count, or a percentage of ``of`` rounded up; what is neither counts as 0."""
    if isinstance(value, int):
        return value
    number = value.strip().removesuffix("%")
    if not number.isdigit():
        return 0
    return -(-int(number) * of // 100) if value.strip().endswith("%") else int(number)


RULE = Rule(
    number=31,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="PDB never lets a pod go",
    message="PDB {p} blocks every drain",
    remedy="scale its workload up, change PDB {p}, or let a hook switch over (nodes.hooks); recycling needs its owner's consent",
    check=check,
    failures=(19,),
    reads=("pods", "poddisruptionbudgets.policy"),
)
