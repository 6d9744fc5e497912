"""Pods come and go: scheduling, sandboxes with their addresses, readiness, deletion; counts of their owners follow.

Times are rough and the same for everybody: a pull, a start, a stop. An address comes from the CNI whose file is first on
that node at that moment, and without one the pod waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migrate.engine.filters import UNSCHEDULABLE_TAINT
from migrate.model.fields import at
from migrate.model.nodes import Node
from migrate.model.pods import Owner, Pod, Toleration, tolerates
from migrate.simulator import cni
from migrate.simulator.faults import wrong
from migrate.simulator.world import Key, World

__all__ = ["create", "delete", "effects", "plain_pod"]

PULL_S, START_S, STOP_S, RETRY_S, RECREATE_S = 6.0, 3.0, 4.0, 5.0, 0.5
SLOW_PULL_S = 90.0
ENOUGH_NODES = 12
"""So many nodes with room are compared; the scheduler of a large cluster does not look at all of them either."""


def plain_pod(pod: Pod, *, ready: bool) -> dict[str, Any]:
    """Give the plain object of a pod."""
    owners = (
        []
        if pod.owner is None
        else [{"kind": pod.owner.kind, "name": pod.owner.name, "uid": pod.owner.uid, "controller": True}]
    )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
            "labels": dict(pod.labels),
            "annotations": dict(pod.annotations),
            "ownerReferences": owners,
        },
        "spec": {
            "nodeName": pod.node,
            "hostNetwork": pod.host_network,
            "terminationGracePeriodSeconds": pod.grace_s,
        },
        "status": _status(pod.addresses, ready=ready, phase=pod.phase or "Running", restarts=pod.restarts),
    }


def _status(addresses: tuple[str, ...], *, ready: bool, phase: str, restarts: int = 0) -> dict[str, Any]:
    return {
        "phase": phase,
        "podIP": addresses[0] if addresses else "",
        "podIPs": [{"ip": a} for a in addresses],
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        "containerStatuses": [{"restartCount": restarts, "ready": ready, "state": {"running": {}}}],
    }


def is_ready(item: dict[str, Any]) -> bool:
    """Say whether a plain pod is Ready and stays."""
    return "deletionTimestamp" not in item["metadata"] and any(
        c["type"] == "Ready" and c["status"] == "True" for c in item["status"]["conditions"]
    )


# Coming.


def create(world: World, template: Pod, name: str, node: str = "") -> None:
    """Make a pod as its controller does; ``node`` pins it there (DaemonSets, static pods)."""
    uid = f"uid-{world.number()}"
    pod = replace(
        template,
        name=name,
        uid=uid,
        node="",
        addresses=(),
        ready=False,
        phase="Pending",
        deleted_at="",
        restarts=0,
    )
    key = world.take_in(pod, plain_pod(pod, ready=False))
    _cover(world, key, pod)
    _place(world, key, node)


def _cover(world: World, key: Key, pod: Pod) -> None:
    budgets = world.of("poddisruptionbudgets.policy")
    known = tuple(k for k in budgets if k[0] == pod.namespace and _selected(budgets[k], pod))
    if known:
        world.covers[key] = known


def _selected(budget: dict[str, Any], pod: Pod) -> bool:
    from migrate.model.workloads import selects  # noqa: PLC0415  # asked for new pods only

    return selects(budget["spec"].get("selector") or {}, pod.labels)


def _place(world: World, key: Key, pinned: str = "") -> None:
    """Bind a pod to a node, or try again later."""
    pod = world.typed.get(key)
    if pod is None or key not in world.of("pods"):
        return
    node = pinned or _choose(world, pod)
    waits = pinned and not (pod.of_daemon_set or pod.mirror) and not _up(world, pinned, pod)
    if not node or waits:
        world.after(RETRY_S, "place", key, pinned)
        return
    bound = replace(pod, node=node)
    world.bind(key, bound)
    world.of("pods")[key]["spec"]["nodeName"] = node
    if node in world.scheduler.nodes:
        world.scheduler.place(bound, node)
    missing = [i for i in pod.images if i not in world.hosts[node].images]
    world.hosts[node].images.update(missing)
    pull = (SLOW_PULL_S if wrong(world, "slow-pull", node) else PULL_S) if missing else 0.0
    world.after(pull + START_S, "start", key)


def _choose(world: World, pod: Pod) -> str:
    """Give the least loaded of the first nodes with room."""
    question, found = world.scheduler.question(pod), []
    for name in world.scheduler.open_to(pod):
        if world.scheduler.admits(question, name) and _up(world, name, pod):
            found.append(name)
            if len(found) >= ENOUGH_NODES:
                break
    return max(found, key=lambda n: (world.scheduler.free(n).cpu_m, n), default="")


def _up(world: World, node: str, pod: Pod) -> bool:
    live = world.get("nodes", node)
    if live is None or (
        at(live, "spec", "unschedulable") and not tolerates(pod.tolerations, UNSCHEDULABLE_TAINT)
    ):
        return False
    blocked = [t for t in at(live, "spec", "taints") or [] if t["key"].startswith("c2c/guard")]
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in live["status"]["conditions"])
    return ready and not blocked


def start(world: World, key: Key) -> None:
    """Make the sandbox: an address of the CNI that is first now, then Ready."""
    item, pod = world.of("pods").get(key), world.typed.get(key)
    if item is None or pod is None or "deletionTimestamp" in item["metadata"]:
        return
    addresses = cni.addresses_for(world, pod)
    if not addresses:
        world.after(RETRY_S, "start", key)
        return
    world.typed[key] = replace(pod, addresses=addresses, phase="Running", ready=True)
    item["status"] = _status(addresses, ready=True, phase="Running")
    world.put("pods", item)
    _count(world, key, 1)
    cni.after_start(world, key)


def set_ready(world: World, key: Key, ready: bool) -> None:  # one state of a pod
    """Let a running pod's probes pass or fail."""
    item, pod = world.of("pods").get(key), world.typed.get(key)
    if (
        item is None
        or pod is None
        or not pod.addresses
        or "deletionTimestamp" in item["metadata"]
        or is_ready(item) is ready
    ):
        return
    item["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
    world.typed[key] = replace(pod, ready=ready)
    world.put("pods", item)
    _count(world, key, 1 if ready else -1)


def readdress(world: World, key: Key, address: str) -> None:
    """Give a running pod another address; its endpoint, if it had one, is another CNI's and gone."""
    pod, item = world.typed[key], world.of("pods")[key]
    cni.after_end(world, pod)
    world.typed[key] = replace(pod, addresses=(address,))
    item["status"] |= {"podIP": address, "podIPs": [{"ip": address}]}
    world.put("pods", item)


def _count(world: World, key: Key, change: int) -> None:
    """Add to the ready counts of the pod's owners and budgets."""
    for budget in world.covers.get(key, ()):
        world.healthy[budget] = world.healthy.get(budget, 0) + change
    pod = world.typed[key]
    for kind, name in _owners(world, pod):
        owner = world.get(f"{kind.lower()}s.apps", name, pod.namespace)
        if owner is not None:
            field = "numberReady" if kind == "DaemonSet" else "readyReplicas"
            owner["status"][field] = max(0, int(owner["status"].get(field, 0)) + change)


def _owners(world: World, pod: Pod) -> list[tuple[str, str]]:
    if pod.owner is None:
        return []
    found = [(pod.owner.kind, pod.owner.name)]
    if pod.owner.kind == "ReplicaSet":
        above = world.get("replicasets.apps", pod.owner.name, pod.namespace)
        refs = at(above, "metadata", "ownerReferences") or []
        found += [(r["kind"], r["name"]) for r in refs]
        if not refs and above is not None:
            name = pod.owner.name.rpartition("-")[0]
            found += [("Deployment", name)] if world.get("deployments.apps", name, pod.namespace) else []
    return found


# Going.


def delete(world: World, key: Key, *, at_once: bool = False) -> None:
    """Begin to stop a pod."""
    item, pod = world.of("pods").get(key), world.typed.get(key)
    if item is None or pod is None or "deletionTimestamp" in item["metadata"]:
        return
    if is_ready(item):
        _count(world, key, -1)
    when = world.time().isoformat()
    item["metadata"]["deletionTimestamp"] = when
    world.typed[key] = replace(pod, deleted_at=when)
    world.after(0.0 if at_once else min(STOP_S, pod.grace_s), "gone", key)


def gone(world: World, key: Key) -> None:
    """End a pod: its address is free again, its controller makes another one."""
    pod = world.forget(key)
    if pod is None:
        return
    world.covers.pop(key, None)
    world.scheduler.remove(pod)
    cni.after_end(world, pod)
    pod = replace(pod, deleted_at="")
    if pod.mirror:
        world.after(RECREATE_S, "recreate", pod, pod.name, pod.node)
    elif pod.owner is not None:
        stays = pod.owner.kind == "StatefulSet" and wrong(world, "volume-stays", pod.node)
        world.after(RECREATE_S, "recreate", pod, "", pod.node if pod.of_daemon_set or stays else "")


def recreate(world: World, gone_pod: Pod, name: str, node: str) -> None:
    """What its controller does for a pod that ended."""
    owner = gone_pod.owner or Owner("", "")
    if owner.kind == "Job" or (not gone_pod.mirror and not _wanted(world, gone_pod, owner)):
        return
    if node and world.get("nodes", node) is None:
        return
    if owner.kind == "StatefulSet":
        name = gone_pod.name
    create(world, gone_pod, name or f"{owner.name}-{world.number():x}", node)


def _wanted(world: World, pod: Pod, owner: Owner) -> bool:
    """Say whether the controller is still there."""
    return world.get(f"{owner.kind.lower()}s.apps", owner.name, pod.namespace) is not None


def new_sandboxes(world: World, node: str) -> None:
    """After a reboot every pod of the network gets a new sandbox, and so a new address."""
    for key in list(world.pods_at.get(node, {})):
        pod, item = world.typed[key], world.of("pods")[key]
        if pod.host_network:
            continue
        if is_ready(item):
            _count(world, key, -1)
        cni.after_end(world, pod)
        world.typed[key] = replace(pod, addresses=(), ready=False)
        item["status"] = _status((), ready=False, phase="Running")
        world.after(START_S, "start", key)


def widen(world: World, pod: Pod, by: int = 1) -> None:
    """Let the DaemonSet of a pod want more pods, or fewer."""
    owner = world.get("daemonsets.apps", pod.owner.name, pod.namespace) if pod.owner else None
    if owner is not None:
        status = owner["status"]
        for count in ("desiredNumberScheduled", "updatedNumberScheduled"):
            status[count] = max(0, int(status.get(count, 0)) + by)


def lose_node(world: World, node: str) -> None:
    """Take a node away with everything on it; its DaemonSets want a pod less each."""
    world.drop("nodes", ("", node))
    for key in list(world.pods_at.get(node, {})):
        if world.typed[key].of_daemon_set:
            widen(world, world.typed[key], -1)
        delete(world, key, at_once=True)
    world.hosts.pop(node, None)


def everywhere() -> tuple[Toleration, ...]:
    """Give the toleration of an agent: it runs on every node."""
    return (Toleration("", "Exists"),)


def node_of(world: World, name: str) -> Node:
    """Give the typed node."""
    return world.scheduler.nodes[name]


effects: Mapping[str, Callable[..., None]] = {
    "place": _place,
    "start": start,
    "set_ready": set_ready,
    "gone": gone,
    "recreate": recreate,
}
"""What of this module may stand in the queue."""
