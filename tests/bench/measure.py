"""Run a process and say what it cost; the few figures that are made of such samples.

Seconds are of the clock on the wall and, beside them, of the processor (user and system): others on the machine
stretch the former far more than the latter. Memory is the peak resident set of the child as the kernel counted it
(``wait4``). Python finds its byte code compiled, as an installation has it, whatever the caller's settings.
"""

from __future__ import annotations

import math
import os
import platform
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BYTECODE = ROOT / "build" / "bytecode"
CALIBRATION_DOCUMENTS = 400
REFERENCE_CALIBRATION_S = 0.053
"""What ``calibration`` gives on the machine for which the limits are stated, left alone."""


@dataclass(frozen=True)
class Sample:
    """One run of one command."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    code: int


def run(command: Sequence[str], timeout_s: float = 900) -> Sample:
    """Run a command in a fresh process, its output thrown away; a run over the time limit raises."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        begin = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, env=compiled(), stdout=nowhere, stderr=nowhere)
        status, usage = _waited(child.pid, begin + timeout_s)
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, child.returncode)


def compiled() -> dict[str, str]:
    """Give the environment in which the first run of a command compiles, and the others find what it compiled."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(BYTECODE)}


def _waited(pid: int, deadline: float) -> tuple[int, Any]:
    """Wait without a poll that would itself cost time: an alarm ends what takes too long."""

    def stop(*_: object) -> None:
        os.kill(pid, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(max(1, math.ceil(deadline - time.perf_counter())))
    try:
        _, status, usage = os.wait4(pid, 0)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return status, usage


def mad(values: Sequence[float]) -> float:
    """Give the median absolute deviation."""
    middle = median(values)
    return median(abs(value - middle) for value in values)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Fit ``y = c · x^e`` by least squares over logarithms and give ``e``; needs two different x."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread


def calibration() -> float:
    """Give the processor's seconds for a fixed loop and a fixed parse, the median of nine: its speed at present."""
    item = {"kind": "Pod", "metadata": {"name": "a", "labels": {"app": "web", "tier": "front"}}}
    text = yaml.dump_all([item] * CALIBRATION_DOCUMENTS, Dumper=yaml.CSafeDumper)

    def once() -> float:
        begin = time.process_time()
        cubes = 0
        for index in range(1_000_000):
            cubes ^= index & 0xFF
        list(yaml.load_all(text, Loader=yaml.CSafeLoader))  # the C form of the safe loader
        return time.process_time() - begin

    return median(once() for _ in range(9))


def machine() -> dict[str, Any]:
    """Say on what a figure was measured."""
    cpu = "unknown"
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")
        ]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu, "cores": os.cpu_count(), "memGiB": round(memory / 2**30), "kernel": platform.release(),
            "python": platform.python_version()}  # fmt: skip


def commit() -> str:
    """Give the short hash of what is checked out."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def busy() -> bool:
    """Say whether others use the machine too: more runnable processes than cores over the last minute."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)
