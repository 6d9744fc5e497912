"""Runs of the product seen from outside: waited for by their journal, killed on their way, brought to their end.

A journal is read as what it is, lines of JSON; nothing of the product reads it here.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane.client import patience
from tests.controlplane.kills import KillAfterRecord
from tests.controlplane.product import Product, kill
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.proxy_rules import Point

type Record = Mapping[str, Any]
LOOK_S = 0.05
RECORDS_A_REQUEST = 8  # so many records come with one request that changes something, where most are exec


@dataclass(slots=True)
class Course:
    """One run under way: the process that drives it, and how far its journal was read."""

    product: Product
    kubeconfig: Path | None = None
    process: subprocess.Popen[str] | None = None
    read: int = 0
    """Bytes of the journal that were looked at."""

    def begin(self, *words: str | Path) -> None:
        """Start a command that drives the run."""
        self.process = self.product.begin(*words, "--yes", kubeconfig=self.kubeconfig)

    def until(self, seen: Callable[[Record], bool], seconds: float, what: str) -> Record:
        """Give the next record that is meant; raises ``AssertionError`` where the process ends before it comes."""
        end = time.monotonic() + seconds * patience()
        while True:
            ended = self.process is not None and self.process.poll() is not None
            for record in self._fresh():
                if seen(record):
                    return record
            assert not ended, f"the run ended before: {what}\n{self.product.told()}"
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}\n{self.product.told()}"
            time.sleep(LOOK_S)

    def skip(self, records: int, seconds: float) -> None:
        """Wait until so many more records were written."""
        for number in range(records):
            self.until(lambda _: True, seconds, f"{records - number} more records")

    def _fresh(self) -> Iterator[Record]:
        """Give the records that were written since, one by one: what follows the one that is meant is kept."""
        path = self.product.journal()
        if path is None:
            return
        with path.open("rb") as journal:
            journal.seek(self.read)
            for line in journal:
                if not line.endswith(b"\n"):
                    return
                self.read += len(line)
                yield json.loads(line)

    def ended(self, seconds: float = 900) -> int:
        """Wait for the process and give its exit code; what it has noted is behind us then."""
        assert self.process is not None
        code = self.process.wait(timeout=seconds * patience())
        for _ in self._fresh():
            pass
        return code

    def stop(self) -> None:
        """Kill the process, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            kill(self.process)


def at_state(node: str, state: str) -> Callable[[Record], bool]:
    """Ask whether this node has come to this state."""
    return lambda r: r["kind"] == "transition" and r["node"] == node and r["after"] == state


def at_phase(number: int) -> Callable[[Record], bool]:
    """Ask whether the run has come to this phase."""
    return lambda r: r["kind"] == "transition" and r["after"] == f"RUNNING(P{number})"


def intends(command: str, node: str = "") -> Callable[[Record], bool]:
    """Ask whether this command is about to be done."""
    return lambda r: r["kind"] == "intent" and r["command"] == command and node in {"", r["node"]}


def tells(kind: str) -> Callable[[Record], bool]:
    """Ask whether the run has heard of something that others did."""
    return lambda r: r.get("event", {}).get("kind") == kind


@dataclass(slots=True)
class Killer:
    """Kills a run on its way, at records of its journal and at requests, and lets it go on; ``at`` are the points met."""

    product: Product
    proxy: FaultProxy
    through: Path
    seed: random.Random
    at: list[str] = field(default_factory=list)

    def drive(self, first: Sequence[str | Path], again: Sequence[str | Path], gaps: Iterable[int]) -> int:
        """Run a command to its end and give its exit code; it is killed after each gap (records, or requests)."""
        words = first
        for number, gap in enumerate(gaps):
            process, killed = self._one(words, gap, by_request=number % 2 == 1)
            if not killed:
                return int(process.returncode)
            words = again if self.product.journal() else first
        return self.product.run(*words, "--yes", timeout_s=900 * patience()).returncode

    def _one(
        self, words: Sequence[str | Path], gap: int, *, by_request: bool
    ) -> tuple[subprocess.Popen[str], bool]:
        if by_request:
            return self._at_request(words, gap)
        known = len(self.product.records())
        process = self.product.begin(*words, "--yes")
        with KillAfterRecord(self.product.journal, known + gap, process.pid) as killer:
            process.wait(timeout=900 * patience())
        if killer.killed.is_set():
            self.at.append(f"after record {known + gap}")
        return process, killer.killed.is_set()

    def _at_request(self, words: Sequence[str | Path], gap: int) -> tuple[subprocess.Popen[str], bool]:
        """Kill at a request that changes something: as it arrives, or as its answer is on the way back."""
        point, gap = self.seed.choice(list(Point)), max(1, gap // RECORDS_A_REQUEST)
        process = self.product.begin(*words, "--yes", kubeconfig=self.through)
        number = self.proxy.ledger.counted + gap
        self.proxy.kill_at(number, process.pid, point)
        process.wait(timeout=900 * patience())
        self.proxy.kill = None
        if self.proxy.killed.is_set():
            self.at.append(f"at request {number}, point {point}")
        return process, self.proxy.killed.is_set()


def transitions(records: Iterable[Record]) -> list[str]:
    """Give what a journal says of states, for a failed assertion."""
    return [f"{r['node']}: {r['text']}" for r in records if r["kind"] == "transition"]


def state_of(product: Product) -> Mapping[str, Any]:
    """Give what ``c2c status -o json`` says of the newest run."""
    done = product.run("status", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found
