"""Flows of a simulated cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrate.ports import FlowWindow
from migrate.simulator.faults import wrong
from migrate.simulator.happenings import moment
from migrate.simulator.world import World

__all__ = ["SimFlows"]


@dataclass(slots=True)
class SimFlows:
    """Flows of a cluster in which everything that happens is allowed by both policy sets."""

    world: World
    begun: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def begin(self, name: str, nodes: Sequence[str]) -> None:
        """Begin a window."""
        moment(self.world, "soaking")
        self.begun[name] = (self.world.time().isoformat(), tuple(nodes))

    def end(self, name: str) -> FlowWindow:
        """Close a window."""
        start, nodes = self.begun.pop(name, ("", ()))
        if not start:
            return FlowWindow("", "", reason="the window was never begun")
        lost = {"HUBBLE_RING_BUFFER": 17} if wrong(self.world, "flows-lost", *nodes) else {}
        seen = {n: 3 if wrong(self.world, "flows-quiet", n) else 500 for n in nodes}
        return FlowWindow(start, self.world.time().isoformat(), seen=seen, lost=lost)
