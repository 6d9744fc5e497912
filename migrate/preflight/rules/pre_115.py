"""PRE-115: a node must have room for Cilium's images, or kubelet evicts pods while they are pulled.

Agent, envoy and operator take about 1.2 GB unpacked, counted once if the node does not have them by name; a margin of
1 GiB, and kubelet's own limit: below 15 % of the image filesystem it evicts.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number
from migrate.model.findings import Severity
from migrate.model.nodes import Node
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

GIB = 2**30
IMAGES, MARGIN = int(1.2e9), GIB
EVICTION_SHARE = 0.15


def check(case: Case) -> Iterator[Hit]:
    """Name each node with too little room, or under DiskPressure already."""
    free = {
        f.node: (number(f.data, "disk_free"), number(f.data, "disk_size")) for f in case.facts("disk_free")
    }
    for node in case.snapshot.nodes:
        pressed = node.conditions.get("DiskPressure", ("", ""))[0] == "True"
        room, size = free.get(node.name, (-1, 0))
        needed = (0 if _has_images(case, node) else IMAGES) + MARGIN + int(size * EVICTION_SHARE)
        if pressed or 0 <= room < needed:
            said = f"{room / GIB:.1f} GiB free" if room >= 0 else "DiskPressure"
            evidence = {"free": room, "needed": needed, "size": size, "DiskPressure": pressed}
            yield Hit(f"node/{node.name}", {"n": node.name, "free": said}, evidence, node.name)


def _has_images(case: Case, node: Node) -> bool:
    """Say whether the target's agent is on the node already."""
    tag = f"cilium/cilium:v{case.draft.settings.cilium.version}"
    return any(tag in image for image in node.images)


RULE = Rule(
    number=115,
    group=Group.ACCESS,
    severity=Severity.BLOCK,
    title="Too little disk",
    message="{n}: {free}",
    remedy="clean the image filesystem (crictl rmi --prune), or grow it",
    check=check,
    reads=("nodes",),
    facts=("disk_free",),
)
