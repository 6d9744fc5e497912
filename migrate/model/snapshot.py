"""One cluster at one moment: typed where a rule or the planner looks closely, plain objects elsewhere.

A snapshot says of each resource whether it was read: an object that is absent from a resource that was read does not
exist; of one that was not read nothing is known (``preflight.md`` §1, ``cli.md`` §8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.facts import NodeFacts
from migrate.model.fields import maps, text
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.model.resources import CALICO_GROUPS, Resource, resource_of
from migrate.model.rights import Asked
from migrate.model.workloads import WORKLOAD_KINDS, Budget, Workload

__all__ = ["Answers", "Identity", "Read", "ReadState", "Snapshot", "SnapshotBuilder"]


_RESOURCES = {
    "Node": "nodes", "Pod": "pods", "PodDisruptionBudget": "poddisruptionbudgets.policy", "Job": "jobs.batch",
    "ReplicationController": "replicationcontrollers", "Deployment": "deployments.apps",
    "StatefulSet": "statefulsets.apps", "DaemonSet": "daemonsets.apps", "ReplicaSet": "replicasets.apps",
}  # fmt: skip


class ReadState(StrEnum):
    """How reading one resource ended; only ``read`` and ``absent`` say what does not exist."""

    READ = "read"
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Read:
    """The reading of one resource; ``reason`` says why where it failed."""

    state: ReadState
    count: int = 0
    resource_version: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which cluster: ``uid`` is that of the namespace kube-system, ``version`` the API server's (``v1.34.2``)."""

    uid: str = ""
    context: str = ""
    server: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What only a live server can say; None where nobody asked.

    ``access``: (verb, resource, namespace) → allowed. ``evictions``: pod → (status, message) of ``dryRun=All``.
    ``creations``: object → (status, message). ``release``: Helm's release ``cilium`` as ``{status, revision,
    deployed, values, chart}``, ``deployed`` its last revision of that status; empty where there is no release.
    ``controller``: facts of our own machine. ``health``: named checks of ``/readyz`` → whether they pass.
    ``backup``: the run's backup, read again, ``{files: count, missing: [part], broken: [file]}``; ``running``: node → keys
    that its agent runs with.
    """

    access: Mapping[Asked, bool] | None = None
    evictions: Mapping[str, tuple[int, str]] | None = None
    creations: Mapping[str, tuple[int, str]] | None = None
    release: Mapping[str, Any] | None = None
    controller: Mapping[str, Any] | None = None
    health: Mapping[str, bool] | None = None
    backup: Mapping[str, Any] | None = None
    running: Mapping[str, Mapping[str, str]] | None = None

    def may(self, verb: str, resource: str, namespace: str = "") -> bool | None:
        """Say whether we may; None where nobody asked. What is allowed everywhere is allowed in a namespace."""
        known = self.access or {}
        if (verb, resource, namespace) in known:
            return known[verb, resource, namespace]
        return True if known.get((verb, resource, "")) else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cluster; ``others`` maps a resource (``services``, ``ippools.crd.projectcalico.org``) to its objects.

    ``flows`` and ``baseline`` are what an observer recorded before, if one was there: ``flows`` the keys of ``gates.md``
    §5.7 (as ``migrate.preflight.views_flows`` reads them), ``baseline`` the window as ``{source, start, end, seen: {node:
    events}, lost, blind: [node]}``. ``taken`` is RFC 3339 or empty. ``complete`` says that a resource which ``reads``
    does not name has no objects.
    """

    identity: Identity = field(default_factory=Identity)
    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    budgets: tuple[Budget, ...] = ()
    others: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    reads: Mapping[str, Read] = field(default_factory=dict)
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    flows: tuple[Mapping[str, Any], ...] | None = None
    baseline: Mapping[str, Any] | None = None
    taken: str = ""
    complete: bool = False

    def of(self, resource: str) -> tuple[Resource, ...]:
        """Give the objects of a resource that no field holds; empty where there are none."""
        return self.others.get(resource, ())

    def calico(self, plural: str) -> tuple[Resource, ...]:
        """Give Calico's objects of a kind, from whichever group holds them; the stored ones where both do."""
        for group in CALICO_GROUPS:
            if found := self.of(f"{plural}.{group}"):
                return found
        return ()

    def knows(self, resource: str) -> bool:
        """Say whether the absence of an object of this resource means that there is none.

        A snapshot without a list of what was read is a plain folder: there everything counts as read.
        """
        read = self.reads.get(resource)
        if read is None:
            return self.complete or not self.reads
        return read.state in {ReadState.READ, ReadState.ABSENT}

    def knows_calico(self, plural: str) -> bool:
        """Say whether Calico's objects of a kind are known in one of its groups."""
        return any(self.knows(f"{plural}.{group}") for group in CALICO_GROUPS)

    def config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Give the data of a ConfigMap; None where it is not there."""
        for item in self.of("configmaps"):
            if item.name == name and item.namespace == namespace:
                data = item.at("data")
                return data if isinstance(data, Mapping) else {}
        return None


class SnapshotBuilder:
    """Takes objects one by one, keeps what is needed of each, and gives the snapshot.

    An object that comes twice, as overlapping files have it, counts once: the last one.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._pods: dict[str, Pod] = {}
        self._workloads: dict[tuple[str, str], Workload] = {}
        self._budgets: dict[str, Budget] = {}
        self._others: dict[str, dict[tuple[str, str], Resource]] = {}

    def add(self, data: Mapping[str, Any]) -> None:
        """Take in one object, or the members of a ``List``; an object without kind or name is left out."""
        kind = text(data, "kind")
        if kind.endswith("List") and "items" in data:
            for item in maps(data, "items"):
                defaults = {"apiVersion": text(data, "apiVersion"), "kind": kind.removesuffix("List")}
                self.add(item if text(item, "kind") else {**defaults, **item})
            return
        if not kind or not text(data, "metadata", "name"):
            return
        match kind:
            case "Node":
                node = Node.from_dict(data)
                self._nodes[node.name] = node
            case "Pod":
                pod = Pod.from_dict(data)
                self._pods[pod.label] = pod
            case "PodDisruptionBudget":
                budget = Budget.from_dict(data)
                self._budgets[budget.label] = budget
            case _ if kind in WORKLOAD_KINDS:
                workload = Workload.from_dict(data)
                self._workloads[kind, workload.label] = workload
            case _:
                other = Resource.from_dict(data)
                known = self._others.setdefault(resource_of(text(data, "apiVersion"), kind), {})
                known[other.namespace, other.name] = other

    def absorb(self, other: SnapshotBuilder) -> None:
        """Take in everything that another builder took."""
        self._nodes |= other._nodes
        self._pods |= other._pods
        self._workloads |= other._workloads
        self._budgets |= other._budgets
        for resource, found in other._others.items():
            self._others.setdefault(resource, {}).update(found)

    def snapshot(
        self,
        *,
        identity: Identity | None = None,
        reads: Mapping[str, Read] | None = None,
        facts: Iterable[NodeFacts] = (),
        answers: Answers | None = None,
        observed: tuple[Iterable[Mapping[str, Any]] | None, Mapping[str, Any] | None] = (None, None),
        taken: str = "",
        complete: bool = False,
    ) -> Snapshot:
        """Give what was taken in, sorted by name, so that the order of the input does not matter.

        ``observed`` are the flows and the baseline, None where nobody observed.
        """
        flows, baseline = observed
        return Snapshot(
            identity=identity or Identity(uid=self.uid),
            nodes=tuple(sorted(self._nodes.values(), key=lambda n: n.name)),
            pods=tuple(sorted(self._pods.values(), key=lambda p: (p.namespace, p.name))),
            workloads=tuple(sorted(self._workloads.values(), key=lambda w: (w.kind, w.namespace, w.name))),
            budgets=tuple(sorted(self._budgets.values(), key=lambda b: (b.namespace, b.name))),
            others={
                resource: tuple(sorted(found.values(), key=lambda r: (r.namespace, r.name)))
                for resource, found in sorted(self._others.items())
            },
            reads=reads or {},
            facts={f.node: f for f in facts},
            answers=answers or Answers(),
            flows=None if flows is None else tuple(flows),
            baseline=baseline,
            taken=taken,
            complete=complete,
        )

    @property
    def counts(self) -> dict[str, int]:
        """Give by resource how many objects were taken in."""
        found = {resource: len(items) for resource, items in self._others.items()}
        typed = (("Node", self._nodes), ("Pod", self._pods), ("PodDisruptionBudget", self._budgets))
        found |= {_RESOURCES[kind]: len(taken) for kind, taken in typed if taken}
        for kind, _ in self._workloads:
            found[_RESOURCES[kind]] = found.get(_RESOURCES[kind], 0) + 1
        return found

    @property
    def uid(self) -> str:
        """Give the UID of the namespace kube-system, empty where it is not there."""
        found = self._others.get("namespaces", {}).get(("", "kube-system"))
        return found.uid if found is not None else ""
