"""Who made a pod: the controller that a person would name, found through the ones between."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.model.pods import Owner, Pod
from migrate.model.workloads import Workload
from migrate.preflight.rule import Case

__all__ = ["Maker", "maker_of"]


@dataclass(frozen=True, slots=True)
class Maker:
    """The outermost controller of a pod; of a pod without one, the pod itself.

    ``replicas`` is None where the snapshot does not hold the controller; it counts the innermost one's, which is what
    an eviction meets.
    """

    kind: str
    namespace: str
    name: str
    replicas: int | None = None

    @property
    def path(self) -> str:
        """Give ``Kind/namespace/name``."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """Give ``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"


def _by_name(case: Case) -> dict[tuple[str, str, str], Workload]:
    return {(w.kind, w.namespace, w.name): w for w in case.snapshot.workloads}


def maker_of(case: Case, pod: Pod) -> Maker:
    """Give the controller of a pod; one that is not in the snapshot is named by the reference to it."""
    if pod.owner is None:
        return Maker("Pod", pod.namespace, pod.name)
    known = case.once(_by_name)
    first = known.get((pod.owner.kind, pod.namespace, pod.owner.name))
    outer: Owner = pod.owner
    inner = first
    while inner is not None and inner.owner is not None:
        outer = inner.owner
        inner = known.get((outer.kind, pod.namespace, outer.name))
    return Maker(outer.kind, pod.namespace, outer.name, first.replicas if first is not None else None)
