"""Controllers of pods, and the PodDisruptionBudgets around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.fields import Labels, items, labels, mapping, maps, number, text
from migrate.model.pods import Owner, Toleration

__all__ = ["WORKLOAD_KINDS", "Budget", "Workload", "path_of", "ready_of", "selects"]

WORKLOAD_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}
)


@dataclass(frozen=True, slots=True)
class Workload:
    """A controller; for a DaemonSet ``replicas`` is ``desiredNumberScheduled``. ``template`` is the plain pod template.

    ``env`` holds the environment of all containers of the template, values only where they are written out.
    """

    kind: str
    namespace: str
    name: str
    uid: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)
    owner: Owner | None = None
    replicas: int = 0
    ready: int = 0
    updated: int = 0
    generation: int = 0
    observed: int = 0
    selector: Mapping[str, Any] = field(default_factory=dict)
    template: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Workload:
        """Read any of ``WORKLOAD_KINDS``; the counts of its status, whatever they are called there."""
        kind, status = text(data, "kind"), mapping(data, "status")
        daemon = kind == "DaemonSet"
        ready, replicas = ready_of(data)
        owners = [o for o in maps(data, "metadata", "ownerReferences") if o.get("controller") is True]
        return cls(
            kind=kind,
            namespace=text(data, "metadata", "namespace", default="default"),
            name=text(data, "metadata", "name"),
            uid=text(data, "metadata", "uid"),
            labels=labels(data, "metadata", "labels"),
            annotations=labels(data, "metadata", "annotations"),
            owner=Owner(text(owners[0], "kind"), text(owners[0], "name"), text(owners[0], "uid"))
            if owners
            else None,
            replicas=replicas,
            ready=ready,
            updated=number(status, "updatedNumberScheduled") if daemon else number(status, "updatedReplicas"),
            generation=number(data, "metadata", "generation"),
            observed=number(status, "observedGeneration"),
            selector=mapping(data, "spec", "selector"),
            template=mapping(data, "spec", "template"),
        )

    @property
    def label(self) -> str:
        """Give ``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def rolled_out(self) -> bool:
        """Say whether every replica runs the newest template and is ready."""
        return (
            self.observed >= self.generation and self.updated >= self.replicas and self.ready >= self.replicas
        )

    @property
    def env(self) -> Labels:
        """Give the environment variables of the template that have a value written out."""
        found: dict[str, str] = {}
        for container in maps(self.template, "spec", "containers"):
            found |= {text(e, "name"): text(e, "value") for e in maps(container, "env") if "value" in e}
        return found

    @property
    def env_names(self) -> frozenset[str]:
        """Give the names of all environment variables of the template, those taken from elsewhere included."""
        return frozenset(
            text(e, "name") for c in maps(self.template, "spec", "containers") for e in maps(c, "env")
        )

    @property
    def images(self) -> tuple[str, ...]:
        """Give the images of the template's containers."""
        return tuple(text(c, "image") for c in maps(self.template, "spec", "containers"))

    @property
    def tolerations(self) -> tuple[Toleration, ...]:
        """Give the tolerations of the template."""
        return tuple(
            Toleration(
                text(t, "key"), text(t, "operator", default="Equal"), text(t, "value"), text(t, "effect")
            )
            for t in maps(self.template, "spec", "tolerations")
        )


def path_of(data: Mapping[str, Any]) -> str:
    """Give ``Kind/namespace/name``."""
    about = mapping(data, "metadata")
    return f"{text(data, 'kind')}/{text(about, 'namespace', default='default')}/{text(about, 'name')}"


def ready_of(data: Mapping[str, Any]) -> tuple[int, int]:
    """Give how many replicas of a workload are ready, and how many are wanted."""
    kind, status = text(data, "kind"), mapping(data, "status")
    if kind == "DaemonSet":
        return number(status, "numberReady"), number(status, "desiredNumberScheduled")
    return number(status, "readyReplicas"), _replicas(data, kind)


def _replicas(data: Mapping[str, Any], kind: str) -> int:
    return (
        number(data, "spec", "parallelism", default=1)
        if kind == "Job"
        else number(data, "spec", "replicas", default=1)
    )


@dataclass(frozen=True, slots=True)
class Budget:
    """A PodDisruptionBudget; ``min_available`` and ``max_unavailable`` are numbers, percentages as text, or None."""

    namespace: str
    name: str
    uid: str = ""
    selector: Mapping[str, Any] = field(default_factory=dict)
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    allowed: int = 0
    healthy: int = 0
    desired: int = 0
    expected: int = 0
    generation: int = 0
    observed: int = 0
    created_at: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Budget:
        """Read a PodDisruptionBudget of ``policy/v1``."""
        spec = mapping(data, "spec")
        return cls(
            namespace=text(data, "metadata", "namespace", default="default"),
            name=text(data, "metadata", "name"),
            uid=text(data, "metadata", "uid"),
            selector=mapping(spec, "selector"),
            min_available=_count(spec.get("minAvailable")),
            max_unavailable=_count(spec.get("maxUnavailable")),
            allowed=number(data, "status", "disruptionsAllowed"),
            healthy=number(data, "status", "currentHealthy"),
            desired=number(data, "status", "desiredHealthy"),
            expected=number(data, "status", "expectedPods"),
            generation=number(data, "metadata", "generation"),
            observed=number(data, "status", "observedGeneration"),
            created_at=text(data, "metadata", "creationTimestamp"),
        )

    @property
    def label(self) -> str:
        """Give ``namespace/name``."""
        return f"{self.namespace}/{self.name}"


def _count(value: object) -> int | str | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def selects(selector: Mapping[str, Any], labels_: Labels) -> bool:
    """Say whether a LabelSelector selects these labels; an empty one selects everything (``policy/v1``).

    Asked of every pod by every budget, so it reads the selector as it is written and makes nothing anew.
    """
    wanted = selector.get("matchLabels")
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            if isinstance(value, str) and labels_.get(key) != value:
                return False
    terms = selector.get("matchExpressions")
    return not terms or all(_holds(term, labels_) for term in maps(selector, "matchExpressions"))


def _holds(term: Mapping[str, Any], labels_: Labels) -> bool:
    key, values = text(term, "key"), items(term, "values")
    match text(term, "operator"):
        case "In":
            return labels_.get(key) in values
        case "NotIn":
            return labels_.get(key) not in values
        case "Exists":
            return key in labels_
        case "DoesNotExist":
            return key not in labels_
    return False
