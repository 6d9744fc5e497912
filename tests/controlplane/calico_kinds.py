"""Calico's kinds by group, version and scope, from which a test plants its CRDs; any content of an object is kept.

The table follows ``migration/removal.md`` §1.1; scopes after projectcalico/calico ``manifests/crds.yaml`` and
``manifests/calico-v3-crds.yaml``, tigera/operator ``manifests/operator-crds.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.controlplane import crds
from tests.controlplane.client import Object


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
    """Give the CRD of one kind."""
    return crds.definition(group, version, kind.name, kind.plural, is_namespaced=kind.is_namespaced)
