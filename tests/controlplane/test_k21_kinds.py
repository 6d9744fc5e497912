"""K21-K25: kinds that go, aggregated APIs whose backend is dead, namespaces that hang because of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.controlplane import calico_kinds, crds, workloads
from tests.controlplane.calico_kinds import Kind
from tests.controlplane.client import MERGE, Api, Object, eventually
from tests.controlplane.instance import ControlPlane

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
STALE = "v3.projectcalico.org"
POOLS = "/apis/crd.projectcalico.org/v1/ippools"


@pytest.fixture
def pools(shared: ControlPlane) -> Iterator[Api]:
    """Calico's IPPools with one object that a finalizer holds."""
    api = shared.api()
    crd = calico_kinds.definition(calico_kinds.CRD_V1, "v1", Kind("IPPool", "ippools"))
    crds.establish(api, [crd])
    api.expect("POST", POOLS, pool("held", finalizers=["example.com/hold"]))
    yield api
    if api.call("GET", f"{POOLS}/held").ok:
        api.patch(f"{POOLS}/held", {"metadata": {"finalizers": None}})
    api.delete(f"{CRDS}/ippools.crd.projectcalico.org")
    eventually(
        lambda: api.call("GET", f"{CRDS}/ippools.crd.projectcalico.org").status == 404, 20, "the kind is gone"
    )


def pool(name: str, **metadata: object) -> Object:
    return {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "IPPool",
        "metadata": {"name": name, **metadata},
        "spec": {"cidr": "192.168.0.0/16"},
    }


def test_k21_a_kind_whose_object_is_held_stays_terminating_until_the_holder_lets_go(pools: Api) -> None:
    path = f"{CRDS}/ippools.crd.projectcalico.org"
    crd = pools.get(path)
    pools.delete(path)

    def is_held() -> bool:
        conditions = pools.get(path)["status"]["conditions"]
        return any(
            c["type"] == "Terminating" and c["reason"] == "InstanceDeletionInProgress" for c in conditions
        )

    eventually(is_held, 10, "the kind is terminating")
    assert pools.call("POST", POOLS, pool("another")).status in {403, 405}
    again = {key: crd[key] for key in ("apiVersion", "kind", "spec")} | {
        "metadata": {"name": crd["metadata"]["name"]}
    }
    assert pools.call("POST", CRDS, again).status == 409
    [holder] = pools.items(POOLS)
    assert holder["metadata"]["finalizers"] == ["example.com/hold"]
    pools.patch(f"{POOLS}/held", {"metadata": {"finalizers": None}})
    eventually(lambda: pools.call("GET", path).status == 404, 20, "the kind is gone")


def test_k22_a_kind_that_is_gone_is_plain_text_and_an_object_that_is_gone_a_status(
    shared: ControlPlane,
) -> None:
    api = shared.api()
    kind = api.call("GET", "/apis/no-such-group.example.com/v1/things")
    assert (kind.status, kind.is_status, kind.text) == (404, False, "404 page not found\n")
    absent = api.call("GET", "/api/v1/namespaces/default/configmaps/absent")
    assert (absent.status, absent.is_status) == (404, True)
    assert absent.json["details"]["name"] == "absent"


@pytest.fixture
def stale(shared: ControlPlane) -> Iterator[Api]:
    """Calico's aggregated API as it is left behind when its Service goes first."""
    api = shared.api()
    service = {"name": "calico-api", "namespace": "gone", "port": 443}
    spec = {
        "group": "projectcalico.org",
        "version": "v3",
        "service": service,
        "groupPriorityMinimum": 1500,
        "versionPriority": 200,
        "insecureSkipTLSVerify": True,
    }
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": STALE},
        "spec": spec,
    }
    api.create(body)
    eventually(
        lambda: api.call("GET", "/apis/projectcalico.org/v3").status == 503, 20, "the API is aggregated"
    )
    yield api
    api.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{STALE}")


def test_k23_a_dead_backend_is_503_in_plain_text_and_stale_in_discovery(stale: Api) -> None:
    answer = stale.call("GET", "/apis/projectcalico.org/v3/networkpolicies")
    assert (answer.status, answer.is_status) == (503, False)
    assert "service unavailable" in answer.text
    connection = stale.connect()
    accept = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"

    def version() -> Object | None:
        connection.request("GET", "/apis", headers=stale.headers(Accept=accept))
        groups = json.loads(connection.getresponse().read())["items"]
        found = [g for g in groups if g["metadata"]["name"] == "projectcalico.org"]
        return dict(found[0]["versions"][0]) if found else None

    said = eventually(version, 20, "discovery names the group")
    connection.close()
    assert said["freshness"] == "Stale"
    assert not said.get("resources")


def test_k24_a_stale_api_lets_no_namespace_end(stale: Api) -> None:
    stale.create(workloads.namespace("ending"))
    stale.delete("/api/v1/namespaces/ending")

    def complaint() -> Object | None:
        conditions = stale.get("/api/v1/namespaces/ending")["status"].get("conditions") or []
        return next((c for c in conditions if c["type"] == "NamespaceDeletionDiscoveryFailure"), None)

    said = eventually(lambda: (c := complaint()) and c["status"] == "True" and c, 20, "the namespace hangs")
    assert "projectcalico.org/v3" in said["message"]
    stale.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{STALE}")
    eventually(
        lambda: stale.call("GET", "/api/v1/namespaces/ending").status == 404, 20, "the namespace is gone"
    )


def test_k25_a_namespace_that_was_just_deleted_may_have_no_conditions(shared: ControlPlane) -> None:
    api = shared.api()
    api.create(workloads.namespace("brief"))
    api.expect(
        "POST",
        "/api/v1/namespaces/brief/configmaps",
        {"metadata": {"name": "a", "finalizers": ["example.com/hold"]}},
    )
    answer = api.delete("/api/v1/namespaces/brief").json
    assert answer["status"]["phase"] == "Terminating"
    assert "conditions" not in answer["status"]
    api.call("PATCH", "/api/v1/namespaces/brief/configmaps/a", {"metadata": {"finalizers": None}}, kind=MERGE)
