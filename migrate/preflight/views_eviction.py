"""What a run evicts, and what stands around it: budgets, hooks of the user, sizes in words.

Evicted are the pods that a drain moves, whether they leave or come back; before a reboot or a replacement the pods of
the host's network go as well. DaemonSets' pods and static ones are not evicted by us at any time.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate.engine.disruptions import RemainingBudgets
from migrate.model.pods import Pod
from migrate.model.workloads import Budget
from migrate.preflight.rule import Case
from migrate.preflight.views_waves import mode_of, moving

__all__ = ["budget_path", "covered", "covering", "evicted", "hooked", "in_words", "remaining"]

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024


def evicted(case: Case) -> tuple[Pod, ...]:
    """Give every pod that the run evicts, by node, namespace and name."""
    return case.once(_evicted)


def _evicted(case: Case) -> tuple[Pod, ...]:
    found = [pod for pods in moving(case).values() for pod in pods]
    stopped = {n for n in case.draft.nodes if mode_of(case, n) == "replace" or case.draft.nodes[n].reboot}
    found += [p for p in case.snapshot.pods if p.node in stopped and p.host_network and p.movable]
    return tuple(sorted(found, key=lambda p: (p.node, p.label)))


def remaining(case: Case) -> RemainingBudgets:
    """Give the budgets as they stand; nobody takes from them."""
    return case.once(_remaining)


def _remaining(case: Case) -> RemainingBudgets:
    return RemainingBudgets(case.snapshot.budgets)


def covering(case: Case, pod: Pod) -> list[Budget]:
    """Give the budgets that an eviction of the pod asks."""
    return remaining(case).covering(pod)


def covered(case: Case) -> Mapping[str, list[Pod]]:
    """Give by budget (``namespace/name``) the pods under it that the run evicts."""
    return case.once(_covered)


def _covered(case: Case) -> Mapping[str, list[Pod]]:
    found: dict[str, list[Pod]] = {}
    for pod in evicted(case):
        for budget in covering(case, pod):
            found.setdefault(budget.label, []).append(pod)
    return found


def budget_path(budget: Budget) -> str:
    """Give the path by which findings name a budget."""
    return f"PodDisruptionBudget/{budget.label}"


def hooked(case: Case, pod: Pod) -> bool:
    """Say whether a command of the user's goes before an eviction of the pod: the run carries it out (``RunHook``)."""
    return any(hook.names(pod) for hook in case.draft.settings.nodes.hooks)


def in_words(size: int) -> str:
    """Give bytes as a person reads them: ``5.2 MiB``."""
    amount = float(size)
    for unit in UNITS:
        if amount < STEP or unit == UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" or amount == int(amount) else f"{amount:.1f} {unit}"
        amount /= STEP
    return ""
