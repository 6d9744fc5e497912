"""What calico-node and Calico's CNI plugin write to the cluster: annotations, conditions and IPAM objects.

Shapes after projectcalico/calico ``libcalico-go/lib/apis/crd.projectcalico.org/v1`` (IPAMBlock, BlockAffinity,
IPAMHandle) and ``node/pkg/lifecycle`` (annotations, NetworkUnavailable).
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field

from tests.controlplane import cni, kubelet
from tests.controlplane.client import Api, Object
from tests.controlplane.cni import Plugin
from tests.controlplane.record import NodeRecord, Sandbox, free_address, free_block

BINARIES = ("calico", "calico-ipam", "bandwidth", "host-local", "loopback", "portmap", "tuning")
STARTED = "var/lib/calico/nodename"


@dataclass(frozen=True, slots=True)
class Variant:
    """How Calico was installed, as far as its nodes show it."""

    version: str = "crd.projectcalico.org/v1"
    conf: str = "10-calico.conflist"
    ipam: str = "calico-ipam"
    labels: frozenset[str] = frozenset({"calico-node", "canal"})
    writes_ipam: bool = False


@dataclass(slots=True)
class Calico:
    """The Calico of all simulated nodes; blocks are handed out under one lock."""

    api: Api
    variant: Variant
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _taken: dict[str, str] = field(default_factory=dict)

    def start(self, record: NodeRecord, address: str) -> None:
        """Do what a starting calico-node does: conf file, binaries, annotations, condition."""
        cni.write(record.conf_folder / self.variant.conf, cni.calico_conf(self.variant.ipam))
        cni.write(record.conf_folder / "calico-kubeconfig", "# kubeconfig of the CNI plugin\n")
        for name in BINARIES:
            cni.write(record.root / "opt/cni/bin" / name, "")
        cni.write(record.root / STARTED, record.name)
        notes = {"projectcalico.org/IPv4Address": f"{address}/24"}
        if self.variant.ipam == "calico-ipam" and (block := self._block(record)):
            notes["projectcalico.org/IPv4VXLANTunnelAddr"] = str(ipaddress.ip_network(block)[0])
        self.api.patch(f"/api/v1/nodes/{record.name}", {"metadata": {"annotations": notes}})
        kubelet.set_network(self.api, record.name, up=True)

    def stop(self, record: NodeRecord) -> None:
        kubelet.set_network(self.api, record.name, up=False)

    def can_serve(self, record: NodeRecord) -> bool:
        """Say whether the plugin would work now: its binary, and the file that says that calico-node has started."""
        return (record.root / "opt/cni/bin/calico").exists() and (record.root / STARTED).exists()

    def address(self, record: NodeRecord, pod_cidrs: list[str], ipam: str) -> str | None:
        """Give an address to a new sandbox: of the node's blocks, a new block where they are full, or host-local."""
        if ipam == "host-local":
            return free_address(pod_cidrs, record, skip=2)
        tunnel = [str(ipaddress.ip_network(block)[0]) for block in record.blocks[:1]]
        if found := free_address(record.blocks, record, kept=tunnel):
            return found
        return free_address([block], record, kept=tunnel) if (block := self._new_block(record)) else None

    def _block(self, record: NodeRecord) -> str | None:
        return record.blocks[0] if record.blocks else self._new_block(record)

    def _new_block(self, record: NodeRecord) -> str | None:
        with self._lock:
            block = free_block(self.pools(), set(self._taken))
            if block:
                self._taken[block] = record.name
                record.blocks.append(block)
        return block

    def pools(self) -> list[str]:
        """Give the ranges of the enabled IPPools that workloads may use, by name; none where the kind is gone."""
        answer = self.api.attempt("GET", f"/apis/{self.variant.version}/ippools")
        if not answer.ok:
            return []
        specs = [
            item["spec"] for item in sorted(answer.json["items"], key=lambda i: str(i["metadata"]["name"]))
        ]
        return [
            str(s["cidr"])
            for s in specs
            if not s.get("disabled") and "Workload" in s.get("allowedUses", ["Workload"])
        ]

    def publish(self, record: NodeRecord) -> None:
        """Write the IPAM objects of a node as its sandboxes and leaked handles have them, if the variant asks."""
        if not self.variant.writes_ipam:
            return
        for block in record.blocks:
            for obj in (self._affinity(record, block), self._ipam_block(record, block)):
                self.api.apply(obj, "calico", force="true")

    def publish_handle(self, record: NodeRecord, sandbox: Sandbox) -> None:
        if self.variant.writes_ipam and self.variant.ipam == "calico-ipam":
            block = _holding(record.blocks, sandbox.address)
            spec = {"handleID": sandbox.handle, "block": {block: 1}, "deleted": False}
            self.api.apply(self._object("IPAMHandle", sandbox.handle, spec), "calico", force="true")

    def drop_handle(self, sandbox: Sandbox) -> None:
        if self.variant.writes_ipam:
            self.api.delete(f"/apis/{self.variant.version}/ipamhandles/{sandbox.handle}")

    def _affinity(self, record: NodeRecord, block: str) -> Object:
        spec = {"cidr": block, "deleted": "false", "node": record.name, "state": "confirmed", "type": "host"}
        return self._object("BlockAffinity", f"{record.name}-{_dashed(block)}", spec)

    def _ipam_block(self, record: NodeRecord, block: str) -> Object:
        network = ipaddress.ip_network(block)
        allocations: list[int | None] = [None] * network.num_addresses
        attributes: list[Object] = []
        for address, handle, secondary in _holders(record):
            if ipaddress.ip_address(address) in network:
                allocations[int(ipaddress.ip_address(address)) - int(network[0])] = len(attributes)
                attributes.append({"handle_id": handle, "secondary": secondary})
        spec = {
            "affinity": f"host:{record.name}",
            "allocations": allocations,
            "attributes": attributes,
            "cidr": block,
            "deleted": False,
            "strictAffinity": False,
            "unallocated": [number for number, entry in enumerate(allocations) if entry is None],
        }
        return self._object("IPAMBlock", _dashed(block), spec)

    def _object(self, kind: str, name: str, spec: Object) -> Object:
        return {"apiVersion": self.variant.version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _dashed(block: str) -> str:
    return block.replace(".", "-").replace("/", "-")


def _holding(blocks: list[str], address: str) -> str:
    parsed = ipaddress.ip_address(address)
    return next((block for block in blocks if parsed in ipaddress.ip_network(block)), "")


def _holders(record: NodeRecord) -> list[tuple[str, str, Object]]:
    """Give who holds an address of Calico on a node: the live sandboxes, then the handles that leaked."""
    live = [
        (s.address, s.handle, {"namespace": s.namespace, "node": record.name, "pod": s.name})
        for s in record.sandboxes.values()
        if s.plugin is Plugin.CALICO
    ]
    return live + [(leak.address, leak.handle, {"node": record.name}) for leak in record.leaks if leak.handle]
