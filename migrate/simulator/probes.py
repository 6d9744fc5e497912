"""Probes of a simulated cluster: each row answers from the state of both its ends, and from what is made to go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from migrate.model.pods import Pod
from migrate.ports import Cut, Held, ProbeResult, ProbeRow
from migrate.simulator import cni
from migrate.simulator.faults import wrong
from migrate.simulator.world import Holding, World

__all__ = ["SimProber"]


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
        ends = [
            e for e in (e.removeprefix("host:") for e in (row.source, row.target)) if e in self.world.hosts
        ]
        for end in ends:
            if not self._works(end):
                return ProbeResult(row, "timeout")
            if wrong(self.world, "probe-lost", end):
                return ProbeResult(row, "unmeasured", reason="the probe pod did not start")
        spoilt = self._spoilt(row, ends)
        return ProbeResult(row, spoilt or ("ok" if row.expect == "reach" else "refused"))

    def _spoilt(self, row: ProbeRow, ends: Sequence[str]) -> str:
        """Give what a fault makes of a row; empty where none touches it."""
        world = self.world
        if not world.faults:
            return ""
        moved = [e for e in ends if world.hosts[e].cni == "cilium"]
        mixed = 0 < len(moved) < len(ends)
        enforcing = [e for e in moved if cni.enforces(world.hosts[e].config or {})]
        to_new = moved == [row.target] and mixed  # from a pod of Calico to one of Cilium
        cross: Sequence[tuple[str, str, Sequence[str]]] = (
            ("packets-dropped", "timeout", ends if mixed else ()),
            ("calico-blocks-new-range", "timeout", ends if moved == [row.source] and mixed else ()),
            ("allowance-without-effect", "timeout", moved if to_new and enforcing else ()),
            ("routes-blackholed", "timeout", moved if len(moved) == len(ends) > 1 else ()),
            ("pods-unreachable", "timeout", [row.target] if row.target in moved else ()),
        )
        touched: Mapping[str, Sequence[tuple[str, str, Sequence[str]]]] = {
            "cross-node": cross,
            "source-address": [*cross, ("address-masqueraded", "wrong-source", ends if mixed else ())],
            "large-packet": [*cross, ("large-packets-lost", "timeout", ends if mixed else ())],
            "cluster-ip": [("cluster-ip-dead", "timeout", moved)],
            "node-port": [("node-port-dead", "refused", moved)],
            "own-host": [("kubelet-cut", "timeout", enforcing)],
            "external": [("outside-refuses", "timeout", moved)],
            "dns": [("marks-collide", "unresolved", moved)],
        }
        hit = (
            outcome
            for fault, outcome, places in touched.get(row.kind, ())
            if places and wrong(world, fault, *places)
        )
        return next(hit, "")

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
                cni.after_end(self.world, replace(pod, addresses=found[node]))
        return found

    def hold(self, pairs: Mapping[str, str]) -> None:
        """Let the probe pods hold connections; one that is held already stays."""
        world = self.world
        for source, target in pairs.items():
            if any(wrong(world, "probe-lost", end) or end not in world.hosts for end in (source, target)):
                continue
            before = world.held.get(source)
            since, cuts = (world.stamp(), []) if before is None else (before.since, before.cuts)
            world.held[source] = Holding(since, target, self._pod(target), cuts)

    def held(self, nodes: Iterable[str]) -> Mapping[str, Held | None]:
        """Give what they hold."""
        there = {node: self.world.held.get(node) for node in nodes}
        return {
            n: None if h is None else Held(h.since, self._pod(n), tuple(Cut(*c) for c in h.cuts))
            for n, h in there.items()
        }

    def _pod(self, node: str) -> str:
        return f"probe-{node}-{self.world.probes.get(node, 0)}"

    def remove(self, node: str = "") -> None:
        """Let the probe pods of a node be others from now on; without one, none hold anything any more."""
        if not node:
            self.world.held.clear()
            return
        self.world.cut(node)
        self.world.held.pop(node, None)
        self.world.probes[node] = self.world.probes.get(node, 0) + 1
