"""What is not protected, where, and how long: honest numbers for the time in which both CNIs run (``gates.md`` §7).

*Protected* is a pod that some policy isolates in a direction. Calico protects it until its node is switched; Cilium does
from P8 on, or, with ``policyInWindow: bridged``, from the switch on, but lets every pod of Calico in as one class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.engine.sides import Object, path_of
from migrate.engine.worlds import world_of
from migrate.model.draft import Draft
from migrate.model.resources import Resource
from migrate.model.snapshot import Snapshot
from translators.semantics.cilium.labels import identity_labels
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import CiliumConfig
from translators.source import from_object
from translators.world import Pod

__all__ = ["Protection", "exposure", "protection"]

OPEN, WEAKER, LATER = (
    "not enforced",
    "pods on Calico allowed as one class",
    "deny of pods on Calico waits for P8",
)


@dataclass(frozen=True, slots=True)
class Protection:
    """The pods of one namespace that policies isolate in one direction, by pod, with the policies that do."""

    namespace: str
    direction: str
    pods: Mapping[str, str]
    total: int
    policies: tuple[str, ...]


def protection(snapshot: Snapshot, objects: Iterable[Object], config: CiliumConfig) -> list[Protection]:
    """Give by namespace and direction which pods these policies isolate; ``pods`` maps a pod to its node.

    ``objects`` are policies of Cilium and native ones.
    """
    world = world_of(snapshot)
    built = CiliumPolicies.build(world, [from_object(item) for item in objects], config)
    pods = [p for p in world.pods if not p.host_network and not p.finished]
    seen = {(p.namespace, p.name): identity_labels(p, world, config) for p in pods}
    held: dict[tuple[str, str], tuple[dict[str, str], dict[str, None]]] = {}
    for rule in built.rules:
        if rule.of_nodes or not rule.isolates:
            continue
        met = [p for p in pods if rule.subject.holds(seen[p.namespace, p.name])]
        for direction in rule.isolates:
            for pod in met:
                nodes, names = held.setdefault((pod.namespace, str(direction)), ({}, {}))
                nodes[pod.name] = pod.node
                names[rule.object.replace(":", "/", 1)] = None
    totals = _totals(pods)
    return [
        Protection(namespace, direction, nodes, totals[namespace], tuple(sorted(names)))
        for (namespace, direction), (nodes, names) in sorted(held.items())
    ]


def _totals(pods: Sequence[Pod]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pod in pods:
        found[pod.namespace] = found.get(pod.namespace, 0) + 1
    return found


def exposure(snapshot: Snapshot, draft: Draft) -> tuple[Mapping[str, Any], ...]:
    """Give ``{namespace, phase, direction, policies, pods, share, why}``, by namespace, direction and phase.

    ``share`` is the largest part of the protected pods that a phase leaves unprotected: in P4 those on the canary, from
    P5 on all. P8 ends it node by node.
    """
    policies, config = draft.policies, CiliumConfig.from_map(draft.policies.assumed)
    kept = [r.data for r in _kept(snapshot, policies.kept)]
    bridged = draft.settings.policy_in_window == "bridged"
    weakened = _subjects(snapshot, policies.allowance, config)
    deferred = _subjects(snapshot, [o for o in policies.objects if path_of(o) in policies.deferred], config)
    found: list[Mapping[str, Any]] = []
    for item in protection(snapshot, [*policies.objects, *kept], config):
        key = (item.namespace, item.direction)
        if not bridged:
            found += _entries(item, draft, ("P4", "P5", "P6", "P7", "P8"), OPEN)
            continue
        if key in weakened:
            found += _entries(item, draft, ("P4", "P5"), WEAKER)
        if key in deferred:
            found += _entries(item, draft, ("P4", "P5", "P6", "P7"), LATER)
    return tuple(found)


def _kept(snapshot: Snapshot, names: Sequence[str]) -> Iterator[Resource]:
    return (r for r in snapshot.of("networkpolicies.networking.k8s.io") if r.path in names)


def _subjects(
    snapshot: Snapshot, objects: Sequence[Object], config: CiliumConfig
) -> frozenset[tuple[str, str]]:
    if not objects:
        return frozenset()
    return frozenset((p.namespace, p.direction) for p in protection(snapshot, objects, config))


def _entries(item: Protection, draft: Draft, phases: Sequence[str], why: str) -> Iterator[Mapping[str, Any]]:
    on_canary = sum(1 for node in item.pods.values() if node in draft.canaries)
    for phase in phases:
        share = on_canary / len(item.pods) if phase == "P4" else 1.0
        yield {
            "namespace": item.namespace,
            "phase": phase,
            "direction": item.direction,
            "policies": list(item.policies),
            "pods": len(item.pods),
            "share": round(share, 3),
            "why": why,
        }
