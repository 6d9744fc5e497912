"""Label selectors as Cilium matches them, with what it adds to them by itself.

Source: cilium/cilium ``pkg/k8s/apis/cilium.io/utils`` (``getEndpointSelector``): a peer of a CNP is limited to
the policy's namespace unless it names one, a peer of a CCNP to pods, and both to the own cluster while
``policy-default-local-cluster`` is on. Without that limit a selector of negative terms on the namespace alone
also matches identities that have no labels (``cilium.md`` §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["NAMESPACE", "NAMESPACE_LABELS", "Requirement", "Selector"]

NAMESPACE = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
CLUSTER = "io.cilium.k8s.policy.cluster"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement on a key without its source prefix; ``reserved`` keys speak of reserved identities.

    ``of_pods``: it was written with the source ``k8s``, and so does not speak of the labels of nodes.
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()
    reserved: bool = False
    of_pods: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Say whether a label set meets it; NotIn and DoesNotExist hold for a missing key."""
        found = labels.get(self.key)
        match self.operator:
            case "In":
                return found in self.values if found is not None else False
            case "NotIn":
                return found not in self.values
            case "Exists":
                return found is not None
        return found is None

    @property
    def positive(self) -> bool:
        """Say whether an identity without labels fails it."""
        return self.operator in {"In", "Exists"}


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold."""

    requirements: tuple[Requirement, ...]

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> Selector:
        """Read a label selector as written."""
        found = [
            _requirement(key, "In", [str(value)])
            for key, value in ((data or {}).get("matchLabels") or {}).items()
        ]
        found += [
            _requirement(item["key"], item["operator"], item.get("values") or [])
            for item in (data or {}).get("matchExpressions") or []
        ]
        return cls(tuple(found))

    def peer_of(self, namespace: str | None, *, local_cluster: bool) -> Selector:
        """Give the selector as a peer of a CNP in ``namespace``, or of a CCNP (None).

        A namespace's label lifts the limit of a CNP; that of a CCNP only the namespace itself lifts.
        """
        if any(r.reserved for r in self.requirements):
            return self
        added = []
        if namespace is None and not any(r.key == NAMESPACE for r in self.requirements):
            added.append(Requirement(NAMESPACE, "Exists", of_pods=True))
        if namespace is not None and not any(_names_namespace(r.key) for r in self.requirements):
            added.append(Requirement(NAMESPACE, "In", frozenset({namespace}), of_pods=True))
        if local_cluster:
            added.append(Requirement(CLUSTER, "Exists", of_pods=True))
        return Selector((*self.requirements, *added))

    def within(self, namespace: str) -> Selector:
        """Give the selector as the subject of a CNP: its ``k8s:`` namespace label is overwritten."""
        return Selector((*self.requirements, Requirement(NAMESPACE, "In", frozenset({namespace}))))

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Say whether a pod's identity labels meet every requirement."""
        return all(r.holds(labels) for r in self.requirements)

    def holds_of_node(self, labels: Mapping[str, str]) -> bool:
        """Say whether a node that is known by its labels meets it: it has them, and its cluster, and no namespace."""
        own = {CLUSTER: "default"}
        return all(r.holds(own if r.of_pods else {**labels, **own}) for r in self.requirements)

    @property
    def only_negative(self) -> bool:
        """Say whether nothing asks for a label to be there."""
        return not any(r.positive for r in self.requirements)

    @property
    def over_selects(self) -> bool:
        """Say whether negative namespace terms alone make it match what they exclude, and the world."""
        negative = any(_names_namespace(r.key) and not r.positive for r in self.requirements)
        return self.only_negative and negative


def _requirement(key: str, operator: str, values: Iterable[object]) -> Requirement:
    source, colon, plain = key.partition(":")
    listed = frozenset(str(v) for v in values)
    if colon and source in {"k8s", "any", "reserved"}:
        return Requirement(plain, operator, listed, source == "reserved", source == "k8s")
    return Requirement(key, operator, listed)


def _names_namespace(key: str) -> bool:
    return key == NAMESPACE or key.startswith(NAMESPACE_LABELS)
