"""Calico's kinds by group, version and scope, from which a test plants its CRDs; any content of an object is kept.

The table follows ``migration/removal.md`` §1.1; scopes after projectcalico/calico ``manifests/crds.yaml`` and
``manifests/calico-v3-crds.yaml``, tigera/operator ``manifests/operator-crds.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.controlplane.client import Api, Object, eventually


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of an API group, with the first minor version of Calico that ships it."""

    name: str
    plural: str
    is_namespaced: bool = False
    since: int = 28


POLICY_KINDS = (
    Kind("BGPConfiguration", "bgpconfigurations"),
    Kind("BGPFilter", "bgpfilters"),
    Kind("BGPPeer", "bgppeers"),
    Kind("BlockAffinity", "blockaffinities"),
    Kind("CalicoNodeStatus", "caliconodestatuses"),
    Kind("ClusterInformation", "clusterinformations"),
    Kind("FelixConfiguration", "felixconfigurations"),
    Kind("GlobalNetworkPolicy", "globalnetworkpolicies"),
    Kind("GlobalNetworkSet", "globalnetworksets"),
    Kind("HostEndpoint", "hostendpoints"),
    Kind("IPAMBlock", "ipamblocks"),
    Kind("IPAMHandle", "ipamhandles"),
    Kind("IPPool", "ippools"),
    Kind("IPReservation", "ipreservations"),
    Kind("KubeControllersConfiguration", "kubecontrollersconfigurations"),
    Kind("NetworkPolicy", "networkpolicies", is_namespaced=True),
    Kind("NetworkSet", "networksets", is_namespaced=True),
    Kind("Tier", "tiers", since=29),
    Kind("StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies", since=30),
    Kind("StagedKubernetesNetworkPolicy", "stagedkubernetesnetworkpolicies", is_namespaced=True, since=30),
    Kind("StagedNetworkPolicy", "stagednetworkpolicies", is_namespaced=True, since=30),
)
OPERATOR_KINDS = (
    Kind("APIServer", "apiservers"),
    Kind("ImageSet", "imagesets"),
    Kind("Installation", "installations"),
    Kind("TigeraStatus", "tigerastatuses"),
    Kind("GatewayAPI", "gatewayapis", since=30),
    Kind("Goldmane", "goldmanes", since=30),
    Kind("ManagementClusterConnection", "managementclusterconnections", since=30),
    Kind("Whisker", "whiskers", since=30),
    Kind("Istio", "istios", since=32),
)
CRD_V1, V3, OPERATOR = "crd.projectcalico.org", "projectcalico.org", "operator.tigera.io"
MIGRATION = "migration.projectcalico.org"


def definitions(minor: int, *, native_v3: bool = False, operator: bool = True) -> list[Object]:
    """Give the CRDs of a Calico 3.``minor``: in v3-CRD mode the kinds stand in ``projectcalico.org``."""
    config = (
        Kind("IPAMConfiguration", "ipamconfigurations") if native_v3 else Kind("IPAMConfig", "ipamconfigs")
    )
    group, version = (V3, "v3") if native_v3 else (CRD_V1, "v1")
    found = _of(group, version, (*POLICY_KINDS, config), minor)
    if native_v3:
        found += _of(MIGRATION, "v1beta1", (Kind("DatastoreMigration", "datastoremigrations"),), minor)
    return found + (_of(OPERATOR, "v1", OPERATOR_KINDS, minor) if operator else [])


def _of(group: str, version: str, kinds: Iterable[Kind], minor: int) -> list[Object]:
    return [definition(group, version, kind) for kind in kinds if kind.since <= minor]


def definition(group: str, version: str, kind: Kind) -> Object:
    """Give one CRD that keeps whatever an object holds."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if kind.is_namespaced else "Cluster",
            "names": {
                "kind": kind.name,
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "listKind": f"{kind.name}List",
            },
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }


def establish(api: Api, crds: Iterable[Object], deadline_s: float = 60.0) -> None:
    """Create CRDs and wait until each is Established; the conditions may be absent right after the creation."""
    names = [str(crd["metadata"]["name"]) for crd in crds]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(api.create, crds))
    for name in names:
        eventually(lambda n=name: is_established(api, n), deadline_s, f"{name} is Established")  # type: ignore[misc]


def is_established(api: Api, name: str) -> bool:
    """Say whether a CRD is there and Established."""
    answer = api.call("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    conditions = (answer.json.get("status") or {}).get("conditions") or [] if answer.ok else []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
