"""K26-K28: what Cilium's genuine CRDs take and refuse on a real API server."""

from __future__ import annotations

import pytest

from tests.controlplane.client import Answer, Api, Object
from tests.controlplane.instance import ControlPlane

POLICIES = "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"
NODE_CONFIGS = "namespaces/default/ciliumnodeconfigs"
EVERY_KIND = 22


@pytest.fixture
def cilium(shared: ControlPlane, kinds: None) -> Api:
    return shared.api()


def policy(**spec: object) -> Object:
    metadata = {"name": "p", "namespace": "default"}
    whole = {"endpointSelector": {}, **spec}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata,
        "spec": {key: value for key, value in whole.items() if value is not None},
    }


def offered(api: Api, obj: Object) -> Answer:
    """Create for the look of it, as a preflight does."""
    return api.call("POST", POLICIES, obj, dryRun="All", fieldValidation="Strict")


def to_ports(*ports: Object) -> list[Object]:
    return [{"toPorts": [{"ports": list(ports)}]}]


def test_every_kind_of_cilium_is_established(cilium: Api) -> None:
    names = [
        crd["metadata"]["name"]
        for crd in cilium.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    ]
    assert len([name for name in names if name.endswith(".cilium.io")]) == EVERY_KIND


def test_k26_an_unknown_field_is_dropped_unless_one_asks_to_be_strict(cilium: Api) -> None:
    odd = policy(ingress=[{}], bogus=True)
    lax = cilium.call("POST", POLICIES, odd, dryRun="All")
    assert lax.status == 201
    assert "bogus" not in lax.json["spec"]
    assert r"unknown field \"spec.bogus\"" in lax.headers["warning"]
    strict = offered(cilium, odd)
    assert strict.status == 400
    assert 'unknown field "spec.bogus"' in strict.message


PORT = {"port": "80", "protocol": "TCP"}
REFUSED = {
    "41 ports": policy(ingress=to_ports(*[{**PORT, "port": str(n)} for n in range(1, 42)])),
    "a port that is a number": policy(ingress=to_ports({"port": 80, "protocol": "TCP"})),
    "a mask of 99": policy(egress=[{"toCIDR": ["10.0.0.0/99"]}]),
    "an unknown entity": policy(ingress=[{"fromEntities": ["nobody"]}]),
    "no selector": policy(endpointSelector=None, ingress=[{}]),
    "both selectors": policy(nodeSelector={}, ingress=[{}]),
}
ACCEPTED = {
    "two L3 members": policy(ingress=[{"fromEndpoints": [{}], "fromCIDR": ["10.0.0.0/8"]}]),
    "port 70000": policy(ingress=to_ports({"port": "70000", "protocol": "TCP"})),
    "endPort below port": policy(ingress=to_ports({"port": "90", "endPort": 80, "protocol": "TCP"})),
    "host bits": policy(egress=[{"toCIDR": ["10.1.2.3/8"]}]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_k27_the_schema_refuses(cilium: Api, case: str) -> None:
    answer = offered(cilium, REFUSED[case])
    assert answer.status in {400, 422}, answer.text


@pytest.mark.parametrize("case", ACCEPTED)
def test_k27_the_schema_takes_what_the_engine_refuses(cilium: Api, case: str) -> None:
    assert offered(cilium, ACCEPTED[case]).status == 201


class TestNodeConfig:
    """K28: settings are strings, in both versions that are served."""

    @pytest.mark.parametrize("version", ["v2", "v2alpha1"])
    def test_k28_a_boolean_is_refused_and_a_string_taken(self, cilium: Api, version: str) -> None:
        for value, status in ((True, 422), ("true", 201)):
            body = {
                "apiVersion": f"cilium.io/{version}",
                "kind": "CiliumNodeConfig",
                "metadata": {"name": "c", "namespace": "default"},
                "spec": {"defaults": {"cni-exclusive": value}, "nodeSelector": {}},
            }
            answer = cilium.call("POST", f"/apis/cilium.io/{version}/{NODE_CONFIGS}", body, dryRun="All")
            assert answer.status == status, answer.text

    def test_k28_the_older_version_is_deprecated(self, cilium: Api) -> None:
        crd = cilium.get(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ciliumnodeconfigs.cilium.io"
        )
        served = {v["name"]: bool(v.get("deprecated")) for v in crd["spec"]["versions"] if v["served"]}
        assert served == {"v2": False, "v2alpha1": True}
