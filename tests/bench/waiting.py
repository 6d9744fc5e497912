"""The product, with a note of how long it waited: ``python -m tests.bench.waiting VERB …``.

What is waited for is a request, a subprocess or a timer, in the thread that drives and in those that probe for it; the
thread that renews the lock waits for itself. All else is the product's own time. ``C2C_WAITED`` names the file for the note.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import urllib3

from migrate.adapters import kube_exec
from migrate.adapters.clock import SystemClock
from migrate.entrypoints.cli.main import main

NOTE = "C2C_WAITED"
WORKERS = ("probes", "evictions")


class Waits:
    """Adds up the time in which at least one of the threads that count waits for something outside, and the processor's in it."""

    def __init__(self) -> None:
        self.seconds, self.cpu = 0.0, 0.0
        self._waiting, self._since, self._cpu_since = 0, 0.0, 0.0
        self._lock = threading.Lock()

    def around(self, owner: Any, name: str) -> None:  # a module or a class
        """Count the calls of one function as waiting."""
        called: Callable[..., Any] = getattr(owner, name)

        @wraps(called)
        def counted(*args: Any, **more: Any) -> Any:  # whatever it takes
            if not _counts():
                return called(*args, **more)
            self._change(1)
            try:
                return called(*args, **more)
            finally:
                self._change(-1)

        setattr(owner, name, counted)

    def _change(self, by: int) -> None:
        with self._lock:
            now, cpu = time.perf_counter(), time.process_time()
            if self._waiting:
                self.seconds += now - self._since
                self.cpu += cpu - self._cpu_since
            self._waiting, self._since, self._cpu_since = self._waiting + by, now, cpu


def _counts() -> bool:
    thread = threading.current_thread()
    return thread is threading.main_thread() or thread.name.startswith(WORKERS)


def run() -> int:
    """Run the verb, and leave the note."""
    waits = Waits()
    for owner, name in (
        (urllib3.PoolManager, "request"),
        (kube_exec.KubeShell, "run"),
        (subprocess, "run"),
        (SystemClock, "sleep"),
    ):
        waits.around(owner, name)
    try:
        return main(sys.argv[1:])
    finally:
        cpu_s = time.process_time()
        note = {"waited_s": waits.seconds, "cpu_s": cpu_s, "own_cpu_s": cpu_s - waits.cpu}
        Path(os.environ[NOTE]).write_text(json.dumps(note), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run())
