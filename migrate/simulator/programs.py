"""Programs of the user's in a simulated cluster: a hook does nothing but take its time, and machines are replaced.

What was begun is known to the process that began it alone, as with real ones: each driver has ports of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate.ports import ProgramState
from migrate.simulator.faults import wrong
from migrate.simulator.world import World

__all__ = ["SimPrograms"]

HOOK_S, DELETION_S = 4.0, 20.0


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
        node = environment["C2C_NODE"]
        if "C2C_NODE_UID" in environment:
            state = self._deletes(command[0], node)
            self.begun[name] = (self.world.now + DELETION_S, state)
            return
        fails = wrong(self.world, "hook-fails", node)
        said = f"{command[0]}: no replica is fit to take over"
        state = ProgramState(1, (said,)) if fails else ProgramState(0)
        self.begun[name] = (self.world.now + HOOK_S, state)

    def _deletes(self, program: str, node: str) -> ProgramState:
        """Let a machine go when the program ends, once: whoever asks again finds it gone, or going."""
        if wrong(self.world, "machine-stays", node):
            return ProgramState(1, (f"{program}: the quota of calls is used up",))
        self.world.after(
            DELETION_S, "machine_goes", node, self.world.of("nodes")["", node]["metadata"]["uid"]
        )
        return ProgramState(0)

    def look(self, name: str) -> ProgramState | None:
        """Say how it stands."""
        known = self.begun.get(name)
        return None if known is None else known[1] if self.world.now >= known[0] else ProgramState()

    def forget(self, name: str) -> None:
        """Forget one that has ended."""
        self.begun.pop(name, None)
