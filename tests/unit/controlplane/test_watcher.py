"""The arithmetic of budgets, and what a node's confs over time say."""

from __future__ import annotations

import pytest

from tests.controlplane.watcher import Budget, Observed, is_healthy, needed


@pytest.mark.parametrize(
    ("spec", "expected", "kept"),
    [
        ({"minAvailable": 2}, 3, 2),
        ({"minAvailable": "50%"}, 3, 2),
        ({"maxUnavailable": 1}, 3, 2),
        ({"maxUnavailable": "50%"}, 3, 1),
        ({"maxUnavailable": 5}, 3, 0),
    ],
    ids=str,
)
def test_a_budget_keeps_what_the_controller_says(spec: dict[str, object], expected: int, kept: int) -> None:
    assert needed(spec, expected) == kept


def test_a_pod_that_is_being_deleted_is_not_healthy() -> None:
    pod = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert is_healthy(pod)
    assert not is_healthy({**pod, "metadata": {"deletionTimestamp": "now"}})
    assert not is_healthy({**pod, "status": {}})


def test_the_time_without_a_conf_is_kept() -> None:
    observed = Observed(confs={"n1": [(0.0, "10-calico.conflist"), (5.0, ""), (7.5, "05-cilium.conflist")]})
    assert observed.longest_without("n1") == 2.5
    assert observed.worked_with("n1") == ["10-calico.conflist", "", "05-cilium.conflist"]
    with pytest.raises(AssertionError, match="n1"):
        observed.check(switch_s=2)
    observed.check(switch_s=3)


def test_a_broken_budget_is_told() -> None:
    observed = Observed()
    observed.budgets["shop/web"] = Budget("shop/web", 2, 1)
    with pytest.raises(AssertionError, match="shop/web needs 2, had 1"):
        observed.check(switch_s=0)
