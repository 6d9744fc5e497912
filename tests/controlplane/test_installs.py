"""Calico in the variants that users have: what each leaves in a cluster, and how its operator behaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import capabilities
from tests.controlplane import calico_install, calico_kinds, charts, instance, nodes, tigera, users, workloads
from tests.controlplane.agent import NodeAgent
from tests.controlplane.aggregated import AggregatedApi
from tests.controlplane.calico_install import Install, Kind
from tests.controlplane.client import MERGE, STRATEGIC, Api, eventually, throughout
from tests.controlplane.instance import ControlPlane
from tests.controlplane.tigera import TigeraOperator
from tests.controlplane.world import all_run, built, is_of

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COUNTS = {
    Install(Kind.MANIFEST, 28): {"crd.projectcalico.org": 18},
    Install(Kind.TYPHA, 29): {"crd.projectcalico.org": 19},
    Install(Kind.CANAL, 32): {"crd.projectcalico.org": 22},
    Install(Kind.OPERATOR, 32): {"crd.projectcalico.org": 22, "operator.tigera.io": 9},
    Install(Kind.HELM, 30): {"crd.projectcalico.org": 22, "operator.tigera.io": 8},
    Install(Kind.V3_CRDS, 32): {"projectcalico.org": 22, "migration.projectcalico.org": 1},
}
pytestmark = pytest.mark.needs("controlplane", "helm")


@pytest.mark.parametrize("install", COUNTS, ids=lambda install: f"{install.kind.name} 3.{install.minor}")
def test_the_kinds_of_each_version_are_those_that_ship(install: Install) -> None:
    crds = calico_kinds.definitions(
        install.minor, native_v3=install.kind is Kind.V3_CRDS, operator=install.is_operated
    )
    groups = [str(crd["spec"]["group"]) for crd in crds]
    assert {group: groups.count(group) for group in groups} == COUNTS[install]


VARIANTS = [i for i in COUNTS if capabilities.is_long() or i.kind is Kind.V3_CRDS]


@pytest.mark.parametrize("install", VARIANTS, ids=lambda install: install.kind.name)
def test_an_api_server_takes_every_object_of_a_variant(tmp_path: Path, install: Install) -> None:
    with ControlPlane(tmp_path, instance.API_ONLY) as plane:
        api = plane.api()
        (tmp_path / "helm").mkdir()
        calico_install.plant(api, install, charts.Helm(plane.kubeconfig(), tmp_path / "helm"))
        names = {d["metadata"]["name"] for d in api.items("/apis/apps/v1/daemonsets")}
        assert ("canal" if install.kind is Kind.CANAL else "calico-node") in names
        assert api.items(f"/apis/{install.version}/globalnetworkpolicies")
        typha = "calico-typha" in {d["metadata"]["name"] for d in api.items("/apis/apps/v1/deployments")}
        assert typha is (install.is_operated or install.kind is Kind.TYPHA)


@pytest.fixture(scope="module")
def operated(own: ControlPlane) -> Iterator[Api]:
    """Calico by Helm with its operator, aggregated API and workloads that make a migration hard."""
    hard = [workloads.namespace("hard"), *hard_cases()]
    with TigeraOperator(own.api()), built(own, Install(Kind.HELM), nodes.plans(2, 1), hard) as world:
        yield world.api


def hard_cases() -> list[dict[str, object]]:
    """Give what a preflight must find: two budgets on a pod, a budget at its limit, bare pods, local volumes."""
    return [
        workloads.deployment("hard", "twice", 2),
        workloads.budget("hard", "first", "twice", minAvailable=1),
        workloads.budget("hard", "second", "twice", maxUnavailable=1),
        workloads.stateful_set("hard", "single", 1),
        workloads.budget("hard", "single", "single", minAvailable=1),
        workloads.daemon_set("hard", "logs"),
        workloads.bare_pod("hard", "bare"),
        *workloads.local_volume("hard", "local", "wrk-01"),
        workloads.dead_webhook("dead", "elsewhere"),
    ]


def test_an_install_by_helm_is_a_release_in_its_own_namespace(operated: Api) -> None:
    secrets = operated.items("/api/v1/namespaces/tigera-operator/secrets", labelSelector="owner=helm")
    assert [s["metadata"]["name"] for s in secrets] == ["sh.helm.release.v1.calico.v1"]


def test_the_hard_cases_run(operated: Api) -> None:
    pods = {
        str(p["metadata"]["name"]).split("-")[0]: p for p in operated.items("/api/v1/namespaces/hard/pods")
    }
    assert {"twice", "single", "logs", "bare", "local"} <= pods.keys()
    assert all(is_of(str(pod["status"]["podIP"]), calico_install.POOL) for pod in pods.values())
    assert pods["local"]["spec"]["nodeName"] == "wrk-01"
    assert len(operated.items("/api/v1/namespaces/kube-system/pods", labelSelector="tier=control-plane")) == 4
    assert operated.items("/apis/crd.projectcalico.org/v1/ipamblocks")


def test_the_operator_holds_its_resources_and_reverts_edits_that_go_around_them(operated: Api) -> None:
    root, node_set = f"{tigera.ROOT}/installations/default", tigera.NODE_SET
    held = eventually(
        lambda: operated.get(root)["metadata"].get("finalizers"), 10, "the operator holds the Installation"
    )
    assert held == tigera.FINALIZERS["Installation"]

    def method() -> str:
        environment = operated.get(node_set)["spec"]["template"]["spec"]["containers"][0]["env"]
        return next((str(e["value"]) for e in environment if e["name"] == "IP_AUTODETECTION_METHOD"), "")

    eventually(lambda: method() == "first-found", 10, "the operator sets the method")
    edit = {"name": "calico-node", "env": [{"name": "IP_AUTODETECTION_METHOD", "value": "interface=eth0"}]}
    operated.patch(node_set, {"spec": {"template": {"spec": {"containers": [edit]}}}}, STRATEGIC)
    eventually(lambda: method() == "first-found", 10, "the edit is reverted")
    pinned = {
        "spec": {
            "calicoNetwork": {
                "nodeAddressAutodetectionV4": {"kubernetes": "NodeInternalIP", "firstFound": None}
            }
        }
    }
    operated.patch(root, pinned, MERGE)
    eventually(lambda: method() == "kubernetes-internal-ip", 10, "the Installation decides")
    eventually(lambda: all_run(operated), 30, "the nodes have rolled")


def test_the_aggregated_api_shows_what_is_stored_and_dies_with_its_backend(
    operated: Api, tmp_path: Path
) -> None:
    v3 = "/apis/projectcalico.org/v3"
    with AggregatedApi(operated, tmp_path) as backend:
        [pool] = operated.items(f"{v3}/ippools")
        assert (pool["apiVersion"], pool["spec"]["cidr"]) == ("projectcalico.org/v3", calico_install.POOL)
        made = {
            "apiVersion": "projectcalico.org/v3",
            "kind": "NetworkPolicy",
            "metadata": {"name": "via-v3", "namespace": "hard"},
            "spec": {},
        }
        operated.create(made)
        stored = operated.get("/apis/crd.projectcalico.org/v1/namespaces/hard/networkpolicies/via-v3")
        assert stored["apiVersion"] == "crd.projectcalico.org/v1"
        names = {r["name"] for r in operated.get(v3)["resources"]}
        assert {"networkpolicies", "tiers", "hostendpoints"} <= names
        backend.die()
        eventually(lambda: operated.call("GET", f"{v3}/ippools").status == 503, 20, "the API is dead")


def test_without_its_operator_a_resource_is_never_let_go(operated: Api) -> None:
    """F-14: the operator must run until its resources are gone."""
    scale = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator"
    operated.patch(scale, {"spec": {"replicas": 0}}, MERGE)
    pods = "/api/v1/namespaces/tigera-operator/pods"
    eventually(lambda: not operated.items(pods), 20, "the operator is gone")
    whisker = f"{tigera.ROOT}/whiskers/default"
    operated.delete(whisker)
    throughout(lambda: operated.call("GET", whisker).ok, 2, "nobody lets go of it")
    operated.patch(scale, {"spec": {"replicas": 1}}, MERGE)
    eventually(lambda: operated.call("GET", whisker).status == 404, 30, "the operator has let go")


def test_canal_gives_addresses_of_each_nodes_own_range(tmp_path: Path) -> None:
    install = Install(Kind.CANAL)
    with ControlPlane(tmp_path) as plane:
        api = plane.api()
        calico_install.plant(api, install)
        with NodeAgent(plane.api(users.AGENT), tmp_path / "nodes", install.node_side) as agent:
            nodes.plant(api, nodes.plans(2, host_local=True))
            workloads.apply_all(api, [workloads.namespace("shop"), workloads.deployment("shop", "web", 4)])
            eventually(lambda: all_run(api, 6), 30, "every pod runs")
            for pod in api.items("/api/v1/namespaces/shop/pods"):
                cidr = api.get(f"/api/v1/nodes/{pod['spec']['nodeName']}")["spec"]["podCIDR"]
                assert is_of(str(pod["status"]["podIP"]), cidr)
            assert (agent.record("wrk-01").conf_folder / "10-canal.conflist").exists()
