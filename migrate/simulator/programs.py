"""Programs of the user's in a simulated cluster: a hook does nothing but take its time, or fails.

What was begun is known to the process that began it alone, as with real ones: each driver has ports of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate.ports import ProgramState
from migrate.simulator.faults import wrong
from migrate.simulator.world import World

__all__ = ["SimPrograms"]

HOOK_S = 4.0


@dataclass(slots=True)
class SimPrograms:
    """``begun``: by name when it ends, and how."""

    world: World
    begun: dict[str, tuple[float, ProgramState]] = field(default_factory=dict)

    def begin(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], limit_s: float
    ) -> None:
        """Begin a program; it ends a few seconds later."""
        del limit_s
        known = self.begun.get(name)
        if known is not None and self.world.now < known[0]:
            return
        fails = wrong(self.world, "hook-fails", environment["C2C_NODE"])
        said = f"{command[0]}: no replica is fit to take over"
        self.begun[name] = (self.world.now + HOOK_S, ProgramState(1, (said,)) if fails else ProgramState(0))

    def look(self, name: str) -> ProgramState | None:
        """Say how it stands."""
        known = self.begun.get(name)
        if known is None or self.world.now < known[0]:
            return None if known is None else ProgramState()
        return self.begun.pop(name)[1]
