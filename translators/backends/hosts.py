"""What nodes need of each other once Cilium runs on them, as an object of its own beside translated host policies.

Calico's failsafes cover Calico and the control plane; Cilium's tunnel, health checks and Hubble are nobody's
failsafes, so a host policy without these allows cuts the cluster network itself (``translation.md`` C5).
"""

from __future__ import annotations

from collections.abc import Iterable

from translators.backends.objects import API, MANAGED_BY, Manifest
from translators.backends.terms import NAMESPACE_KEY, Requirement, selector

__all__ = ["infrastructure"]

NAME = "c2c-host-infrastructure"
_PORTS = (("8472", "UDP"), ("6081", "UDP"), ("4240", "TCP"), ("4244", "TCP"))
_PINGS = (("IPv4", 8), ("IPv6", 128))
_EVERY_POD = selector([Requirement(NAMESPACE_KEY, "Exists")])
_PEERS = ["remote-node", "health"]


def infrastructure(*, pods: bool = False, tunnel_port: int = 0) -> Manifest:
    """Give allows between nodes, on every node, that isolate none; ``pods`` lets every pod reach every node.

    ``tunnel_port`` stands beside the default ports where the target has one of its own.
    """
    ports = [(str(tunnel_port), "UDP"), *_PORTS] if tunnel_port else list(_PORTS)
    spec: dict[str, object] = {
        "nodeSelector": {},
        "enableDefaultDeny": {"ingress": False, "egress": False},
        "ingress": [*_elements("from", ports), *([{"fromEndpoints": [_EVERY_POD]}] if pods else [])],
        "egress": _elements("to", ports),
    }
    metadata: dict[str, object] = {
        "name": NAME,
        "labels": dict(MANAGED_BY),
        "annotations": {"c2c/source": "Cilium: tunnel, health checks, Hubble"},
    }
    kind = "CiliumClusterwideNetworkPolicy"
    body: dict[str, object] = {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}
    return Manifest(kind, None, NAME, body, (), 0)


def _elements(prefix: str, listed: Iterable[tuple[str, str]]) -> list[dict[str, object]]:
    peers: dict[str, object] = {f"{prefix}Entities": list(_PEERS)}
    ports = [{"port": port, "protocol": protocol} for port, protocol in dict.fromkeys(listed)]
    fields = [{"family": family, "type": number} for family, number in _PINGS]
    return [{**peers, "toPorts": [{"ports": ports}]}, {**peers, "icmps": [{"fields": fields}]}]
