"""The other ports of a simulated cluster: verbs on nodes, the chart, probes, flows, machines and time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from migrate.engine.chart import meant_config
from migrate.model.draft import Rendered
from migrate.model.events import FailureClass
from migrate.model.facts import NodeFacts
from migrate.model.fields import at
from migrate.model.pods import Owner, Pod
from migrate.ports import ApiError, FlowWindow, ProbeResult, ProbeRow, Release
from migrate.simulator import api, cni, kubelet
from migrate.simulator.world import World

__all__ = ["SimCharts", "SimClock", "SimFlows", "SimMachines", "SimNodes", "SimProber"]

EFFECTS: Mapping[str, Callable[..., None]] = {**kubelet.effects, **cni.effects, **api.effects}
SYSTEM = "kube-system"
REBOOT_S = 45.0


@dataclass(slots=True)
class SimClock:
    """Time moves only here."""

    world: World

    def now(self) -> datetime:
        """Give the simulated time of day."""
        return self.world.time()

    def monotonic(self) -> float:
        """Give the simulated seconds."""
        return self.world.now

    def sleep(self, seconds: float) -> None:
        """Let everything happen that is due until then."""
        world, until = self.world, self.world.now + max(seconds, 0.0)
        while world.queue and world.queue[0][0] <= until:
            when, _, what, args = heapq.heappop(world.queue)
            world.now = max(world.now, when)
            _EVERY[what](world, *args)
        world.now = until


def _ready_again(world: World, node: str, boot: str) -> None:
    live = world.get("nodes", node)
    if live is None:
        return
    live["status"]["nodeInfo"]["bootID"] = boot
    _condition(live, "Ready", "True")
    kubelet.new_sandboxes(world, node)
    for key in list(world.pods_at.get(node, {})):
        pod = world.typed[key]
        if pod.labels.get("k8s-app") in {"cilium", "calico-node"}:
            cni.after_start(world, key)


def _condition(node: dict[str, Any], kind: str, status: str) -> None:
    for item in node["status"]["conditions"]:
        if item["type"] == kind:
            item["status"] = status


_EVERY: Mapping[str, Callable[..., None]] = {**EFFECTS, "ready_again": _ready_again}


@dataclass(slots=True)
class SimNodes:
    """Verbs on nodes and agents."""

    world: World

    def conf_files(self, node: str) -> tuple[str, ...]:
        """Give the files that the runtime would consider, sorted."""
        return tuple(
            sorted(f for f in self.world.hosts[node].files if f.endswith((".conf", ".conflist", ".json")))
        )

    def restore_calico_conf(self, node: str) -> None:
        """Remove Cilium's file and rename Calico's back."""
        host = self.world.hosts[node]
        names = {f.removesuffix(".cilium_bak") for f in host.files if f != "05-cilium.conflist"}
        host.files = sorted(names | {"10-calico.conflist"})

    def agent_config(self, node: str) -> Mapping[str, str] | None:
        """Give what the agent runs with."""
        return self.world.hosts[node].config if node in self.world.hosts else None

    def agent_status(self, node: str) -> Mapping[str, Any] | None:
        """Give the endpoints of the node's agent."""
        if node not in self.world.hosts or self.world.hosts[node].config is None:
            return None
        endpoints = self.world.of("ciliumendpoints.cilium.io")
        found = [
            {"pod": f"{key[0]}/{key[1]}", "state": endpoints[key]["status"]["state"]}
            for key in self.world.pods_at.get(node, {})
            if key in endpoints
        ]
        return {"failures": [], "endpoints": found}

    def operator_config(self) -> Mapping[str, str] | None:
        """Give what the operator runs with."""
        return self.world.operator_config

    def boot_id(self, node: str) -> str:
        """Give the boot id."""
        return str(at(self.world.get("nodes", node), "status", "nodeInfo", "bootID") or "")

    def reboot(self, node: str) -> None:
        """Take a node down for a while."""
        live = self.world.get("nodes", node)
        if live is not None:
            _condition(live, "Ready", "Unknown")
            if (
                f"node-not-ready@{node}" not in self.world.faults
                and "node-not-ready" not in self.world.faults
            ):
                self.world.after(REBOOT_S, "ready_again", node, f"boot-{node}-{self.world.number()}")

    def facts(self, node: str) -> NodeFacts:
        """Give no facts: nobody looks into a simulated host."""
        return NodeFacts(node, {})

    def drop_in(self, node: str, path: str, content: str | None, apply: Sequence[Sequence[str]] = ()) -> None:
        """Write or remove a file of the host; a simulated host has no daemons to tell."""
        del apply
        if content is None:
            self.world.hosts[node].drop_ins.pop(path, None)
        else:
            self.world.hosts[node].drop_ins[path] = content

    def drop_in_content(self, node: str, path: str) -> str | None:
        """Give a file of the host."""
        return self.world.hosts[node].drop_ins.get(path)

    def sweep(self, node: str) -> Mapping[str, Any]:
        """Remove leaked veths."""
        leaked, self.world.hosts[node].leaked = self.world.hosts[node].leaked, 0
        return {"veths": leaked}

    def lock_free(self, node: str) -> bool:
        """Say that nothing works on the node."""
        return bool(node)


@dataclass(slots=True)
class SimCharts:
    """Helm and the chart: an upgrade changes the ConfigMap and nothing that runs."""

    world: World

    def release(self) -> Release | None:
        """Give the release."""
        held = self.world.release
        return (
            None
            if held is None
            else Release(held["status"], held["revision"], held["deployed"], held["values"])
        )

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Give the ConfigMap that these values mean."""
        minor = self.world.settings.cilium.minor
        return Rendered(_config(values, minor), _config({}, minor))

    def install(self, values: Mapping[str, Any]) -> None:
        """Install: the ConfigMap, agents on every node, two operators."""
        self._put(values, 1)
        self.world.operator_config = None
        for name, app, labels in (
            ("cilium", "cilium", {"k8s-app": "cilium"}),
            ("cilium-envoy", "cilium-envoy", {"k8s-app": "cilium-envoy"}),
        ):
            self._daemon_set(name, app, labels)
        self._operator()

    def _put(self, values: Mapping[str, Any], revision: int) -> None:
        config = _config(values, self.world.settings.cilium.minor)
        self.world.put(
            "configmaps",
            {"kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": SYSTEM}, "data": config},
        )
        self.world.release = {
            "status": "deployed",
            "revision": revision,
            "deployed": revision,
            "values": values,
        }

    def _daemon_set(self, name: str, app: str, labels: dict[str, str]) -> None:
        nodes = list(self.world.hosts)
        self.world.put("daemonsets.apps", {
            "kind": "DaemonSet", "metadata": {"name": name, "namespace": SYSTEM, "generation": 1},
            "spec": {"template": {}},
            "status": {"desiredNumberScheduled": len(nodes), "numberReady": 0, "updatedNumberScheduled": len(nodes), "observedGeneration": 1},
        })  # fmt: skip
        template = Pod(SYSTEM, name, labels=labels, owner=Owner("DaemonSet", name), host_network=True,
                       tolerations=kubelet.everywhere(), images=(f"quay.io/cilium/{app}",))  # fmt: skip
        for node in nodes:
            kubelet.create(self.world, template, f"{name}-{self.world.number():x}", node)

    def _operator(self) -> None:
        self.world.put(
            "replicasets.apps",
            {
                "kind": "ReplicaSet",
                "metadata": {"name": "cilium-operator-1", "namespace": SYSTEM},
                "status": {},
            },
        )
        template = Pod(SYSTEM, "cilium-operator", labels={"io.cilium/app": "operator"}, owner=Owner("ReplicaSet", "cilium-operator-1"),
                       host_network=True, tolerations=kubelet.everywhere(), images=("quay.io/cilium/operator-generic",))  # fmt: skip
        for _ in range(min(2, len(self.world.hosts))):
            kubelet.create(self.world, template, f"cilium-operator-1-{self.world.number():x}")

    def upgrade(self, values: Mapping[str, Any], *, force_conflicts: bool = False) -> None:
        """Upgrade: values that are not given are lost, and nothing restarts."""
        del force_conflicts
        held = self.world.release
        if held is None or held["status"].startswith("pending"):
            raise ApiError(
                FailureClass.PERMANENT, "another operation (install/upgrade/rollback) is in progress"
            )
        self._put(values, held["revision"] + 1)

    def rollback(self, revision: int) -> None:
        """Go back to a revision."""
        if self.world.release is not None:
            self.world.release = {**self.world.release, "status": "deployed", "deployed": revision}

    def uninstall(self) -> None:
        """Remove the release and what runs of it."""
        world = self.world
        world.release = None
        for resource, name in (
            ("daemonsets.apps", "cilium"),
            ("daemonsets.apps", "cilium-envoy"),
            ("replicasets.apps", "cilium-operator-1"),
        ):
            world.drop(resource, (SYSTEM, name))
        world.drop("configmaps", (SYSTEM, "cilium-config"))
        for key, pod in list(world.typed.items()):
            if pod.owner is not None and pod.owner.name in {"cilium", "cilium-envoy", "cilium-operator-1"}:
                kubelet.delete(world, key)
        world.operator_config = None
        for host in world.hosts.values():
            host.config = None


def _config(values: Mapping[str, Any], minor: tuple[int, int]) -> dict[str, str]:
    return {k: v for k, v in meant_config(values, minor).items() if v is not None}


@dataclass(slots=True)
class SimProber:
    """Probes answer from the state of both ends."""

    world: World

    def prepare(self, nodes: Iterable[str], made_for: str = "") -> str:
        """See to probe pods: here they are always there."""
        del nodes, made_for
        return ""

    def run(self, rows: Sequence[ProbeRow]) -> list[ProbeResult]:
        """Give each row's outcome."""
        return [self._one(row) for row in rows]

    def _one(self, row: ProbeRow) -> ProbeResult:
        ends = [e.removeprefix("host:") for e in (row.source, row.target)]
        for end in ends:
            if end in self.world.hosts and not self._works(end):
                return ProbeResult(row, "timeout")
            if {"probe-lost", f"probe-lost@{end}"} & set(self.world.faults):
                return ProbeResult(row, "unmeasured", reason="the probe pod did not start")
        return ProbeResult(row, "ok" if row.expect == "reach" else "refused")

    def _works(self, node: str) -> bool:
        host, live = self.world.hosts[node], self.world.get("nodes", node)
        ready = live is not None and any(
            c["type"] == "Ready" and c["status"] == "True" for c in live["status"]["conditions"]
        )
        return ready and bool(host.cni) and (host.cni != "cilium" or host.config is not None)

    def addresses(self, nodes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give the address that a fresh pod on each node would get, and give it back."""
        found = {}
        for node in nodes:
            pod = Pod("c2c-system", f"probe-{node}", node=node)
            found[node] = cni.addresses_for(self.world, pod)
            if found[node]:
                from dataclasses import replace  # noqa: PLC0415  # small

                cni.after_end(self.world, replace(pod, addresses=found[node]))
        return found

    def remove(self, node: str = "") -> None:
        """Remove nothing: probes leave nothing here."""
        del node


@dataclass(slots=True)
class SimFlows:
    """Flows of a cluster in which everything that happens is allowed by both policy sets."""

    world: World
    begun: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def begin(self, name: str, nodes: Sequence[str]) -> None:
        """Begin a window."""
        self.begun[name] = (self.world.time().isoformat(), tuple(nodes))

    def end(self, name: str) -> FlowWindow:
        """Close a window."""
        start, nodes = self.begun.pop(name, ("", ()))
        if not start:
            return FlowWindow("", "", reason="the window was never begun")
        lost = {"HUBBLE_RING_BUFFER": 17} if "flows-lost" in self.world.faults else {}
        return FlowWindow(start, self.world.time().isoformat(), seen=dict.fromkeys(nodes, 500), lost=lost)


@dataclass(slots=True)
class SimMachines:
    """A cloud that takes machines away."""

    world: World

    def delete(self, node: str) -> None:
        """Take a machine away with everything on it."""
        self.world.drop("nodes", ("", node))
        for key in list(self.world.pods_at.get(node, {})):
            kubelet.delete(self.world, key, at_once=True)
        self.world.hosts.pop(node, None)

    def gone(self, node: str) -> bool:
        """Say whether it is gone."""
        return node not in self.world.hosts
