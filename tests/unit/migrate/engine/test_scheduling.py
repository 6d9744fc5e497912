"""The filters say what kube-scheduler would say; each case names a reason, or that there is none."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.filters import Filter, filter_of
from migrate.engine.scheduling import ClusterState, first_fit, fits
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.model.snapshot import SnapshotBuilder
from tests import clusters

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
HARD = "requiredDuringSchedulingIgnoredDuringExecution"


def node(name: str, zone: str = "a", **spec: Any) -> Node:
    made = clusters.node(name, "10.0.0.1", zone=zone)
    made["metadata"]["labels"] |= spec.pop("labels", {})
    for amounts in ("allocatable", "capacity"):
        made["status"][amounts] = {**made["status"]["allocatable"], **spec.get("amounts", {})}
    made["spec"] |= {k: v for k, v in spec.items() if k != "amounts"}
    return Node.from_dict(made)


def pod(name: str, at: str = "", namespace: str = "shop", **spec: Any) -> Pod:
    return Pod.from_dict(clusters.pod(name, namespace, at, "10.244.0.9", **spec))


def state(nodes: list[Node], pods: list[Pod] | None = None) -> ClusterState:
    return ClusterState(nodes, pods or [], namespaces={"shop": {"team": "a"}, "other": {"team": "b"}})


def anti(app: str, key: str = HOST, **term: Any) -> dict[str, Any]:
    return {
        "podAntiAffinity": {
            HARD: [{"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **term}]
        }
    }


def near(app: str, key: str = HOST) -> dict[str, Any]:
    return {"podAffinity": {HARD: [{"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}]}}


def spread(app: str, key: str = ZONE, **more: Any) -> dict[str, Any]:
    return {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": app}},
                **more,
            }
        ]
    }


def test_an_empty_node_takes_a_pod() -> None:
    assert fits(pod("web"), "n", state([node("n")])) == ()


@pytest.mark.parametrize(
    ("spec", "asked", "reason"),
    [
        ({}, {"cpu": "4001m"}, "Insufficient cpu"),
        ({}, {"memory": "17Gi"}, "Insufficient memory"),
        ({"unschedulable": True}, {}, "node(s) were unschedulable"),
        ({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {}, "node(s) had untolerated taint {gpu: }"),
        (
            {"taints": [{"key": "gpu", "value": "a", "effect": "NoExecute"}]},
            {"tolerations": [{"key": "gpu", "operator": "Equal", "value": "b"}]},
            "node(s) had untolerated taint {gpu: a}",
        ),
        ({}, {"nodeSelector": {"disk": "ssd"}}, "node(s) didn't match Pod's node affinity/selector"),
        ({"amounts": {"pods": "0"}}, {}, "Too many pods"),
    ],
)
def test_a_node_refuses_in_the_schedulers_words(spec: Any, asked: Any, reason: str) -> None:
    assert fits(pod("web", **asked), "n", state([node("n", **spec)])) == (reason,)


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]}, {}),
        ({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {"tolerations": [{"operator": "Exists"}]}),
        ({"unschedulable": True}, {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]}),
        ({"labels": {"disk": "ssd"}}, {"nodeSelector": {"disk": "ssd"}}),
    ],
)
def test_a_node_takes_what_suits_it(spec: Any, asked: Any) -> None:
    assert fits(pod("web", **asked), "n", state([node("n", **spec)])) == ()


def test_what_others_asked_for_is_gone_and_comes_back_when_they_leave() -> None:
    big = pod("big", "n", cpu="3900m")
    cluster = state([node("n")], [big])
    assert fits(pod("web", cpu="200m"), "n", cluster) == ("Insufficient cpu",)
    cluster.remove(big)
    assert fits(pod("web", cpu="200m"), "n", cluster) == ()
    assert cluster.free("n").cpu_m == 4000


def test_every_reason_is_given_not_only_the_first() -> None:
    full = node("n", unschedulable=True, amounts={"pods": "0"})
    assert fits(pod("web", cpu="5", nodeSelector={"x": "y"}), "n", state([full])) == (
        Filter.UNSCHEDULABLE,
        Filter.NODE_AFFINITY,
        Filter.PODS,
        "Insufficient cpu",
    )


def test_a_pod_that_ended_takes_no_room() -> None:
    ended = clusters.pod("job", "shop", "n", "", cpu="4")
    ended["status"]["phase"] = "Succeeded"
    assert fits(pod("web", cpu="4"), "n", state([node("n")], [Pod.from_dict(ended)])) == ()


def test_an_extended_resource_is_another_filter_than_cpu() -> None:
    asked = Pod.from_dict(
        {
            "metadata": {"name": "ml", "namespace": "shop"},
            "spec": {
                "containers": [{"resources": {"requests": {"nvidia.com/gpu": "1", "hugepages-2Mi": "4Mi"}}}]
            },
        }
    )
    reasons = fits(asked, "n", state([node("n", amounts={"nvidia.com/gpu": "1"})]))
    assert reasons == ("Insufficient hugepages-2Mi",)
    assert filter_of(reasons[0]) is Filter.EXTENDED
    assert filter_of("Insufficient ephemeral-storage") is Filter.RESOURCES


@pytest.mark.parametrize(
    ("mine", "theirs", "free"),
    [
        (("TCP", 80, ""), ("TCP", 80, ""), False),
        (("TCP", 80, ""), ("UDP", 80, ""), True),
        (("TCP", 80, "10.0.0.1"), ("TCP", 80, "10.0.0.2"), True),
        (("TCP", 80, "10.0.0.1"), ("TCP", 80, "0.0.0.0"), False),
        (("TCP", 81, ""), ("TCP", 80, ""), True),
    ],
)
def test_host_ports_meet_by_protocol_number_and_address(mine: Any, theirs: Any, free: bool) -> None:
    def with_port(name: str, port: tuple[str, int, str], at: str = "") -> Pod:
        made = clusters.pod(name, "shop", at, "10.244.0.9")
        made["spec"]["containers"][0]["ports"] = [
            {"protocol": port[0], "hostPort": port[1], "containerPort": 1, "hostIP": port[2]}
        ]
        return Pod.from_dict(made)

    found = fits(with_port("a", mine), "n", state([node("n")], [with_port("b", theirs, "n")]))
    assert found == (() if free else (Filter.PORTS,))


class TestPodsAmongThemselves:
    def test_anti_affinity_keeps_replicas_apart_by_host(self) -> None:
        cluster = state([node("n"), node("m")], [pod("a", "n", labels={"app": "web"}, affinity=anti("web"))])
        twin = pod("b", labels={"app": "web"}, affinity=anti("web"))
        assert fits(twin, "n", cluster) == (Filter.APART, Filter.KEPT_OUT)
        assert fits(twin, "m", cluster) == ()

    def test_anti_affinity_of_a_placed_pod_keeps_out_one_that_has_none(self) -> None:
        cluster = state([node("n"), node("m", "b")], [pod("a", "n", affinity=anti("web", ZONE))])
        assert fits(pod("b", labels={"app": "web"}), "n", cluster) == (Filter.KEPT_OUT,)
        assert fits(pod("b", labels={"app": "web"}), "m", cluster) == ()
        assert fits(pod("c", labels={"app": "db"}), "n", cluster) == ()

    def test_a_term_speaks_of_the_pods_own_namespace_unless_it_says_otherwise(self) -> None:
        placed = [pod("a", "n", "other", labels={"app": "web"})]
        assert fits(pod("b", affinity=anti("web")), "n", state([node("n")], placed)) == ()
        for wider in (
            {"namespaces": ["other"]},
            {"namespaceSelector": {}},
            {"namespaceSelector": {"matchLabels": {"team": "b"}}},
        ):
            asked = pod("b", affinity=anti("web", **wider))
            assert fits(asked, "n", state([node("n")], placed)) == (Filter.APART,), wider
        narrow = pod("b", affinity=anti("web", namespaceSelector={"matchLabels": {"team": "a"}}))
        assert fits(narrow, "n", state([node("n")], placed)) == ()

    def test_a_node_without_the_topology_key_knows_no_anti_affinity(self) -> None:
        asked = pod("b", affinity=anti("web", "rack"))
        assert fits(asked, "n", state([node("n")], [pod("a", "n", labels={"app": "web"})])) == ()

    def test_affinity_wants_company_in_the_domain(self) -> None:
        cluster = state([node("n", "a"), node("m", "b")], [pod("db", "n", labels={"app": "db"})])
        asked = pod("web", affinity=near("db", ZONE))
        assert fits(asked, "n", cluster) == ()
        assert fits(asked, "m", cluster) == (Filter.AFFINITY,)

    def test_the_first_of_a_kind_that_wants_its_own_company_stands_alone(self) -> None:
        asked = pod("a", labels={"app": "web"}, affinity=near("web"))
        assert fits(asked, "n", state([node("n")])) == ()
        assert fits(pod("a", labels={"app": "x"}, affinity=near("web")), "n", state([node("n")])) == (
            Filter.AFFINITY,
        )

    def test_counts_follow_pods_that_leave(self) -> None:
        placed = pod("a", "n", labels={"app": "web"}, affinity=anti("web"))
        cluster, twin = state([node("n")], [placed]), pod("b", labels={"app": "web"}, affinity=anti("web"))
        assert fits(twin, "n", cluster)
        cluster.remove(placed)
        assert fits(twin, "n", cluster) == ()
        cluster.place(placed, "n")
        assert fits(twin, "n", cluster)

    def test_a_null_selector_means_nobody(self) -> None:
        term = {"podAntiAffinity": {HARD: [{"topologyKey": HOST}]}}
        assert fits(pod("b", affinity=term), "n", state([node("n")], [pod("a", "n")])) == ()


class TestSpread:
    def test_a_zone_may_not_run_ahead(self) -> None:
        cluster = state([node("n", "a"), node("m", "b")], [pod("a", "n", labels={"app": "web"})])
        asked = pod("b", labels={"app": "web"}, **spread("web"))
        assert fits(asked, "n", cluster) == (Filter.SPREAD,)
        assert fits(asked, "m", cluster) == ()

    def test_a_cordoned_node_is_still_a_domain_and_holds_the_others_back(self) -> None:
        nodes = [node("n"), node("m"), node("o")]
        placed = [pod("a", "n", labels={"app": "web"}), pod("b", "m", labels={"app": "web"})]
        cluster = state(nodes, placed)
        cluster.cordon(["o"])
        asked = pod("c", labels={"app": "web"}, **spread("web", HOST))
        assert fits(asked, "n", cluster) == (Filter.SPREAD,)
        assert fits(asked, "o", cluster) == (Filter.UNSCHEDULABLE,)
        honoured = pod("c", labels={"app": "web"}, **spread("web", HOST, nodeTaintsPolicy="Honor"))
        assert fits(honoured, "n", cluster) == ()

    def test_nodes_that_the_selector_leaves_out_are_no_domain(self) -> None:
        nodes = [node("n", "a", labels={"pool": "x"}), node("m", "b")]
        placed = [pod("a", "n", labels={"app": "web"})]
        asked = pod("b", labels={"app": "web"}, nodeSelector={"pool": "x"}, **spread("web"))
        assert fits(asked, "n", state(nodes, placed)) == ()
        ignoring = pod(
            "b",
            labels={"app": "web"},
            nodeSelector={"pool": "x"},
            **spread("web", nodeAffinityPolicy="Ignore"),
        )
        assert fits(ignoring, "n", state(nodes, placed)) == (Filter.SPREAD,)

    def test_a_node_without_the_key_is_refused_by_name(self) -> None:
        asked = pod("b", labels={"app": "web"}, **spread("web", "rack"))
        assert fits(asked, "n", state([node("n")])) == (f"{Filter.SPREAD} (missing required label)",)

    def test_too_few_domains_count_as_an_empty_one(self) -> None:
        asked = pod("b", labels={"app": "web"}, **spread("web", minDomains=3))
        placed = [pod("a", "n", labels={"app": "web"}), pod("c", "m", labels={"app": "web"})]
        assert fits(asked, "n", state([node("n", "a"), node("m", "b")], placed)) == (Filter.SPREAD,)

    def test_match_label_keys_count_only_the_same_revision(self) -> None:
        placed = [pod("a", "n", labels={"app": "web", "rev": "1"})]
        asked = pod("b", labels={"app": "web", "rev": "2"}, **spread("web", matchLabelKeys=["rev"]))
        assert fits(asked, "n", state([node("n", "a"), node("m", "b")], placed)) == ()

    def test_what_only_prefers_forbids_nothing(self) -> None:
        placed = [pod("a", "n", labels={"app": "web"})]
        asked = pod("b", labels={"app": "web"}, **spread("web", whenUnsatisfiable="ScheduleAnyway"))
        assert fits(asked, "n", state([node("n", "a"), node("m", "b")], placed)) == ()


def with_claim(name: str, claim: str, at: str = "") -> dict[str, Any]:
    return clusters.pod(
        name,
        "shop",
        at,
        "10.244.0.9",
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    )


def volume(claim: str, terms: list[Any] | None = None, **source: Any) -> list[dict[str, Any]]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], **source}
    if terms is not None:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return [
        clusters.thing("PersistentVolumeClaim", claim, "shop", spec={"volumeName": f"pv-{claim}"}),
        clusters.thing("PersistentVolume", f"pv-{claim}", spec=spec),
    ]


def built(*objects: dict[str, Any]) -> ClusterState:
    builder = SnapshotBuilder()
    for item in (clusters.node("n", "10.0.0.1"), clusters.node("m", "10.0.0.2", zone="b"), *objects):
        builder.add(item)
    return ClusterState.of(builder.snapshot())


class TestVolumes:
    def test_a_local_volume_holds_its_pod_on_its_node(self) -> None:
        here = [{"matchExpressions": [{"key": HOST, "operator": "In", "values": ["n"]}]}]
        cluster = built(*volume("d", here, local={"path": "/mnt"}))
        asked = Pod.from_dict(with_claim("db", "d"))
        assert fits(asked, "n", cluster) == ()
        assert fits(asked, "m", cluster) == (Filter.VOLUME,)
        assert cluster.eligible(asked) == ("n",)
        assert first_fit(asked, cluster) == "n"

    def test_terms_without_an_in_expression_are_read_too(self) -> None:
        terms = [{"matchExpressions": [{"key": ZONE, "operator": "NotIn", "values": ["a"]}]}]
        assert built(*volume("d", terms)).eligible(Pod.from_dict(with_claim("db", "d"))) == ("m",)

    def test_a_volume_that_says_nothing_of_nodes_is_reached_from_everywhere(self) -> None:
        assert built(*volume("d")).eligible(Pod.from_dict(with_claim("db", "d"))) == ("m", "n")

    def test_a_claim_that_nobody_read_holds_nothing(self) -> None:
        assert built().eligible(Pod.from_dict(with_claim("db", "nowhere"))) == ("m", "n")

    def test_a_node_attaches_no_more_volumes_than_its_driver_allows(self) -> None:
        limit = clusters.thing(
            "CSINode",
            "n",
            api="storage.k8s.io/v1",
            spec={"drivers": [{"name": "ebs", "allocatable": {"count": 1}}]},
        )
        objects = [*volume("a", csi={"driver": "ebs"}), *volume("b", csi={"driver": "ebs"}), limit]
        cluster = built(*objects, with_claim("first", "a", "n"))
        assert fits(Pod.from_dict(with_claim("db", "b")), "n", cluster) == (Filter.ATTACHED,)
        assert fits(Pod.from_dict(with_claim("again", "a")), "n", cluster) == ()
        assert first_fit(Pod.from_dict(with_claim("db", "b")), cluster) == "m"


def test_first_fit_takes_the_first_by_name_and_passes_cordons_by() -> None:
    cluster = state([node("b"), node("a"), node("c")], [pod("x", "a", cpu="4")])
    assert first_fit(pod("web"), cluster) == "b"
    cluster.cordon(["b"])
    assert first_fit(pod("web"), cluster) == "c"
    cluster.uncordon(["b"])
    assert first_fit(pod("web"), cluster) == "b"
    assert first_fit(pod("web", cpu="9"), cluster) is None
