"""Every exit code of the command line; documented, tested, never reused."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """What a pipeline may act on."""

    DONE = 0
    BUG = 1
    USAGE = 2
    BLOCKED = 3
    HALTED = 4
    ROLLED_BACK = 5
    LOCKED = 6
    UNREACHABLE = 7
    INCONCLUSIVE = 8
    WAITING = 9
    DIFFERENCES = 10
    INTERRUPTED = 130
    TERMINATED = 143
