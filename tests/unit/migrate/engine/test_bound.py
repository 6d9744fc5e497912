"""What a plan is bound to, held against what a cluster lists now: policies, tiers and sets, each change by its object."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import pytest

from migrate.engine.bound import bound, changed_policies
from migrate.model.resources import resource_of
from tests import clusters
from tests.clusters import Object

CALICO = "crd.projectcalico.org/v1"
POLICIES = [
    clusters.thing("GlobalNetworkPolicy", "deny", api=CALICO, spec={"order": 10}),
    clusters.thing("NetworkPolicy", "default.web", "shop", api=CALICO, spec={"order": 20}),
    clusters.thing("NetworkPolicy", "web", "shop", api="networking.k8s.io/v1", spec={"podSelector": {}}),
    clusters.thing("GlobalNetworkSet", "bad", api=CALICO, spec={"nets": ["192.0.2.0/24"]}),
    clusters.thing("Tier", "security", api=CALICO, spec={"order": 100}),
]
KNOWN = bound(clusters.snapshot_of([*clusters.healthy(), *POLICIES]))


def listing(objects: Iterable[Object]) -> Callable[[str], list[Object]]:
    """Give what a cluster would list: by resource, as whole objects."""
    kept = list(objects)
    return lambda resource: [o for o in kept if resource_of(o["apiVersion"], o["kind"]) == resource]


def changed(index: int, **spec: object) -> list[Object]:
    found = copy.deepcopy([*POLICIES, *clusters.healthy()])
    found[index]["spec"] |= spec
    return found


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "GlobalNetworkPolicy/deny"), (1, "NetworkPolicy/shop/default.web"), (2, "NetworkPolicy/shop/web"),
        (3, "GlobalNetworkSet/bad"), (4, "Tier/security"),
    ],
)  # fmt: skip
def test_a_change_names_its_object(index: int, path: str) -> None:
    found = list(changed_policies(KNOWN, listing(changed(index, order=11))))
    assert found == [f"{path} was changed since the plan was made"]


def test_what_comes_and_goes_is_named() -> None:
    new = clusters.thing("NetworkPolicy", "new", "shop", api="networking.k8s.io/v1", spec={})
    assert list(changed_policies(KNOWN, listing([*clusters.healthy(), *POLICIES[1:], new]))) == [
        "GlobalNetworkPolicy/deny was deleted since the plan was made",
        "NetworkPolicy/shop/new was made since the plan was made",
    ]


def test_versions_labels_and_objects_of_the_run_change_nothing() -> None:
    objects = copy.deepcopy([*clusters.healthy(), *POLICIES])
    for item in objects:
        item["metadata"] |= {"resourceVersion": "77", "labels": {"team": "a"}}
    ours = clusters.thing("GlobalNetworkPolicy", "c2c-host", api=CALICO, spec={})
    ours["metadata"]["labels"] = {"c2c/owned": "true"}
    assert list(changed_policies(KNOWN, listing([*objects, ours]))) == []
