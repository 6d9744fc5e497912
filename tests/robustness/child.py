"""Run the command line over spoilt documents in one process with a limit of memory, and judge what it says.

``python -m tests.robustness.child READER SEED [COUNT]``: a line of JSON for each document that breaks a rule, last a
line with the sums. With COUNT 1 the document, its output and its judgement are printed: this repeats one document.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from migrate.entrypoints.cli.main import main as c2c
from tests.robustness.readers import BY_NAME, Reader, document, lay_out

MEMORY = 300 * 1024**2
SECONDS = 2.0
STACK = 64 * 1024**2
BLOCKED, INCONCLUSIVE = 3, 8
ALLOWED = {0, 2, BLOCKED}
JUDGED = {BLOCKED, INCONCLUSIVE}
CODE = re.compile(r"\bCAL-[A-Z]\d{3}\b|\bC2C-\w+|✖|^Error:|\"error\":", re.MULTILINE)
PLACE = re.compile(r":\d+(:\d+)?\b|line \d+|\bline\b|\"id\"|holds no policy")
"""Where: a line and column, for a flow the number that it carries, and the file alone where all of it is nothing."""


@dataclass(frozen=True)
class Judged:
    """What became of one document; ``fault`` is empty where no rule was broken."""

    reader: str
    seed: int
    way: str
    status: int
    seconds: float
    fault: str


class _Stream(io.TextIOWrapper):
    """A stream of the process in memory, with the buffer that commands write bytes to."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8", "replace")


def run(arguments: list[str]) -> tuple[int, str, float]:
    """Run one command; its status, what it wrote, and the processor's seconds."""
    out, err = _Stream(), _Stream()
    started = time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = c2c(arguments)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
    return status, out.text() + err.text(), time.process_time() - started


def judge(reader: Reader, seed: int, folder: Path, good: Path) -> tuple[Judged, str, bytes]:
    """Spoil, write, run, judge."""
    way, content = document(reader, seed)
    path = folder / (f"spoilt{reader.suffix}" if reader.suffix[0] == "." else reader.suffix.lstrip("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    status, said, seconds = run(reader.command(path, good))
    fault = fault_of(reader, status, said, seconds)
    return Judged(reader.name, seed, way, status, round(seconds, 3), fault), said, content


def fault_of(reader: Reader, status: int, said: str, seconds: float) -> str:
    """Say which rule an outcome breaks; empty for none."""
    if status in JUDGED and reader.judges and "Traceback" not in said and seconds <= SECONDS:
        return ""
    if status not in ALLOWED | reader.sound:
        return f"exit {status}: {crash(said)}"
    if "Traceback" in said:
        return "a traceback"
    if "MemoryError" in said:
        return f"more than {MEMORY >> 20} MiB"
    if seconds > SECONDS:
        return f"{seconds:.1f} s"
    if status in reader.sound and seconds <= SECONDS and "Traceback" not in said:
        return ""
    if status and not CODE.search(said):
        return f"exit {status} without a code: {said[:200]}"
    if status and reader.has_lines and not PLACE.search(said):
        return f"exit {status} without a place: {said[:300]}"
    return ""


def crash(said: str) -> str:
    """Give the end of the crash report that the last line names, and remove the file."""
    found = re.search(r"(\S+c2c-crash-\S+\.txt)", said)
    if found is None or not Path(found[1]).exists():
        return said[-300:]
    path = Path(found[1])
    lines = path.read_text(encoding="utf-8").splitlines()
    path.unlink()
    return " | ".join(
        [*(line.strip() for line in lines if line.strip().startswith("File "))][-2:] + lines[-1:]
    )[-500:]


def judged(reader: Reader, seed: int, count: int) -> Iterator[Judged]:
    """Judge a run of numbers."""
    with tempfile.TemporaryDirectory() as base:
        good = Path(base) / "good"
        lay_out(good)
        folder = Path(base) / "bad"
        for number in range(seed, seed + count):
            found, said, content = judge(reader, number, folder, good)
            if count == 1:
                sys.stdout.write(f"{content[:4000].decode('utf-8', 'backslashreplace')}\n--- says\n{said}\n")
            yield found


def limit() -> None:
    """Bound this process's memory: what the interpreter maps is part of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> int:
    """Print what breaks a rule and the sums."""
    name, seed, count = arguments[0], int(arguments[1]), int(arguments[2]) if len(arguments) > 2 else 1
    os.environ.pop("C2C_CONFIG", None)
    limit()
    sums: Counter[str] = Counter()
    slowest = 0.0
    for item in judged(BY_NAME[name], seed, count):
        sums["all"] += 1
        sums[f"exit {item.status}"] += 1
        slowest = max(slowest, item.seconds)
        if item.fault or count == 1:
            sys.stdout.write(json.dumps(asdict(item)) + "\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(json.dumps({"sums": sums, "slowest": slowest, "peak_mib": peak}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
