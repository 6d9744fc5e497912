"""Calico's built-in drop of tunnel packets from pods, as an object of its own (option ``dropEncapsulation``).

Source: projectcalico/calico ``felix/rules/endpoints.go`` (workload egress chains drop VXLAN and IPIP). Cilium carries
no IPIP from pods unless its extended protocols are on, so the deny speaks of VXLAN.
"""

from __future__ import annotations

from translators.backends.objects import API, MANAGED_BY, Manifest
from translators.backends.terms import NAMESPACE_KEY, Requirement, selector

__all__ = ["encapsulation"]

NAME = "c2c-encapsulation"
VXLAN_PORT = "4789"


def encapsulation() -> Manifest:
    """Give a deny of VXLAN from every pod to everyone that isolates no pod."""
    spec: dict[str, object] = {
        "endpointSelector": selector([Requirement(NAMESPACE_KEY, "Exists")]),
        "enableDefaultDeny": {"ingress": False, "egress": False},
        "egressDeny": [
            {"toEntities": ["all"], "toPorts": [{"ports": [{"port": VXLAN_PORT, "protocol": "UDP"}]}]}
        ],
    }
    metadata: dict[str, object] = {
        "name": NAME,
        "labels": dict(MANAGED_BY),
        "annotations": {"c2c/source": "Felix: drop of tunnel packets from pods"},
    }
    kind = "CiliumClusterwideNetworkPolicy"
    body: dict[str, object] = {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}
    return Manifest(kind, None, NAME, body, (), 0)
