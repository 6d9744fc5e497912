"""Lists of a large cluster are read page by page: what was read is let go before the next page is asked for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from migrate.adapters.kube_cluster import KubeCluster
from migrate.adapters.watcher import KubeWatcher
from migrate.ports import Answer

PAGES, EACH = 6, 5
CORE = {"kind": "APIResourceList", "groupVersion": "v1",
        "resources": [{"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["list"]}]}  # fmt: skip


class Part(dict[str, Any]):
    """A part of an object, of which can be told whether somebody still holds it."""


class PagedApi:
    """An API server with pods alone; counts the parts of earlier pages that are still held when the next is asked for."""

    def __init__(self) -> None:
        self.parts: list[weakref.ref[Part]] = []
        self.held = 0

    def call(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **_: object) -> Answer:
        assert method == "GET"
        if path == "/api/v1":
            return Answer(200, {}, CORE)
        if not path.startswith("/api/v1/pods"):
            return Answer(404, {}, {})
        number = int((query or {}).get("continue", "0"))
        self.held = max(self.held, sum(ref() is not None for ref in self.parts))
        made = [pod(number * EACH + n) for n in range(EACH)]
        self.parts += [weakref.ref(item["spec"]) for item in made]
        token = str(number + 1) if number + 1 < PAGES else ""
        return Answer(
            200, {}, {"kind": "PodList", "apiVersion": "v1", "items": made, "metadata": {"continue": token}}
        )


def pod(number: int) -> dict[str, Any]:
    return {
        "metadata": {"name": f"web-{number}", "namespace": "shop", "uid": str(number)},
        "spec": Part(nodeName=f"wrk-{number % 40}"),
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


READERS: Mapping[str, Callable[[KubeCluster], int]] = {
    "pods": lambda cluster: len(cluster.pods()),
    "waiting pods": lambda cluster: sum(1 for _ in cluster.waiting_pods()),
    "pods of many nodes": lambda cluster: sum(
        len(found) for found in KubeWatcher(cluster).networked([f"wrk-{n}" for n in range(40)]).values()
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_more_than_one_page_is_held(reader: str) -> None:
    api = PagedApi()
    assert READERS[reader](KubeCluster(api)) == PAGES * EACH
    assert 0 < api.held <= EACH


def test_a_list_that_is_wanted_whole_is_held_whole() -> None:
    """The measure tells the two apart."""
    api = PagedApi()
    kept = KubeCluster(api).list("pods")
    assert len(kept) == PAGES * EACH
    assert api.held == (PAGES - 1) * EACH
