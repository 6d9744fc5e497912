"""Calico's IPPools, in whichever group and spelling they are stored.

Source: projectcalico/calico ``api/pkg/apis/projectcalico/v3/ippool.go``; the spellings of v1 (``ipip.enabled``,
``nat-outgoing``) may still be stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrate.model.addresses import Network, network
from migrate.model.fields import items, text, truth
from migrate.model.resources import Resource
from migrate.model.snapshot import Snapshot

__all__ = ["Pool", "ip_pools"]


@dataclass(frozen=True, slots=True)
class Pool:
    """One IPPool; ``encapsulation`` is vxlan, ipip or none, ``cross_subnet``: only between subnets.

    ``network`` is None where the CIDR cannot be read. ``ours`` marks the cover pool of a run.
    """

    path: str
    cidr: str
    network: Network | None
    encapsulation: str = "none"
    cross_subnet: bool = False
    nat_outgoing: bool = False
    disabled: bool = False
    exported: bool = True
    uses: tuple[str, ...] = ("Workload", "Tunnel")
    node_selector: str = ""
    ours: bool = False

    @classmethod
    def read(cls, item: Resource) -> Pool:
        """Read an IPPool of either group."""
        vxlan = text(item.data, "spec", "vxlanMode", default="Never") or "Never"
        ipip = text(item.data, "spec", "ipipMode") or _old_ipip(item) or "Never"
        kind, mode = ("vxlan", vxlan) if vxlan != "Never" else ("ipip", ipip)
        spec = item.at("spec")
        return cls(
            path=item.path,
            cidr=text(spec, "cidr"),
            network=network(text(spec, "cidr")),
            encapsulation=kind if mode != "Never" else "none",
            cross_subnet=mode == "CrossSubnet",
            nat_outgoing=truth(spec, "natOutgoing") or truth(spec, "nat-outgoing"),
            disabled=truth(spec, "disabled"),
            exported=not truth(spec, "disableBGPExport"),
            uses=tuple(str(u) for u in items(spec, "allowedUses")) or ("Workload", "Tunnel"),
            node_selector=text(spec, "nodeSelector"),
            ours=item.labels.get("c2c/owned") == "true",
        )

    @property
    def for_workloads(self) -> bool:
        """Say whether pods may have addresses of it today."""
        return not self.disabled and "Workload" in self.uses


def _old_ipip(item: Resource) -> str:
    if not truth(item.data, "spec", "ipip", "enabled"):
        return ""
    mode = text(item.data, "spec", "ipip", "mode", default="always")
    return "CrossSubnet" if mode.lower() == "cross-subnet" else "Always"


def ip_pools(snapshot: Snapshot) -> tuple[Pool, ...]:
    """Give every IPPool, disabled ones and our cover pool too."""
    return tuple(Pool.read(item) for item in snapshot.calico("ippools"))
