"""What is left of the disruption budgets while pods go: the arithmetic of evictions before anybody evicts.

Source: cluster-autoscaler ``core/scaledown/pdb`` (RemainingPdbTracker) and Kubernetes
``pkg/registry/core/pod/storage/eviction.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrate.model.pods import Pod
from migrate.model.workloads import Budget, selects

__all__ = ["Blocked", "BudgetIndex", "RemainingBudgets"]


class BudgetIndex:
    """Says which budgets select a pod; pods with equal labels, as those of one workload are, are looked up once."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        self._budgets: dict[str, list[Budget]] = {}
        for budget in budgets:
            self._budgets.setdefault(budget.namespace, []).append(budget)
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], list[Budget]] = {}

    def of(self, pod: Pod) -> list[Budget]:
        """Give the budgets of the pod's namespace that select it, in their order."""
        budgets = self._budgets.get(pod.namespace)
        if not budgets:
            return []
        key = pod.namespace, frozenset(pod.labels.items())
        if key not in self._known:
            self._known[key] = [b for b in budgets if selects(b.selector, pod.labels)]
        return self._known[key]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A pod that cannot go, and the budget that keeps it."""

    pod: Pod
    budget: Budget


class RemainingBudgets:
    """The disruptions that each budget still allows; they are used up by ``take`` and never come back by themselves."""

    def __init__(self, budgets: Iterable[Budget]) -> None:
        listed = tuple(budgets)
        self._index = BudgetIndex(listed)
        self.left = {b.label: b.allowed for b in listed}

    def covering(self, pod: Pod) -> list[Budget]:
        """Give the budgets that select a pod and that an eviction of it would ask.

        A pod that has ended, is going or does not run yet goes without asking any.
        """
        if pod.finished or pod.deleted_at or pod.phase == "Pending":
            return []
        return self._index.of(pod)

    def blocked(self, pods: Iterable[Pod]) -> list[Blocked]:
        """Give the pods that a budget would keep if all went now, one after another, and no successor came."""
        left, found = dict(self.left), []
        for pod in pods:
            covering = self.covering(pod)
            empty = next((b for b in covering if left[b.label] < 1), None)
            if empty is not None:
                found.append(Blocked(pod, empty))
                continue
            for budget in covering:
                left[budget.label] -= 1
        return found

    def take(self, pods: Sequence[Pod]) -> None:
        """Use the budgets of pods that go; those of ``blocked`` must not be among them."""
        for pod in pods:
            for budget in self.covering(pod):
                self.left[budget.label] -= 1
