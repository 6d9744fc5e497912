"""Each wave of the draft drained in memory: which pods leave, and which of them find no place.

The answer is worked out once a case; every rule on capacity and placement reads its own part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from migrate.engine.displacement import Displacement, Pending, displaced
from migrate.engine.filters import Filter
from migrate.engine.placement import movable_pods
from migrate.engine.scheduling import ClusterState
from migrate.model.draft import NodePlan
from migrate.model.fields import at, maps
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Unread

__all__ = [
    "cluster_state",
    "counted",
    "held_up",
    "leaving",
    "mode_of",
    "moving",
    "unseen_constraints",
    "waves",
]

AS_A_RULE = NodePlan()
STORAGE = ("persistentvolumeclaims", "persistentvolumes")


def mode_of(case: Case, node: str) -> str:
    """Give how a node is moved: drain, recycle or replace."""
    return case.draft.nodes.get(node, AS_A_RULE).mode


def moving(case: Case) -> Mapping[str, list[Pod]]:
    """Give by node the pods that the run evicts there, whether they leave or come back; hostNetwork pods are not moved."""
    return case.once(_moving)


def _moving(case: Case) -> Mapping[str, list[Pod]]:
    return {node: pods for node, pods in movable_pods(case.snapshot).items() if node in case.draft.nodes}


def leaving(case: Case) -> Mapping[str, list[Pod]]:
    """Give by node the pods that must find another node; those of a node that recycles come back to it."""
    return case.once(_leaving)


def _leaving(case: Case) -> Mapping[str, list[Pod]]:
    return {node: pods for node, pods in moving(case).items() if mode_of(case, node) != "recycle"}


def cluster_state(case: Case) -> ClusterState:
    """Give the cluster as the scheduler's filters see it; whoever changes it puts it back."""
    return case.once(_state)


def _state(case: Case) -> ClusterState:
    return ClusterState.of(case.snapshot)


def waves(case: Case) -> tuple[Displacement, ...]:
    """Give what would become of each wave's pods."""
    return case.once(_waves)


def _waves(case: Case) -> tuple[Displacement, ...]:
    return displaced(cluster_state(case), case.draft.waves, leaving(case))


def held_up(case: Case, *by: Filter) -> Iterator[tuple[Displacement, list[Pending]]]:
    """Give the waves with pods that one of these filters keeps from the nodes which come nearest to taking them."""
    for wave in waves(case):
        found = [p for p in wave.pending if p.nearest.intersection(by)]
        if found:
            yield wave, found


def unseen_constraints(case: Case) -> Iterator[Unread]:
    """Give what was not read and may hold a pod that leaves: its volumes, or the namespaces that its terms select."""
    pods = [pod for found in leaving(case).values() for pod in found]
    mounting = sum(bool(pod.claims) for pod in pods)
    for resource in STORAGE:
        if mounting and not case.snapshot.knows(resource):
            yield Unread(f"{resource}, which {counted(mounting, 'pod')} mount")
    if not case.snapshot.knows("namespaces") and any(map(_selects_namespaces, pods)):
        yield Unread("namespaces, which affinity terms select by label")


def _selects_namespaces(pod: Pod) -> bool:
    hard = partial(maps, pod.affinity)
    kinds = ("podAffinity", "podAntiAffinity")
    return any(
        at(term, "namespaceSelector")
        for kind in kinds
        for term in hard(kind, "requiredDuringSchedulingIgnoredDuringExecution")
    )


def counted(count: int, word: str) -> str:
    """Give a number with its noun: ``1 pod``, ``2 pods``."""
    return f"{count} {word}{'' if count == 1 else 's'}"
