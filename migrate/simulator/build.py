"""Makes a simulated cluster of a snapshot: its objects, indexes and address pools; and its ports."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from migrate.engine.drafting import calico_pools
from migrate.engine.scheduling import ClusterState
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.variant import detect
from migrate.model.workloads import Budget, Workload, selects
from migrate.ports import Ports
from migrate.simulator import cni
from migrate.simulator.api import SimCluster, SimEvictor
from migrate.simulator.charts import SimCharts
from migrate.simulator.faults import FAULTS
from migrate.simulator.flows import SimFlows
from migrate.simulator.kubelet import plain_pod
from migrate.simulator.memory import MemoryJournal, MemoryLock, MemoryMirror, MemoryStore, Silent
from migrate.simulator.others import SimClock, SimNodes
from migrate.simulator.probes import SimProber
from migrate.simulator.programs import SimPrograms
from migrate.simulator.watcher import SimRights, SimWatcher
from migrate.simulator.world import Host, World

__all__ = ["Simulation", "world_of"]

MOST = 4096  # blocks of a network, and addresses of a range


@dataclass(slots=True)
class Simulation:
    """A world with its ports; memory that outlives a driver is kept here."""

    world: World
    journal: MemoryJournal
    mirror: MemoryMirror
    lock: MemoryLock
    store: MemoryStore
    flows: SimFlows

    def ports(self, reporter: Any = None) -> Ports:  # noqa: ANN401  # a Reporter
        """Give the ports of this world as a driver sees them."""
        return Ports(
            cluster=SimCluster(self.world),
            evictor=SimEvictor(self.world),
            nodes=SimNodes(self.world),
            charts=SimCharts(self.world),
            prober=SimProber(self.world),
            flows=self.flows,
            watcher=SimWatcher(self.world),
            rights=SimRights(self.world),
            journal=self.journal,
            mirror=self.mirror,
            lock=self.lock,
            clock=SimClock(self.world),
            store=self.store,
            programs=SimPrograms(self.world),
            reporter=reporter or Silent(),
        )

    def fork(self) -> Simulation:
        """Give a copy that goes its own way."""
        world = self.world.fork()
        return Simulation(
            world,
            MemoryJournal(list(self.journal.kept), self.journal.full_after),
            copy.copy(self.mirror),
            replace(self.lock, away=world.is_away),
            MemoryStore(dict(self.store.files)),
            SimFlows(world, dict(self.flows.begun)),
        )


def world_of(
    snapshot: Snapshot, settings: Settings, *, faults: Iterable[str] | Mapping[str, Any] = (), seed: int = 0
) -> Simulation:
    """Give a simulated cluster that begins as the snapshot shows; ``seed`` begins the numbering of what is made anew."""
    chosen = dict(faults) if isinstance(faults, Mapping) else dict.fromkeys(faults, True)
    variant = detect(snapshot)
    world = World(
        settings=settings,
        variant=variant,
        family=4 if 4 in variant.families or not variant.families else 6,  # the families
        scheduler=ClusterState.of(snapshot),
        uid=snapshot.identity.uid or "uid-simulated",
        version=snapshot.identity.version or "v1.34.2",
        serial=seed,
        faults=chosen,
    )
    for node in snapshot.nodes:
        _add_node(world, node)
    for resource, items in snapshot.others.items():
        for item in items:
            world.put(resource, copy.deepcopy(dict(item.data)))
    for workload in snapshot.workloads:
        _add_workload(world, workload)
    for budget in snapshot.budgets:
        _add_budget(world, budget)
    _add_pods(world, snapshot)
    _pools(world, snapshot)
    lock = MemoryLock(
        other="someone@elsewhere:1:99" if "locked" in chosen else "",
        lost_after=_count(chosen, "lease-lost"),
        away=world.is_away,
    )
    journal, mirror = (
        MemoryJournal(full_after=_count(chosen, "journal-full")),
        MemoryMirror(other_after=_count(chosen, "other-driver")),
    )
    return Simulation(world, journal, mirror, lock, MemoryStore(), SimFlows(world))


def _count(chosen: Mapping[str, Any], name: str) -> int | None:
    """Give the count that a fault was given, its default where it was only named."""
    if name not in chosen:
        return None
    return int(FAULTS[name].default if chosen[name] is True else chosen[name])


def _add_node(world: World, node: Node) -> None:
    world.hosts[node.name] = Host(node.name, images=set(node.images))
    world.put("nodes", {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": node.name, "uid": node.uid, "labels": dict(node.labels), "annotations": dict(node.annotations)},
        "spec": {
            "unschedulable": node.unschedulable, "podCIDRs": list(node.pod_cidrs),
            **({"providerID": node.provider_id} if node.provider_id else {}),
            "taints": [{"key": t.key, "value": t.value, "effect": t.effect} for t in node.taints],
        },
        "status": {
            "addresses": [{"type": k, "address": a} for k, found in node.addresses.items() for a in found],
            "conditions": [{"type": k, "status": s, "reason": r} for k, (s, r) in node.conditions.items()],
            "nodeInfo": dict(node.info),
        },
    })  # fmt: skip


def _add_workload(world: World, workload: Workload) -> None:
    daemon = workload.kind == "DaemonSet"
    counts = (
        {
            "desiredNumberScheduled": workload.replicas,
            "numberReady": workload.ready,
            "updatedNumberScheduled": workload.updated,
        }
        if daemon
        else {
            "replicas": workload.replicas,
            "readyReplicas": workload.ready,
            "updatedReplicas": workload.updated,
        }
    )
    owners = (
        [{"kind": workload.owner.kind, "name": workload.owner.name, "controller": True}]
        if workload.owner
        else []
    )
    world.put(f"{workload.kind.lower()}s.apps", {
        "apiVersion": "apps/v1", "kind": workload.kind,
        "metadata": {"name": workload.name, "namespace": workload.namespace, "uid": workload.uid, "labels": dict(workload.labels),
                     "annotations": dict(workload.annotations), "generation": 1, "ownerReferences": owners},
        "spec": {"replicas": workload.replicas, "selector": dict(workload.selector), "template": copy.deepcopy(dict(workload.template))},
        "status": {**counts, "observedGeneration": 1},
    })  # fmt: skip


def _add_budget(world: World, budget: Budget) -> None:
    spec: dict[str, Any] = {"selector": dict(budget.selector)}
    if budget.min_available is not None:
        spec["minAvailable"] = budget.min_available
    if budget.max_unavailable is not None:
        spec["maxUnavailable"] = budget.max_unavailable
    world.put("poddisruptionbudgets.policy", {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": budget.name, "namespace": budget.namespace, "uid": budget.uid},
        "spec": spec, "status": {"expectedPods": budget.expected, "disruptionsAllowed": budget.allowed},
    })  # fmt: skip


def _add_pods(world: World, snapshot: Snapshot) -> None:
    by_namespace: dict[str, list[Budget]] = {}
    for budget in snapshot.budgets:
        by_namespace.setdefault(budget.namespace, []).append(budget)
    for pod in snapshot.pods:
        if pod.finished or (pod.node and pod.node not in world.hosts):
            continue
        key = world.take_in(pod, plain_pod(pod, ready=pod.ready))
        if pod.node:
            world.bind(key, pod)
            world.hosts[pod.node].images.update(pod.images)
        else:
            world.after(1.0, "place", key, "")
        covering = tuple(
            (b.namespace, b.name)
            for b in by_namespace.get(pod.namespace, ())
            if selects(b.selector, pod.labels)
        )
        if covering:
            world.covers[key] = covering
        for budget_key in covering:
            world.healthy[budget_key] = world.healthy.get(budget_key, 0) + int(pod.ready)


def _pools(world: World, snapshot: Snapshot) -> None:
    """Cut Calico's pools into blocks of 64, and the new range into blocks of nodes; those in use are not given again.

    Without pools (flannel, host-local) each node gives addresses of its own range.
    """
    networked = (p for p in snapshot.pods if not p.host_network)
    used = {number for p in networked for number in cni.numbers(world, p)}
    blocks = {number & ~63 for number in used}
    pools = calico_pools(snapshot) if snapshot.calico("ippools") else ()
    for net in _networks(world, pools):
        starts = range(int(net.network_address), int(net.broadcast_address), cni.BLOCK)
        world.blocks += [s for s in starts[:MOST] if s not in blocks]
    for node in snapshot.nodes if not pools else ():
        for net in _networks(world, node.pod_cidrs):
            own = range(int(net.network_address) + 2, int(net.broadcast_address))[:MOST]
            world.hosts[node.name].calico += [number for number in reversed(own) if number not in used]
    _, size = cni.block_of(world)
    for net in _networks(world, world.settings.cilium.pod_cidrs):
        starts = range(int(net.network_address), int(net.broadcast_address), size)
        world.cilium_blocks += list(starts[:MOST])


def _networks(world: World, cidrs: Iterable[str]) -> Iterator[IPv4Network | IPv6Network]:
    """Give the networks of the family in which the world counts."""
    found = (ip_network(cidr, strict=False) for cidr in cidrs)
    return (net for net in found if net.version == world.family)


def pod_key(pod: Pod) -> tuple[str, str]:
    """Give the key of a pod."""
    return pod.namespace, pod.name
