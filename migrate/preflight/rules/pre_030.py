"""PRE-030: a budget that lets nobody go at this moment: the drain would wait for it.

Asked are budgets over pods that the run evicts. A rehearsed eviction counts beside the status, which may be old. Whether
the budget could ever let one go is PRE-031. Pods that a hook names do not count: the run carries it out before their
eviction.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.workloads import Budget
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule
from migrate.preflight.views_eviction import budget_path, covered, covering, evicted, hooked
from migrate.preflight.views_owners import maker_of

__all__ = ["RULE"]

REFUSED = 429
NOT_YET = "still being processed"


def check(case: Case) -> Iterator[Hit]:
    """Name each budget at its limit, and whose pods stand under it."""
    refused = _refused(case)
    for budget in case.snapshot.budgets:
        pods = [p for p in covered(case).get(budget.label, ()) if not hooked(case, p)]
        answers = refused.get(budget.label, {})
        if pods and (budget.allowed < 1 or answers):
            makers = sorted({str(maker_of(case, pod)) for pod in pods})
            evidence = {
                "disruptionsAllowed": budget.allowed,
                "currentHealthy": budget.healthy,
                "desiredHealthy": budget.desired,
                "pods": [p.label for p in pods],
                "evictions": answers,
            }
            fills = {"p": budget.label, "o": ", ".join(makers)}
            yield Hit(budget_path(budget), fills, evidence)


def _refused(case: Case) -> dict[str, dict[str, str]]:
    """Give by budget the rehearsed evictions that the server refused for it."""
    found: dict[str, dict[str, str]] = {}
    for pod in evicted(case):
        status, message = (case.snapshot.answers.evictions or {}).get(pod.label, (0, ""))
        budgets: list[Budget] = covering(case, pod)
        if status == REFUSED and NOT_YET not in message and len(budgets) == 1:
            found.setdefault(budgets[0].label, {})[pod.label] = message
    return found


RULE = Rule(
    number=30,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="PDB at its limit",
    message="PDB {p} allows no eviction now (owner {o})",
    remedy="wait until its pods are healthy, let a hook switch over (nodes.hooks), or leave the node for later",
    check=check,
    failures=(19,),
    reads=("pods", "poddisruptionbudgets.policy"),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
