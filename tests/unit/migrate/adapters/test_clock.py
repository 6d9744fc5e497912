"""Time as it is."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from migrate.adapters.clock import SINCE_BOOT, LockClock


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel says there how long it has been up")
def test_the_lock_s_clock_counts_what_the_machine_slept() -> None:
    """``/proc/uptime`` does (proc(5)); the monotonic clock of Linux does not."""
    assert time.CLOCK_BOOTTIME == SINCE_BOOT
    before, clock = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]), LockClock()
    assert before <= clock.monotonic() + 0.01
    assert clock.monotonic() <= float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]) + 0.01
