"""What a plan is bound to, held against what a cluster holds now: each sort of object whose change makes it stale, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from migrate.engine.bound import Scope, bound, changed, reads
from tests import clusters
from tests.bonds import AT_REST, CLUSTER, STALE, Row, edited
from tests.clusters import Object


def known(objects: Sequence[Object] = CLUSTER) -> dict[str, tuple[str, str]]:
    return bound(clusters.snapshot_of(objects))


@pytest.mark.parametrize("row", STALE, ids=str)
def test_a_change_is_named_with_its_object(row: Row) -> None:
    assert changed(known(), edited(row), Scope.PLAN) == [f"{row.says} since the plan was made"]


@pytest.mark.parametrize("row", STALE, ids=str)
def test_while_a_run_is_under_way_only_what_was_proved_counts(row: Row) -> None:
    found = [bool(changed(known(), edited(row), scope)) for scope in Scope]
    assert found == [row.scope <= scope for scope in Scope]


@pytest.mark.parametrize("row", AT_REST, ids=str)
def test_what_a_run_does_itself_and_what_changes_by_itself_makes_no_plan_stale(row: Row) -> None:
    assert changed(known(), edited(row), Scope.PLAN) == []


def test_every_kind_is_read_for_the_scope_that_asks_for_it() -> None:
    listed = {scope: {name for names in reads(scope) for name in names} for scope in Scope}
    assert listed[Scope.POLICIES] < listed[Scope.SUBJECTS] < listed[Scope.PLAN]
    assert listed[Scope.SUBJECTS] - listed[Scope.POLICIES] == {"namespaces", "serviceaccounts"}
    assert {"nodes", "poddisruptionbudgets.policy", "installations.operator.tigera.io"} <= listed[Scope.PLAN]


def test_policies_of_calico_and_of_kubernetes_with_one_name_are_told_apart() -> None:
    of_calico = clusters.thing("NetworkPolicy", "web", "shop", api=clusters.CALICO, spec={"order": 7})
    both = [*CLUSTER, of_calico]
    found = changed(known(both), [*CLUSTER, {**of_calico, "spec": {"order": 8}}], Scope.POLICIES)
    assert found == ["NetworkPolicy/shop/web was changed since the plan was made"]


def test_what_a_snapshot_hides_is_no_change() -> None:
    live = clusters.thing(
        "FelixConfiguration", "node.wrk-1", api=clusters.CALICO, spec={"prometheusMetricsClientAuth": "Need"}
    )
    kept = {**live, "spec": {"prometheusMetricsClientAuth": "<redacted>"}}
    assert changed(known([*CLUSTER, kept]), [*CLUSTER, live], Scope.PLAN) == []


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ({}, {}, []),
        ({}, {"status": "deployed", "revision": 1}, ["Release/cilium was changed since the plan was made"]),
        ({"status": "deployed", "revision": 1, "values": {"a": 1}}, {"status": "deployed", "revision": 1}, []),
        (None, {"status": "deployed", "revision": 1}, []),
        ({}, None, []),
    ],
)  # fmt: skip
def test_the_release_counts_where_helm_was_asked(
    before: dict[str, object] | None, now: dict[str, object] | None, says: list[str]
) -> None:
    snapshot = clusters.snapshot_of(CLUSTER)
    planned = bound(replace(snapshot, answers=replace(snapshot.answers, release=before)))
    assert changed(planned, CLUSTER, Scope.PLAN, now) == says
