"""No source of flows: windows pass and hold nothing, and whoever judges them is told that nothing was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.ports import FlowWindow

__all__ = ["NoFlows"]


@dataclass(frozen=True, slots=True)
class NoFlows:
    """Sees nothing, and says why."""

    reason: str

    def begin(self, name: str, nodes: Sequence[str]) -> None:
        """Begin nothing."""
        del name, nodes

    def end(self, name: str) -> FlowWindow:
        """Give an empty window with the reason."""
        del name
        return FlowWindow("", "", reason=self.reason)
