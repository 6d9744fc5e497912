"""Time as it is; sleeping ends early when somebody wakes the sleeper."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

__all__ = ["LockClock", "SystemClock"]

SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux' own monotonic clock stands still while a machine is suspended; that of macOS does not."""


@dataclass(slots=True)
class SystemClock:
    """The machine's clocks; ``wake`` is set by whoever wants the driver to look now (a signal)."""

    wake: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """Give the time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass, or less of it."""
        if self.wake.wait(max(0.0, seconds)):
            self.wake.clear()


@dataclass(slots=True)
class LockClock(SystemClock):
    """The clock of the lock: others take it while this machine is suspended, so that time counts."""

    def monotonic(self) -> float:
        """Give seconds that never jump, those in which the machine was suspended too."""
        return time.clock_gettime(SINCE_BOOT)
