"""The product with little patience: it looks around more often, and what has to last before it is told, lasts a quarter.

Started as ``python -m tests.controlplane.hurried VERB …``. Nothing else is another; how long things really have to last is
held by the tests of ``migrate.driver.alarms``.
"""

from __future__ import annotations

import sys
from functools import partial

from migrate.adapters import probes_pods
from migrate.driver import alarms, loop
from migrate.driver.pace import Pace
from migrate.entrypoints.cli.main import main

LASTING = ("FALLEN_S", "SILENT_S", "LAGGING_S", "ENDPOINT_S", "DRIFTED_S")

if __name__ == "__main__":
    for name in LASTING:
        setattr(alarms, name, getattr(alarms, name) / 4)
    setattr(loop, Pace.__name__, partial(Pace, watch_s=2.0, pods_s=15.0))
    probes_pods.PATIENCE_S = 10.0
    sys.exit(main(sys.argv[1:]))
