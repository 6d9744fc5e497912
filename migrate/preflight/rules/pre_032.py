"""PRE-032: a pod under two budgets cannot be evicted at all: the server answers 500 for ever (measured).

Seen in the selectors, or in the answer of a rehearsed eviction.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import covering, evicted

__all__ = ["RULE"]

FAULT = 500
SAID = "more than one PodDisruptionBudget"


def check(case: Case) -> Iterator[Hit]:
    """Count the budgets over every pod that the run evicts."""
    answers = case.snapshot.answers.evictions or {}
    for pod in evicted(case):
        budgets = [b.label for b in covering(case, pod)]
        status, message = answers.get(pod.label, (0, ""))
        told = status == FAULT and SAID in message
        if len(budgets) > 1 or told:
            names = " and ".join(budgets) if len(budgets) > 1 else "more than one PDB"
            evidence = {"budgets": budgets, "eviction": message}
            yield Hit(f"Pod/{pod.label}", {"p": pod.label, "pdbs": names}, evidence, pod.node)


RULE = Rule(
    number=32,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="Pod under several PDBs",
    message="Pod {p} is covered by {pdbs}",
    remedy="merge the PDBs, or narrow the selector of one",
    check=check,
    failures=(19,),
    reads=("pods", "poddisruptionbudgets.policy"),
)
