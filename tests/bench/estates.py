"""Generated clusters as an operator has them, for the verbs that plan and rehearse: nodes, workloads, budgets, Calico.

``python -m tests.bench.estates FOLDER NODES PODS`` writes a snapshot, one object a line, and the configuration that fits
it. No policies: what translating them costs is measured by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import clusters

Object = dict[str, Any]
POOL, NEW_RANGE = "10.64.0.0/10", "10.192.0.0/11"
FIRST_POD = 10 << 24 | 64 << 16
PER_WORKLOAD, PER_NAMESPACE = 30, 10
"""So many pods a workload, and so many workloads a namespace; one in three has a budget."""
STRIDE = 7919
"""A prime: every node has its pods, whatever their number."""


@dataclass(frozen=True)
class Estate:
    """How large a cluster is."""

    nodes: int
    pods: int
    kind: str = "estate"

    @property
    def name(self) -> str:
        """Give a name that tells clusters apart."""
        return f"{self.nodes}x{self.pods}"


def places(nodes: int) -> Mapping[str, tuple[str, str]]:
    """Give the nodes with address and zone; the first is the control plane."""
    return {
        f"node-{index:04}": (f"10.0.{index // 250}.{index % 250 + 1}", "abc"[index % 3])
        for index in range(nodes)
    }


def estate(nodes: int, pods: int) -> Iterator[Object]:
    """Give the objects of a cluster."""
    there = places(nodes)
    count = max(1, pods // PER_WORKLOAD)
    spaces = [f"ns-{n:03}" for n in range((count + PER_NAMESPACE - 1) // PER_NAMESPACE)]
    for item in (*clusters.system(there, spaces), *clusters.calico(there)):
        if item["kind"] == "IPPool":
            item["spec"]["cidr"] = POOL
        if item["kind"] == "Node":
            item["spec"] |= {"podCIDR": "", "podCIDRs": []}
        yield item
    workers = list(there)[1:]
    for number in range(count):
        yield from _workload(number, spaces[number // PER_NAMESPACE], workers)


def _workload(number: int, space: str, workers: list[str]) -> Iterator[Object]:
    name, labels = f"app-{number:04}", {"app": f"app-{number:04}"}
    yield clusters.workload("Deployment", name, space, PER_WORKLOAD, labels)
    replica_set = clusters.workload("ReplicaSet", f"{name}-1", space, PER_WORKLOAD, labels)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "controller": True}
    replica_set["metadata"]["ownerReferences"] = [owner]
    yield replica_set
    if number % 3 == 0:
        yield clusters.budget(name, space, labels, pods=PER_WORKLOAD, maxUnavailable="25%")
    for index in range(PER_WORKLOAD):
        serial = number * PER_WORKLOAD + index
        value = FIRST_POD + serial + 1
        address = ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))
        at = workers[serial * STRIDE % len(workers)]
        yield clusters.pod(f"{name}-1-{index:02}", space, at, address, owner=("ReplicaSet", f"{name}-1"),
                           labels=labels, cpu="50m")  # fmt: skip


def settings() -> Object:
    """Give the configuration that fits: a range with room for every node, short soaks, nothing to ask for."""
    said = clusters.settings()
    said["cilium"] = {**said["cilium"], "podCIDRs": [NEW_RANGE]}
    said["waves"] = {"parallel": 10, "canary": {"approval": False}}
    return said


def write(folder: Path, nodes: int, pods: int) -> None:
    """Write snapshot and configuration."""
    cluster = folder / "cluster"
    cluster.mkdir(parents=True, exist_ok=True)
    by_kind: dict[tuple[str, str], list[str]] = {}
    for item in estate(nodes, pods):
        by_kind.setdefault((item["apiVersion"], item["kind"]), []).append(json.dumps(item))
    for (version, kind), lines in by_kind.items():
        items = ",\n".join(lines)
        text = f'{{"apiVersion": "{version}", "kind": "{kind}List", "items": [\n{items}\n]}}\n'
        group = version.partition("/")[0] if "/" in version else ""
        (cluster / f"{'.'.join(p for p in (kind.lower() + 's', group) if p)}.json").write_text(
            text, encoding="utf-8"
        )
    (cluster / "version.json").write_text('{"serverVersion": {"gitVersion": "v1.34.2"}}', encoding="utf-8")
    (folder / "c2c.yaml").write_text(yaml.safe_dump(settings()), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
