"""Run the steps of ``make test`` one after the other, say how long each took, and what was not tested here.

``python -m tests.tools.steps NAME=COMMAND …``: a step that fails ends the run; the table is printed all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A name and a line for the shell."""

    name: str
    command: str


@dataclass(frozen=True)
class Done:
    """How a step ended; ``status`` is None for one that was not reached."""

    name: str
    seconds: float
    status: int | None


def run(steps: list[Step], environment: dict[str, str]) -> list[Done]:
    """Run until one fails; the rest is listed as not run."""
    found: list[Done] = []
    for step in steps:
        if found and found[-1].status != 0:
            found.append(Done(step.name, 0.0, None))
            continue
        print(f"step {step.name}: {step.command}", flush=True)
        started = time.monotonic()
        status = subprocess.run(
            step.command, shell=True, check=False, env=environment, stdin=subprocess.DEVNULL
        ).returncode
        found.append(Done(step.name, time.monotonic() - started, status))
        print(f"step {step.name}: {found[-1].seconds:.1f} s", flush=True)
    return found


def table(steps: list[Done]) -> list[str]:
    """Give the wall times as one line a step, and their sum."""
    words = {None: "not run", 0: "ok"}
    lines = [f"{s.name:<14} {s.seconds:8.1f} s  {words.get(s.status, f'FAILED ({s.status})')}" for s in steps]
    return [*lines, f"{'total':<14} {sum(s.seconds for s in steps):8.1f} s"]


def main(arguments: list[str]) -> int:
    """Run ``NAME=COMMAND`` arguments as steps; the status of the one that failed, else 0."""
    steps = [Step(*argument.split("=", 1)) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        handed = Path(folder) / "not-tested"
        found = run(steps, {**os.environ, "C2C_NOT_TESTED": str(handed)})
        left_out = handed.read_text(encoding="utf-8").splitlines() if handed.exists() else []
    print("\n".join([*table(found), *dict.fromkeys(left_out)]), flush=True)
    return next((s.status for s in found if s.status), 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
