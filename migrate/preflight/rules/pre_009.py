"""PRE-009: Windows nodes have no Cilium; their workloads must be somewhere else before Calico goes."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every Windows node, by its label or by what its kubelet reports."""
    for node in case.snapshot.nodes:
        system = node.info.get("operatingSystem", "")
        if "windows" in {node.labels.get("kubernetes.io/os", ""), system}:
            pods = [p.label for p in case.snapshot.pods if p.node == node.name and p.movable]
            evidence = {"osImage": node.info.get("osImage", ""), "pods": pods}
            yield Hit(f"node/{node.name}", {"n": node.name}, evidence, node.name)


RULE = Rule(
    number=9,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Windows node",
    message="Windows node {n} cannot be migrated",
    remedy="remove {n} from the cluster, with its workloads",
    check=check,
    reads=("nodes",),
)
