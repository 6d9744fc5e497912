"""The same name becomes the same pseudonym everywhere, and what belonged together still does."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.model.pseudonyms import Pseudonyms, is_system

TABLE = Pseudonyms(["wrk-1.corp.example"], ["shop"], ["web", "web-6c9f", "db"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"metadata": {"name": "web-6c9f", "namespace": "shop"}},
            {"metadata": {"name": "name-3", "namespace": "ns-1"}},
        ),
        ({"spec": {"nodeName": "wrk-1.corp.example"}}, {"spec": {"nodeName": "node-1"}}),
        ({"metadata": {"labels": {"app": "web"}}}, {"metadata": {"labels": {"app": "name-2"}}}),
        (
            {"spec": {"selector": "app == 'web' && web == 'x'"}},
            {"spec": {"selector": "app == 'name-2' && web == 'x'"}},
        ),
        ({"spec": {"affinity": "host:wrk-1.corp.example"}}, {"spec": {"affinity": "host:node-1"}}),
        ({"x": "shop/web"}, {"x": "ns-1/name-2"}),
        ({"spec": {"values": ["db", "other"]}}, {"spec": {"values": ["name-1", "other"]}}),
        (
            {"kind": "web", "apiVersion": "db", "type": "shop"},
            {"kind": "web", "apiVersion": "db", "type": "shop"},
        ),
        ({"spec": {"replicas": 3, "x": None, "y": True}}, {"spec": {"replicas": 3, "x": None, "y": True}}),
        ({"image": "registry.example/web:1"}, {"image": "registry.example/name-2:1"}),
        ({"x": "website"}, {"x": "website"}),
        ({"name": "etcd-wrk-1.corp.example"}, {"name": "etcd-node-1"}),
    ],
)
def test_names_are_replaced_where_they_stand(given: Any, expected: Any) -> None:
    assert TABLE.renamed(given) == expected


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("kube-system", True),
        ("default", True),
        ("calico-system", True),
        ("shop", False),
        ("kubeshop", False),
        ("istio-system", True),
    ],
)
def test_namespaces_of_the_system_keep_their_names(name: str, system: bool) -> None:
    assert is_system(name) is system


def test_the_numbers_do_not_depend_on_the_order_of_the_names() -> None:
    one, other = Pseudonyms([], [], ["b", "a"]), Pseudonyms([], [], ["a", "b"])
    assert (one.name("a"), one.name("b"), one.name("c")) == (other.name("a"), other.name("b"), "c")
