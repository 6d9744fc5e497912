"""A cluster in memory behind the ports, with a clock of its own: for rehearsals, the demo and the engine's tests.

Strict where the world is strict, deterministic, and never the last word: the same scenarios run against a real control
plane, and a difference between the two is a bug here.
"""

from migrate.simulator.build import world_of
from migrate.simulator.world import World

__all__ = ["World", "world_of"]
