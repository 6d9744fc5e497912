"""A Node as the migration sees it: placement, addresses, capacity, conditions and our own marks on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.fields import Labels, items, labels, mapping, maps, quantity, text, truth

__all__ = ["CONTROL_PLANE_LABELS", "Amounts", "Node", "Taint"]

CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
ZONE_LABEL = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Compute resources: milli-CPUs, bytes of memory and of ephemeral storage, pods, and extended ones by name."""

    cpu_m: int = 0
    memory: int = 0
    ephemeral: int = 0
    pods: int = 0
    extended: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Amounts:
        """Read ``allocatable`` or ``requests``; huge pages count as extended resources, zero amounts are left out."""
        known = {"cpu", "memory", "ephemeral-storage", "pods"}
        return cls(
            quantity(data.get("cpu"), 1000),
            quantity(data.get("memory")),
            quantity(data.get("ephemeral-storage")),
            quantity(data.get("pods")),
            {k: amount for k, v in data.items() if k not in known and (amount := quantity(v))},
        )

    def __add__(self, other: Amounts) -> Amounts:
        """Add two amounts."""
        extended = dict(self.extended)
        for name, value in other.extended.items():
            extended[name] = extended.get(name, 0) + value
        return Amounts(
            self.cpu_m + other.cpu_m,
            self.memory + other.memory,
            self.ephemeral + other.ephemeral,
            self.pods + other.pods,
            extended,
        )

    def at_least(self, other: Amounts) -> Amounts:
        """Give the greater of both, resource by resource."""
        names = {*self.extended, *other.extended}
        return Amounts(
            max(self.cpu_m, other.cpu_m),
            max(self.memory, other.memory),
            max(self.ephemeral, other.ephemeral),
            max(self.pods, other.pods),
            {n: max(self.extended.get(n, 0), other.extended.get(n, 0)) for n in names},
        )


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint; ``effect`` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Node:
    """A Node; ``conditions`` maps a type to (status, reason), ``addresses`` a type to its addresses."""

    name: str
    uid: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    provider_id: str = ""
    pod_cidrs: tuple[str, ...] = ()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    allocatable: Amounts = field(default_factory=Amounts)
    info: Labels = field(default_factory=dict)
    images: frozenset[str] = frozenset()
    deleting: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Node:
        """Read a Node; ``info`` is ``status.nodeInfo`` (kubeletVersion, osImage, bootID, …)."""
        cidrs = items(data, "spec", "podCIDRs") or [text(data, "spec", "podCIDR")]
        addresses: dict[str, tuple[str, ...]] = {}
        for item in maps(data, "status", "addresses"):
            kind = text(item, "type")
            addresses[kind] = (*addresses.get(kind, ()), text(item, "address"))
        return cls(
            name=text(data, "metadata", "name"),
            uid=text(data, "metadata", "uid"),
            labels=labels(data, "metadata", "labels"),
            annotations=labels(data, "metadata", "annotations"),
            taints=tuple(
                Taint(text(t, "key"), text(t, "value"), text(t, "effect"))
                for t in maps(data, "spec", "taints")
            ),
            unschedulable=truth(data, "spec", "unschedulable"),
            provider_id=text(data, "spec", "providerID"),
            pod_cidrs=tuple(c for c in cidrs if isinstance(c, str) and c),
            addresses=addresses,
            conditions={
                text(c, "type"): (text(c, "status"), text(c, "reason"))
                for c in maps(data, "status", "conditions")
            },
            allocatable=Amounts.from_dict(mapping(data, "status", "allocatable")),
            info=labels(data, "status", "nodeInfo"),
            images=frozenset(
                name for image in maps(data, "status", "images") for name in items(image, "names") if name
            ),
            deleting=bool(text(data, "metadata", "deletionTimestamp")),
        )

    @property
    def control_plane(self) -> bool:
        """Say whether the node carries a label of a control-plane node, the new or the old one."""
        return any(key in self.labels for key in CONTROL_PLANE_LABELS)

    @property
    def ready(self) -> bool:
        """Say whether the condition Ready is True."""
        return self.conditions.get("Ready", ("Unknown", ""))[0] == "True"

    @property
    def zone(self) -> str:
        """Give the zone's name, empty where there is none."""
        return self.labels.get(ZONE_LABEL, "")

    @property
    def internal_addresses(self) -> tuple[str, ...]:
        """Give the InternalIPs in the order of the status."""
        return self.addresses.get("InternalIP", ())
