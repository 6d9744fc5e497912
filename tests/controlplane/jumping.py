"""The product with a clock that a test can set: the time of day is the machine's and what a file says besides, in seconds.

Started as ``python -m tests.controlplane.jumping VERB …``. Nothing but the clock behind its port is another one; how much
time has passed is told by the machine alone, as everywhere.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from migrate import bootstrap
from migrate.adapters.clock import SystemClock
from migrate.entrypoints.cli.main import main

OFFSET = "SIM_CLOCK"
"""Names the file; while it is not there the clock is right."""


class JumpingClock(SystemClock):
    """A clock that somebody sets while it runs."""

    def now(self) -> datetime:
        """Give the time of day as it was set."""
        path = Path(os.environ[OFFSET])
        return super().now() + timedelta(
            seconds=float(path.read_text(encoding="utf-8")) if path.exists() else 0
        )


if __name__ == "__main__":
    setattr(bootstrap, SystemClock.__name__, JumpingClock)
    sys.exit(main(sys.argv[1:]))
