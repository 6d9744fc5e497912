"""K17-K20: lists, watches and versions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import capabilities
from tests.controlplane import etcd, instance, workloads
from tests.controlplane.client import MERGE, Api
from tests.controlplane.conftest import Space, new_space
from tests.controlplane.instance import ControlPlane

PODS = 5_200 if capabilities.is_long() else 800
NODES = 40


@pytest.fixture(scope="module")
def crowd(shared: ControlPlane) -> Iterator[Space]:
    """A namespace with many pods, each bound to a node that nobody plays."""
    space = new_space(shared)
    pods = [workloads.bare_pod(space.name, f"p{n}", f"n{n % NODES}") for n in range(PODS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(space.api.create, pods))
    yield space


def timed(api: Api, path: str, **query: str) -> tuple[float, int]:
    started = time.monotonic()
    found = len(api.items(path, **query))
    return time.monotonic() - started, found


def test_k17_one_nodes_pods_are_many_times_cheaper_than_all(crowd: Space) -> None:
    path = crowd.path("pods")
    whole = min(timed(crowd.api, path) for _ in range(3))
    one = min(timed(crowd.api, path, fieldSelector="spec.nodeName=n7") for _ in range(3))
    print(f"{PODS} pods raw: {whole[0]:.3f} s; of one node: {one[0]:.4f} s")
    assert (whole[1], one[1]) == (PODS, PODS // NODES)
    assert one[0] < whole[0] / 3


def test_k17_pages_give_every_object_once(crowd: Space) -> None:
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = crowd.api.get(crowd.path("pods"), limit="97", **token)
        seen += [str(item["metadata"]["name"]) for item in page["items"]]
        if "continue" not in page["metadata"]:
            break
        token = {"continue": page["metadata"]["continue"]}
    assert len(seen) == len(set(seen)) == PODS


def test_k18_a_watch_of_an_old_version_is_200_and_says_410_in_its_first_line(shared: ControlPlane) -> None:
    """Compaction alone does not do it: the server's watch cache must have been lost as well."""
    space = new_space(shared)
    path = space.path("configmaps")
    old = space.api.get(path)["metadata"]["resourceVersion"]
    for number in range(5):
        space.api.expect("POST", path, {"metadata": {"name": f"c{number}"}})
    shared.kill(instance.SERVER)
    shared.restart(instance.SERVER)
    first = next(iter(space.api.watch(path, str(old), timeout_s=20)))
    assert (first["type"], first["object"]["code"], first["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_k19_an_expired_page_is_410_with_a_token_that_would_mix_two_times(shared: ControlPlane) -> None:
    space = new_space(shared)
    path = space.path("configmaps")
    for number in range(6):
        space.api.expect("POST", path, {"metadata": {"name": f"c{number}"}})
    page = space.api.get(path, limit="2")
    token = str(page["metadata"]["continue"])
    space.api.patch(f"{path}/c0", {"data": {"changed": "later"}}, MERGE)
    etcd.compact(shared)
    shared.restart(instance.SERVER)
    answer = space.api.call("GET", path, **{"limit": "2", "continue": token})
    assert (answer.status, answer.json["reason"]) == (410, "Expired")
    fresh = answer.json["metadata"]["continue"]
    assert fresh
    assert fresh != token
    rest = space.api.get(path, **{"limit": "500", "continue": fresh})
    assert rest["metadata"]["resourceVersion"] != page["metadata"]["resourceVersion"]


def test_k20_a_version_of_the_future_times_out(space: Space) -> None:
    path = space.path("configmaps")
    now = int(space.api.get(path)["metadata"]["resourceVersion"])
    started = time.monotonic()
    answer = space.api.call(
        "GET", path, resourceVersion=str(now + 1_000_000), resourceVersionMatch="NotOlderThan"
    )
    assert answer.status == 504
    assert "Too large resource version" in answer.message
    assert 2 < time.monotonic() - started < 10
