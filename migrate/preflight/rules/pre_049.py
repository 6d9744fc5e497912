"""PRE-049: with the order *hold* the first pod waits Pending for its node, and the budget refuses the next for ever.

So a node must not hold more pods of one budget than it lets go. Counted is what the budget allows now: nothing of it
comes back before the node is open again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import covering
from migrate.preflight.views_waves import moving

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count each budget's pods on every node that recycles in that order."""
    for name, plan in sorted(case.draft.nodes.items()):
        if plan.mode != "recycle" or plan.recycle_order != "hold":
            continue
        budgets = [b for pod in moving(case).get(name, ()) for b in covering(case, pod)]
        counts = Counter(b.label for b in budgets)
        for label, allowed in sorted({b.label: b.allowed for b in budgets}.items()):
            if counts[label] > allowed:
                fills = {"n": name, "p": label, "k": allowed, "m": counts[label]}
                evidence = {"disruptionsAllowed": allowed, "pods on the node": counts[label]}
                yield Hit(f"node/{name}", fills, evidence, name)


RULE = Rule(
    number=49,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="Holding would never end",
    message="{n}: PDB {p} lets {k} of {m} pods go; hold would never end",
    remedy="nodes.recycleOrder: after, or nodes.move: drain for {n}",
    check=check,
    failures=(19,),
    reads=("pods", "poddisruptionbudgets.policy"),
)
