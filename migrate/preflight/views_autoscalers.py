"""Autoscalers of nodes: which are active, and by how many nodes each may still grow the cluster.

Read from the Deployments of cluster-autoscaler and Karpenter, from Karpenter's NodePools, and from the status that
cluster-autoscaler writes, in which a managed one shows itself too. The status is YAML from 1.30 on and prose before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate.model.fields import at, items, labels, maps, quantity
from migrate.model.resources import Resource
from migrate.model.workloads import Workload
from migrate.preflight.rule import Case

__all__ = ["Autoscaler", "autoscalers"]

MIGRATED = "io.cilium.migration/cilium-default"
POOLS = ("nodepools.karpenter.sh", "nodepools.eks.amazonaws.com")
_MAXIMUM = re.compile(r"\bmaxSize[=:]\s*(\d+)")
_TARGET = re.compile(r"\bcloudProviderTarget[=:]\s*(\d+)")
_GROUP = re.compile(r"--nodes=(\d+):(\d+):")
_TOTAL = re.compile(r"--max-nodes-total=(\d+)")


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """One autoscaler that may act; ``surplus`` is how many nodes it may add, None where nothing bounds it.

    ``labelled`` says that nodes which it makes carry the label of migrated ones from the start.
    """

    path: str
    name: str
    surplus: int | None
    labelled: bool = False


def autoscalers(case: Case) -> tuple[Autoscaler, ...]:
    """Give every autoscaler that is active."""
    return case.once(_found)


def _found(case: Case) -> tuple[Autoscaler, ...]:
    return (*_cluster_autoscalers(case), *_karpenter(case))


def _runs(workload: Workload, name: str) -> bool:
    named = name in workload.name or any(f"/{name}" in f"/{image}" for image in workload.images)
    return workload.kind == "Deployment" and workload.replicas > 0 and named


def _cluster_autoscalers(case: Case) -> Iterator[Autoscaler]:
    status = [c for c in case.snapshot.of("configmaps") if c.name == "cluster-autoscaler-status"]
    deployments = [w for w in case.snapshot.workloads if _runs(w, "cluster-autoscaler")]
    for workload in deployments:
        surplus = _by_status(status) if status else _by_flags(workload)
        total = _TOTAL.search(_words(workload))
        if total is not None:
            rest = max(0, int(total[1]) - len(case.snapshot.nodes))
            surplus = rest if surplus is None else min(surplus, rest)
        yield Autoscaler(f"Deployment/{workload.label}", "cluster-autoscaler", surplus)
    scaled_down = any(
        w.kind == "Deployment" and "cluster-autoscaler" in w.name and not w.replicas
        for w in case.snapshot.workloads
    )
    if status and not deployments and not scaled_down:
        yield Autoscaler(status[0].path, "a managed cluster-autoscaler", _by_status(status))


def _by_status(found: list[Resource]) -> int | None:
    written = str(at(found[0].data, "data", "status") or "")
    most, now = _MAXIMUM.findall(written), _TARGET.findall(written)
    return sum(map(int, most)) - sum(map(int, now)) if most and len(most) == len(now) else None


def _by_flags(workload: Workload) -> int | None:
    groups = _GROUP.findall(_words(workload))
    return sum(int(most) - int(least) for least, most in groups) if groups else None


def _words(workload: Workload) -> str:
    return " ".join(
        str(word)
        for container in maps(workload.template, "spec", "containers")
        for word in (*items(container, "command"), *items(container, "args"))
    )


def _karpenter(case: Case) -> Iterator[Autoscaler]:
    """Give Karpenter's pools that may grow; of a controller without a pool, the controller."""
    pools = [pool for resource in POOLS for pool in case.snapshot.of(resource)]
    controllers = [w for w in case.snapshot.workloads if _runs(w, "karpenter")]
    idle = any(
        w.kind == "Deployment" and w.name == "karpenter" and not w.replicas for w in case.snapshot.workloads
    )
    for pool in pools:
        limits = at(pool.data, "spec", "limits")
        closed = isinstance(limits, dict) and any(str(limits.get(k)) == "0" for k in ("cpu", "nodes"))
        if not idle and not closed:
            marked = labels(pool.data, "spec", "template", "metadata", "labels").get(MIGRATED) == "true"
            yield Autoscaler(pool.path, f"Karpenter pool {pool.name}", _limit(case, pool), marked)
    if not pools:
        yield from (Autoscaler(f"Deployment/{w.label}", "Karpenter", None) for w in controllers)


def _limit(case: Case, pool: Resource) -> int | None:
    most = at(pool.data, "spec", "limits", "nodes")
    if most is None:
        return None
    own = sum(n.labels.get("karpenter.sh/nodepool") == pool.name for n in case.snapshot.nodes)
    return max(0, quantity(most) - own)
