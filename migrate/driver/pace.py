"""How often the driver looks at the world; a rehearsal may look less often than a run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the loop looks, in seconds: at commands, at the cluster, at its policies, at wishes, at most between two mirrors.

    A command is looked at after ``first_s``, then twice as late each time up to ``poll_s`` (a gate: ``gate_s``);
    ``longest_s``: also what is known to take long is looked at so often, for the clock may jump. ``denied_s``: so long
    a call that is not allowed is made again; ``pods_s``: so often pods are looked at, and effects that have to stand.
    """

    first_s: float = 0.25
    poll_s: float = 2.0
    watch_s: float = 15.0
    policies_s: float = 30.0
    desired_s: float = 5.0
    pods_s: float = 60.0
    mirror_s: float = 5.0
    gate_s: float = 5.0
    longest_s: float = 60.0
    denied_s: float = 10.0

    def next_s(self, looks: int, most_s: float) -> float:
        """Give how long to wait after so many looks."""
        return min(most_s, self.first_s * 2.0 ** min(looks, 16))
