"""PRE-026: a node's block of the new pool must hold the pods that its kubelet allows."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

RESERVED = 4
"""Network and broadcast address, router and health endpoint."""
BITS = {4: 32, 6: 128}


def check(case: Case) -> Iterator[Hit]:
    """Compare the addresses of one block with the largest ``maxPods`` of a node, family by family."""
    cilium = case.draft.settings.cilium
    largest = max(case.snapshot.nodes, key=lambda n: n.allocatable.pods, default=None)
    if largest is None:
        return
    for family in case.draft.variant.families:
        mask = cilium.mask_v4 if family == 4 else cilium.mask_v6
        usable = 2 ** (BITS[family] - mask) - RESERVED
        if usable < largest.allocatable.pods:
            fills = {"mask": mask, "n": max(0, usable), "m": largest.allocatable.pods}
            yield Hit(f"node/{largest.name}", fills, {"family": family, "maxPods": largest.allocatable.pods})


RULE = Rule(
    number=26,
    group=Group.CAPACITY,
    severity=Severity.MANDATORY,
    title="Block of a node too small",
    message="/{mask} gives {n} addresses per node, maxPods is {m}",
    remedy="choose a larger block per node (ipam.operator.clusterPoolIPv4MaskSize, or the IPv6 twin)",
    check=check,
    failures=(27,),
    reads=("nodes",),
)
