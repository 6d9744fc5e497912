"""The arithmetic of budgets, and what a node's confs over time say."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.controlplane.client import Api, Object
from tests.controlplane.watcher import Budget, Observed, Watcher, is_healthy, needed

PODS: list[Object] = [
    {
        "metadata": {"uid": f"u{n}", "namespace": "shop", "labels": {"app": "web"}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    for n in range(3)
]


class Listed:
    """An API server with three healthy pods under one budget, and what happens to them."""

    def get(self, path: str) -> Object:
        return {"metadata": {"resourceVersion": "7"}, "items": PODS if path.endswith("pods") else []}

    def items(self, path: str) -> list[Object]:
        spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
        return [{"metadata": {"namespace": "shop", "name": "web"}, "spec": spec}] if "budgets" in path else []

    def watch(self, path: str, version: str) -> Any:
        del path, version
        first, second, third = PODS
        elsewhere = {**third["metadata"], "uid": "u9", "namespace": "other"}
        yield {"type": "MODIFIED", "object": {**first, "status": {}}}
        yield {"type": "MODIFIED", "object": first}
        yield {"type": "MODIFIED", "object": {**second, "metadata": {**second["metadata"], "labels": {}}}}
        yield {"type": "DELETED", "object": {**third, "metadata": elsewhere}}
        yield {"type": "DELETED", "object": third}
        yield {"type": "ADDED", "object": {**third, "metadata": {**third["metadata"], "uid": "u4"}}}
        yield {"type": "ERROR", "object": {}}


def test_the_fewest_that_were_ever_healthy_are_kept() -> None:
    """Of three one is not Ready for a while, one loses its label, one goes and another comes: one was left at the least."""
    watcher = Watcher(cast("Api", Listed()))
    watcher._start()
    assert watcher.observed.budgets["shop/web"] == Budget("shop/web", 2, 3)
    for event, left in zip(Listed().watch("", ""), (2, 2, 2, 2, 1, 1, 1), strict=True):
        if event["type"] != "ERROR":
            watcher._see(event)
        assert watcher.observed.budgets["shop/web"].lowest == left


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
