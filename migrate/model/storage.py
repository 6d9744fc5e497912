"""Claims on storage and the volumes behind them: where a volume can be reached from, and by how many nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migrate.model.fields import items, maps, number, text
from migrate.model.node_selection import Terms, selects_node
from migrate.model.nodes import Node
from migrate.model.snapshot import Snapshot

__all__ = ["SINGLE_NODE", "Claim", "claims", "volume_limits"]

SINGLE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim with its volume; ``places`` None: the volume says nothing of nodes, or is not known.

    ``volume`` is empty while the claim is not bound; ``driver`` is the CSI driver's name; ``local`` says whether the
    data lie on a node's own disk.
    """

    namespace: str
    name: str
    volume: str = ""
    modes: tuple[str, ...] = ()
    places: Terms | None = None
    driver: str = ""
    local: bool = False

    @property
    def single_node(self) -> bool:
        """Say whether one node at a time can use the volume."""
        return bool(self.modes) and SINGLE_NODE.issuperset(self.modes)

    def reachable_from(self, node: Node) -> bool:
        """Say whether a pod with this claim could run on the node."""
        return self.places is None or selects_node(self.places, node)


def claims(snapshot: Snapshot) -> Mapping[tuple[str, str], Claim]:
    """Give every claim by (namespace, name)."""
    volumes = {v.name: v for v in snapshot.of("persistentvolumes")}
    found = {}
    for item in snapshot.of("persistentvolumeclaims"):
        name = text(item.data, "spec", "volumeName")
        data = volumes[name].data if name in volumes else {}
        required = items(data, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
        modes = items(data, "spec", "accessModes") or items(item.data, "spec", "accessModes")
        found[item.namespace or "default", item.name] = Claim(
            item.namespace or "default",
            item.name,
            name,
            tuple(str(mode) for mode in modes),
            tuple(term for term in required if isinstance(term, Mapping)) if required else None,
            text(data, "spec", "csi", "driver"),
            any(
                isinstance(data.get("spec"), Mapping) and kind in data["spec"]
                for kind in ("local", "hostPath")
            ),
        )
    return found


def volume_limits(snapshot: Snapshot) -> Mapping[tuple[str, str], int]:
    """Give by (node, CSI driver) how many volumes can be attached, where a CSINode says so."""
    return {
        (item.name, text(driver, "name")): number(driver, "allocatable", "count")
        for item in snapshot.of("csinodes.storage.k8s.io")
        for driver in maps(item.data, "spec", "drivers")
        if "count" in (driver.get("allocatable") or {})
    }
