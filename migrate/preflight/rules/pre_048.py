"""PRE-048: a budget that its controller has not looked at refuses every eviction, and for ever if nobody runs it.

The server answers 429 "still being processed" while ``observedGeneration`` is behind. A budget that was made less than a
minute ago may still be looked at; a change leaves no time behind, so a lag after one is taken for what it looks like.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_eviction import budget_path, covered
from migrate.preflight.views_time import seconds_between

__all__ = ["RULE"]

PATIENCE_S = 60
NOT_YET = "still being processed"


def check(case: Case) -> Iterator[Hit]:
    """Compare generations, and read what rehearsed evictions were told."""
    answers = case.snapshot.answers.evictions or {}
    for budget in case.snapshot.budgets:
        pods = covered(case).get(budget.label, ())
        told = {p.label: answers[p.label][1] for p in pods if NOT_YET in answers.get(p.label, (0, ""))[1]}
        behind = budget.observed < budget.generation
        age = seconds_between(budget.created_at, case.moment)
        young = age is not None and age <= PATIENCE_S
        if pods and (behind or told) and not young:
            evidence = {
                "generation": budget.generation,
                "observedGeneration": budget.observed,
                "createdAt": budget.created_at,
                "evictions": told,
            }
            yield Hit(budget_path(budget), {"p": budget.label}, evidence)


RULE = Rule(
    number=48,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="PDB is not observed",
    message="PDB {p} is not observed; every eviction will be refused",
    remedy="repair kube-controller-manager: its disruption controller does not run",
    check=check,
    failures=(19,),
    reads=("pods", "poddisruptionbudgets.policy"),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
