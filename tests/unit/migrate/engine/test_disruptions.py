"""Budgets are used up while pods go, across all nodes of a wave."""

from __future__ import annotations

from typing import Any

from migrate.engine.disruptions import RemainingBudgets
from migrate.model.pods import Pod
from migrate.model.workloads import Budget
from tests import clusters


def budget(allowed: int, name: str = "web", app: str = "web") -> Budget:
    made = clusters.budget(name, "shop", {"app": app}, pods=3)
    made["status"]["disruptionsAllowed"] = allowed
    return Budget.from_dict(made)


def pods(count: int, **more: Any) -> list[Pod]:
    return [
        Pod.from_dict(clusters.pod(f"web-{i}", "shop", "n", "10.244.0.9", labels={"app": "web"}, **more))
        for i in range(count)
    ]


def test_the_pod_after_the_last_allowed_one_is_blocked() -> None:
    (blocked,) = RemainingBudgets([budget(2)]).blocked(pods(3))
    assert (blocked.pod.name, blocked.budget.label) == ("web-2", "shop/web")


def test_asking_uses_nothing_up_and_taking_does() -> None:
    left = RemainingBudgets([budget(1)])
    assert left.blocked(pods(1)) == []
    assert left.blocked(pods(1)) == []
    left.take(pods(1))
    assert len(left.blocked(pods(1))) == 1


def test_a_pod_under_two_budgets_needs_both() -> None:
    left = RemainingBudgets([budget(1), budget(0, "strict")])
    assert [b.budget.label for b in left.blocked(pods(1))] == ["shop/strict"]


def test_pods_that_have_ended_or_are_going_ask_no_budget() -> None:
    ended, going, waiting = (clusters.pod(n, "shop", "n", "", labels={"app": "web"}) for n in ("a", "b", "c"))
    ended["status"]["phase"] = "Succeeded"
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    waiting["status"]["phase"] = "Pending"
    assert RemainingBudgets([budget(0)]).blocked(Pod.from_dict(p) for p in (ended, going, waiting)) == []


def test_a_budget_of_another_namespace_or_application_is_not_asked() -> None:
    other = Pod.from_dict(clusters.pod("x", "other", "n", "", labels={"app": "web"}))
    assert RemainingBudgets([budget(0), budget(0, "db", "db")]).covering(other) == []
