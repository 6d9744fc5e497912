"""PRE-026: a node's block of the new pool must hold the pods that its kubelet allows.

Each node is asked by its own ``maxPods``. Four addresses of a block are taken: network and broadcast, the router and
the health endpoint (the last two inferred: verify). Pods of the host's network need none, so this is on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

RESERVED = 4
BITS = {4: 32, 6: 128}


def check(case: Case) -> Iterator[Hit]:
    """Compare the addresses of one block with every node's ``maxPods``, family by family."""
    cilium = case.draft.settings.cilium
    for family in case.draft.variant.families:
        mask = cilium.mask_v4 if family == 4 else cilium.mask_v6
        usable = max(0, 2 ** (BITS[family] - mask) - RESERVED)
        for node in case.snapshot.nodes:
            if usable < node.allocatable.pods and node.labels.get("kubernetes.io/os", "linux") == "linux":
                fills = {"mask": mask, "n": usable, "m": node.allocatable.pods}
                evidence = {"family": family, "maxPods": node.allocatable.pods}
                yield Hit(f"node/{node.name}", fills, evidence, node.name)


RULE = Rule(
    number=26,
    group=Group.CAPACITY,
    severity=Severity.MANDATORY,
    title="Block of a node too small",
    message="/{mask} gives {n} addresses per node, maxPods is {m}",
    remedy="a larger block per node: cilium.maskSize, or maskSizeV6 (ipam.operator.clusterPoolIPv4MaskSize)",
    check=check,
    failures=(27,),
    reads=("nodes",),
)
