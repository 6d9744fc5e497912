"""The other ports of a simulated cluster: verbs on nodes, and time, which moves nowhere else."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.facts import NodeFacts
from migrate.model.fields import at
from migrate.ports import ApiError
from migrate.simulator import api, cni, happenings, kubelet
from migrate.simulator.faults import wrong
from migrate.simulator.world import World

__all__ = ["SimClock", "SimNodes"]

EFFECTS: Mapping[str, Callable[..., None]] = {
    **kubelet.effects,
    **cni.effects,
    **api.effects,
    **happenings.effects,
}
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


def _module_ends(world: World, node: str) -> None:
    """Let the module that still works on a node come to its end."""
    for name in ("module-busy", f"module-busy@{node}"):
        world.faults.pop(name, None)


_EVERY: Mapping[str, Callable[..., None]] = {
    **EFFECTS,
    "ready_again": _ready_again,
    "module_ends": _module_ends,
}


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
        failing = wrong(self.world, "agent-unhealthy", node)
        return {"failures": ["controller sync-policymap fails"] if failing else [], "endpoints": found}

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
            self.world.hosts[node].reboots += 1
            self.world.cut(node)
            self.world.held.pop(node, None)
            _condition(live, "Ready", "Unknown")
            if not wrong(self.world, "node-not-ready", node):
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
        if wrong(self.world, "sudo-denied", node):
            what = "Timeout (12s) waiting for privilege escalation prompt"
            raise ApiError(FailureClass.DENIED, what, status=-1)
        leaked, self.world.hosts[node].leaked = self.world.hosts[node].leaked, 0
        return {"veths": leaked}

    def lock_free(self, node: str) -> bool:
        """Say whether nothing works on the node: a module that outlived its controller ends by itself."""
        busy = wrong(self.world, "module-busy", node)
        if busy and f"module-busy@{node}" not in self.world.happened:
            self.world.happened.append(f"module-busy@{node}")
            self.world.after(float(busy), "module_ends", node)
        return not busy

    def after_network_restart(self, node: str) -> Sequence[str]:
        """Give what is gone after the host's network manager restarted."""
        return ["device cilium_host", "rule 9"] if wrong(self.world, "network-manager-clears", node) else []
