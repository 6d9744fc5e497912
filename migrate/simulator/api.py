"""The Kubernetes API of a simulated cluster, with the answers of ``state.md`` §4."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.fields import at, text
from migrate.model.pods import Pod
from migrate.model.resources import resource_of
from migrate.model.snapshot import Identity
from migrate.ports import ApiError, Eviction, Object, refusal_of
from migrate.simulator import kubelet
from migrate.simulator.faults import OrchestratorDied, wrong
from migrate.simulator.happenings import after_patch
from migrate.simulator.world import Key, World

__all__ = ["SimCluster", "SimEvictor", "answers"]

CRD_GROUPS = ("cilium.io",)
ROLLED = ("daemonsets.apps", "deployments.apps", "statefulsets.apps")
COUNTED = (
    ("deployments.apps", "Deployment", "readyReplicas", "spec", "replicas"),
    ("statefulsets.apps", "StatefulSet", "readyReplicas", "spec", "replicas"),
    ("daemonsets.apps", "DaemonSet", "numberReady", "status", "desiredNumberScheduled"),
)
"""Where a workload counts what is ready, and what is wanted."""
ROLL_S = 2.0
APP = "k8s-app"
"""The label by which pods are kept apart: agents are asked for by it again and again."""


@dataclass(slots=True)
class SimCluster:
    """The API server; every call may meet a fault."""

    world: World

    def identity(self) -> Identity:
        """Give which cluster this is."""
        return Identity(self.world.uid, "simulated", "https://simulated.invalid", self.world.version)

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """Give one object."""
        self._meets_fault()
        return self.world.get(resource, name, namespace)

    def pods(self, node: str = "") -> list[Pod]:
        """Give the pods of a node, or all, as the scheduler sees them."""
        self._meets_fault()
        typed = self.world.typed
        return [typed[key] for key in self.world.pods_at.get(node, {})] if node else list(typed.values())

    def replicas(self) -> dict[str, tuple[int, int]]:
        """Give the counts of all workloads; nobody else writes them here, so they are where they belong."""
        self._meets_fault()
        return {
            f"{kind}/{namespace}/{name}": (item["status"].get(ready, 0), item[place].get(wanted, 0))
            for resource, kind, ready, place, wanted in COUNTED
            for (namespace, name), item in self.world.of(resource).items()
        }

    def waiting_pods(self) -> list[Object]:
        """Give the pods of which a container was made to wait."""
        self._meets_fault()
        waiting = self.world.waiting
        return [o for key, o in self.world.of("pods").items() if key in waiting] if waiting else []

    def each(self, resource: str) -> Iterator[Object]:
        """Give all objects of a kind."""
        yield from self.list(resource)

    def list(
        self, resource: str, namespace: str = "", *, labels: Mapping[str, str] | None = None, node: str = ""
    ) -> list[Object]:
        """Give objects; pods of a node by their index."""
        self._meets_fault()
        found: Iterator[Object]
        if resource == "pods" and node:
            found = iter(self.world.pods_on(node))
        elif resource == "pods" and labels and APP in labels:
            found = (self.world.of("pods")[key] for key in self.world.of_app.get(labels[APP], {}))
            found = (o for o in found if not namespace or o["metadata"]["namespace"] == namespace)
        else:
            found = (o for (ns, _), o in self.world.of(resource).items() if not namespace or ns == namespace)
        if not labels:
            return list(found)
        return [
            o
            for o in found
            if all((at(o, "metadata", "labels") or {}).get(k) == v for k, v in labels.items())
        ]

    def create(self, item: Object) -> Object:
        """Create an object."""
        self._meets_fault()
        resource, key = _place(item)
        if self.world.get(resource, key[1], key[0]) is not None:
            raise ApiError(
                FailureClass.CONFLICT, f"{key[1]} already exists", status=409, reason="AlreadyExists"
            )
        made = self.world.put(resource, copy.deepcopy(dict(item)))
        answered(self.world)
        return made

    def apply(self, item: Object, *, force: bool = False) -> Object:
        """Apply an object; kinds of Cilium need their CRD."""
        self._meets_fault()
        del force
        resource, key = _place(item)
        group = resource.partition(".")[2]
        if (
            group in CRD_GROUPS
            and self.world.get("customresourcedefinitions.apiextensions.k8s.io", resource) is None
        ):
            raise ApiError(FailureClass.NOT_FOUND, f"no matches for kind {item['kind']}", status=404)
        live = self.world.get(resource, key[1], key[0])
        merged = copy.deepcopy(dict(item)) if live is None else _merged(live, item)
        merged["spec"] = copy.deepcopy(item.get("spec", at(live, "spec") or {}))
        applied = self.world.put(resource, merged)
        answered(self.world)
        return applied

    def patch(
        self,
        resource: str,
        name: str,
        namespace: str,
        changes: Object,
        *,
        kind: str = "merge",
        version: str = "",
    ) -> Object:
        """Change an object."""
        self._meets_fault()
        live = self.world.get(resource, name, namespace)
        if live is None:
            raise ApiError(FailureClass.NOT_FOUND, f"{resource} {name} not found", status=404)
        if version and version != text(live, "metadata", "resourceVersion"):
            raise ApiError(FailureClass.CONFLICT, f"{name} was changed meanwhile", status=409)
        before = copy.deepcopy(at(live, "spec", "template"))
        changed = _merged(live, changes, strategic=kind == "strategic")
        live.clear()
        live.update(changed)
        self.world.put(resource, live)
        if resource == "nodes":
            after_patch(self.world, name, changes)
        if resource in ROLLED and at(live, "spec", "template") != before:
            self.world.after(ROLL_S, "roll", resource, (namespace, name))
        answered(self.world)
        return live

    def delete(self, resource: str, name: str, namespace: str = "", *, uid: str = "") -> bool:
        """Delete an object; pods stop first."""
        self._meets_fault()
        live = self.world.get(resource, name, namespace)
        if live is None:
            return False
        if uid and uid != text(live, "metadata", "uid"):
            raise ApiError(FailureClass.CONFLICT, f"{name} has another uid", status=409)
        if resource == "pods":
            kubelet.delete(self.world, (namespace, name))
            answered(self.world)
            return True
        self.world.drop(resource, (namespace, name))
        if resource == "customresourcedefinitions.apiextensions.k8s.io":
            self.world.objects.pop(name, None)
        answered(self.world)
        return True

    def _meets_fault(self) -> None:
        answers(self.world)


def answers(world: World) -> None:
    """Let a call through, or not: raises ``ApiError`` while the API is away or fails."""
    if world.is_away():
        raise ApiError(FailureClass.TRANSIENT, "connection refused")
    left = int(world.faults.get("api-500", 0)) if "api-500" in world.faults else 0
    if left > 0:
        world.faults["api-500"] = left - 1
        raise ApiError(FailureClass.TRANSIENT, "etcdserver: request timed out", status=500)


def answered(world: World) -> None:
    """Answer a write that took effect, or not: raises ``ApiError`` where its answer is lost on the way."""
    left = int(world.faults.get("answers-lost", 0))
    if left > 0:
        world.faults["answers-lost"] = left - 1
        raise ApiError(FailureClass.TRANSIENT, "the connection was closed before the answer", status=504)


def _survives(world: World, node: str) -> None:
    """See whether our own pod was the one that left a node: raises ``OrchestratorDied``, once."""
    if wrong(world, "orchestrator-dies", node) and "orchestrator-dies" not in world.happened:
        world.happened.append("orchestrator-dies")
        raise OrchestratorDied


def _place(item: Object) -> tuple[str, Key]:
    resource = resource_of(text(item, "apiVersion"), text(item, "kind"))
    return resource, (text(item, "metadata", "namespace"), text(item, "metadata", "name"))


def _merged(live: Any, changes: Any, *, strategic: bool = False) -> Any:  # noqa: ANN401  # JSON values
    """Merge as JSON merge patch does; strategic: named list members are found by name."""
    if not (isinstance(live, Mapping) and isinstance(changes, Mapping)):
        if (
            strategic
            and isinstance(live, list)
            and isinstance(changes, list)
            and all("name" in c for c in changes)
        ):
            return _by_name(live, changes)
        return copy.deepcopy(changes)
    found = dict(live)
    for key, value in changes.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), value, strategic=strategic)
    return found


def _by_name(live: list[Any], changes: list[Any]) -> list[Any]:
    wanted = {c["name"]: c for c in changes}
    kept = [m for m in live if wanted.get(m.get("name"), {}).get("$patch") != "delete"]
    found = [_merged(m, wanted[m["name"]], strategic=True) if m.get("name") in wanted else m for m in kept]
    known = {m.get("name") for m in live}
    return found + [
        copy.deepcopy(c) for c in changes if c["name"] not in known and c.get("$patch") != "delete"
    ]


@dataclass(slots=True)
class SimEvictor:
    """Evictions under PodDisruptionBudgets."""

    world: World

    def evict(self, namespace: str, name: str, uid: str, *, dry_run: bool = False) -> Eviction:
        """Ask for an eviction: budgets first, then the uid (K01–K07)."""
        world, key = self.world, (namespace, name)
        answers(world)
        item = world.get("pods", name, namespace)
        if item is None:
            return Eviction.GONE
        self._budgets(key)
        if text(item, "metadata", "uid") != uid:
            raise ApiError(FailureClass.CONFLICT, "the UID in the precondition does not match", status=409)
        if not dry_run:
            kubelet.delete(world, key)
            answered(world)
            _survives(world, text(item, "spec", "nodeName"))
        return Eviction.ACCEPTED

    def evict_all(
        self, pods: Sequence[tuple[str, str, str]], *, dry_run: bool = False
    ) -> Sequence[ApiError | None]:
        """Ask for each, one after another."""
        return [refusal_of(self, pod, dry_run=dry_run) for pod in pods]

    def _budgets(self, key: Key) -> None:
        world = self.world
        covering = world.covers.get(key, ())
        if len(covering) > 1:
            what = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise ApiError(FailureClass.PERMANENT, what, status=500)
        if wrong(world, "webhook-down"):
            what = 'failed calling webhook "pods.example": no endpoints available'
            raise ApiError(FailureClass.PERMANENT, what, status=500)
        for budget_key in covering:
            budget = world.of("poddisruptionbudgets.policy")[budget_key]
            allowed = world.healthy.get(budget_key, 0) - desired_healthy(budget)
            if allowed < 1 or wrong(world, "pdb-never-frees", "/".join(budget_key)):
                sentence = f"The disruption budget {budget_key[1]} needs {desired_healthy(budget)} healthy pods and has {world.healthy.get(budget_key, 0)} currently"
                causes = [{"reason": "DisruptionBudget", "message": sentence}]
                what = f"Cannot evict pod as it would violate the pod's disruption budget. {sentence}"
                raise ApiError(FailureClass.WAIT, what, status=429, reason="TooManyRequests", causes=causes)


def desired_healthy(budget: Object) -> int:
    """Give how many pods a budget wants healthy."""
    spec, expected = budget["spec"], int(at(budget, "status", "expectedPods") or 0)
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None:
        return _share(least, expected)
    return max(0, expected - _share(most if most is not None else 1, expected))


def _share(value: int | str, of: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return -(-int(value[:-1]) * of // 100)
    return int(value)


def roll(world: World, resource: str, key: Key) -> None:
    """Replace the pods of a workload one by one, as its controller does after a change of its template."""
    workload = world.get(resource, key[1], key[0])
    if workload is None:
        return
    kind = text(workload, "kind")
    names = [key[1]]
    if kind == "Deployment":
        names = [
            n for (ns, n) in world.of("replicasets.apps") if ns == key[0] and n.rpartition("-")[0] == key[1]
        ]
    pods = [
        k for k, p in world.typed.items() if k[0] == key[0] and p.owner is not None and p.owner.name in names
    ]
    for place, pod_key in enumerate(pods):
        world.after(place * 1.0, "delete_pod", pod_key)


effects: Mapping[str, Callable[..., None]] = {"roll": roll, "delete_pod": kubelet.delete}
"""What of this module may stand in the queue."""
