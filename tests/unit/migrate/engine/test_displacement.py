"""A wave is drained in memory: who finds a place, who does not, and why not."""

from __future__ import annotations

from typing import Any

from migrate.engine.displacement import displaced, without_place
from migrate.engine.filters import Filter
from migrate.engine.scheduling import ClusterState
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from tests import clusters

HARD = "requiredDuringSchedulingIgnoredDuringExecution"


def cluster(pods: list[Pod], count: int = 3) -> ClusterState:
    return ClusterState([Node.from_dict(clusters.node(f"n{i}", "10.0.0.1")) for i in range(count)], pods)


def pod(name: str, at: str, **spec: Any) -> Pod:
    return Pod.from_dict(clusters.pod(name, "shop", at, "10.244.0.9", **spec))


def test_pods_that_fit_elsewhere_are_not_pending_and_the_state_is_as_before() -> None:
    moving = [pod("a", "n0", cpu="2"), pod("b", "n0", cpu="2")]
    state = cluster(moving)
    (wave,) = displaced(state, [["n0"]], {"n0": moving})
    assert (wave.wave, wave.nodes, wave.moved, wave.pending) == (1, ("n0",), 2, ())
    assert state.place_of == {"shop/a": "n0", "shop/b": "n0"}
    assert [state.free(f"n{i}").cpu_m for i in range(3)] == [0, 4000, 4000]


def test_the_resource_that_is_short_is_named() -> None:
    moving = [pod("a", "n0", cpu="3")]
    state = cluster([*moving, pod("x", "n1", cpu="2"), pod("y", "n2", cpu="2")])
    (pending,) = displaced(state, [["n0"]], {"n0": moving})[0].pending
    assert pending.reasons == {"Insufficient cpu": 2}
    assert pending.nearest == {Filter.RESOURCES}
    assert pending.words == "2 Insufficient cpu"
    assert not pending.standing


def test_large_pods_are_placed_before_small_ones_so_that_they_find_room() -> None:
    small = [pod(f"a{i}", "n0", cpu="1") for i in range(3)]
    large = pod("z", "n0", cpu="4")
    assert list(without_place(cluster([*small, large]), ["n0"], [*small, large])) == []


def test_the_nodes_of_one_wave_are_no_place_for_each_others_pods() -> None:
    moving = {"n0": [pod("a", "n0", cpu="3")], "n1": [pod("b", "n1", cpu="3")]}
    both = displaced(cluster([*moving["n0"], *moving["n1"]]), [["n0", "n1"]], moving)
    assert [p.pod.name for p in both[0].pending] == ["b"]
    single = displaced(cluster([*moving["n0"], *moving["n1"]]), [["n0"], ["n1"]], moving)
    assert [len(w.pending) for w in single] == [0, 0]


def test_a_pod_for_which_no_other_node_is_meant_is_standing() -> None:
    held = pod("a", "n0", nodeSelector={"kubernetes.io/hostname": "n0"})
    (pending,) = without_place(cluster([held]), ["n0"], [held])
    assert pending.standing
    assert pending.nearest == {Filter.NODE_AFFINITY}
    assert pending.places == ("n0",)


def test_what_suitable_nodes_refuse_by_counts_not_what_unsuitable_ones_do() -> None:
    moving = pod("a", "n0", cpu="3", nodeSelector={"kubernetes.io/hostname": "n1"})
    state = cluster([moving, pod("x", "n1", cpu="2")])
    (pending,) = without_place(state, ["n0"], [moving])
    assert pending.nearest == {Filter.RESOURCES}
    assert pending.reasons == {"Insufficient cpu": 1, Filter.NODE_AFFINITY: 1}


def test_pods_that_want_company_wait_for_it() -> None:
    company = {
        "podAffinity": {
            HARD: [{"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}]
        }
    }
    moving = [pod("a", "n0", cpu="2", affinity=company), pod("db", "n0", labels={"app": "db"})]
    assert list(without_place(cluster(moving), ["n0"], moving)) == []


def test_replicas_that_keep_apart_need_as_many_nodes() -> None:
    apart = {
        "podAntiAffinity": {
            HARD: [{"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": "kubernetes.io/hostname"}]
        }
    }
    pods = [pod(f"a{i}", f"n{i}", labels={"app": "a"}, affinity=apart) for i in range(3)]
    (pending,) = without_place(cluster(pods), ["n0"], pods[:1])
    assert pending.nearest == {Filter.APART}


def test_a_group_of_nodes_may_be_the_only_place() -> None:
    moving = [pod("a", "n0", cpu="3")]
    state = cluster([*moving, pod("x", "n1", cpu="2")])
    assert list(without_place(state, ["n0"], moving, frozenset({"n0", "n1", "n2"}))) == []
    assert [p.words for p in without_place(state, ["n0"], moving, frozenset({"n0", "n1"}))] == [
        "1 Insufficient cpu"
    ]
