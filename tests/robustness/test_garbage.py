"""Garbage in, a diagnostic with a place out: no document of any reader gives a traceback, takes long, or takes much.

Each child process reads a share of the documents with its memory limited; ``child.py`` says what is held against a
document and repeats one. The share of documents that are still sound is printed, and kept under a half.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import capabilities
from tests.capabilities import ROOT, is_long
from tests.robustness.child import MEMORY, PLACE, fault_of
from tests.robustness.mutations import TEXT_WAYS
from tests.robustness.readers import BY_NAME, READERS, document

COUNT = 200_000 if is_long() else 20_000
SEED = capabilities.seed()
"""``make test`` reads the same documents each time; ``make test-long``, and any other seed, draw new ones."""
SHARES = sum(reader.share for reader in READERS)


def runs() -> list[tuple[str, int, int]]:
    """Give (reader, number of the run, documents): each reader has its share, a child as many as it reads at once."""
    found = []
    for reader in READERS:
        wanted = -(-COUNT * reader.share // SHARES)
        for number, start in enumerate(range(0, wanted, reader.at_once)):
            found.append((reader.name, number, min(reader.at_once, wanted - start)))
    return found


@pytest.mark.timeout(
    1_800
)  # of the wall's clock, which others on the machine stretch; a document has its own limit
@pytest.mark.parametrize(("name", "number", "count"), runs())
def test_garbage_is_refused_with_a_code_and_a_place(
    name: str, number: int, count: int, tmp_path: Path
) -> None:
    first = SEED + number * BY_NAME[name].at_once
    command = [sys.executable, "-m", "tests.robustness.child", name, str(first), str(count)]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[2:]}: {done.stderr[-2000:]}"
    *faults, last = map(json.loads, done.stdout.splitlines())
    repeat = [f"python -m tests.robustness.child {f['reader']} {f['seed']}: {f['fault']}" for f in faults]
    sound = sum(n for status, n in last["sums"].items() if status in {"exit 0", "exit 7"}) / count
    print(
        f"C2C_SEED={SEED} {name} {number}: {count} documents, {sound:.0%} sound, at most {last['slowest']:.2f} s, {last['peak_mib']} MiB"
    )
    assert not repeat, "\n".join(repeat[:5])
    assert last["sums"]["all"] == count
    assert last["peak_mib"] <= MEMORY >> 20


def test_there_are_documents_for_every_reader_and_way() -> None:
    planned: Counter[str] = Counter()
    for name, _, count in runs():
        planned[name] += count
    assert planned.total() >= COUNT
    assert set(planned) == set(BY_NAME)
    ways = {document(BY_NAME["policies"], seed)[0] for seed in range(400)}
    assert ways == set(TEXT_WAYS)


def test_a_document_of_a_number_is_always_the_same() -> None:
    for reader in READERS:
        assert document(reader, 7) == document(reader, 7)
        assert len({document(reader, seed)[1] for seed in range(40)}) > 10, reader.name


@pytest.mark.parametrize(
    ("status", "said", "seconds", "broken"),
    [
        (0, "", 0.1, False),
        (2, "✖ a.yaml:3:1: CAL-P101 cannot be read", 0.1, False),
        (2, "something is wrong", 0.1, True),
        (2, "✖ a.yaml is wrong", 0.1, True),
        (1, "internal error", 0.1, True),
        (0, "Traceback (most recent call last)", 0.1, True),
        (0, "", 2.5, True),
    ],
)
def test_what_breaks_a_rule_is_seen(status: int, said: str, seconds: float, broken: bool) -> None:
    assert bool(fault_of(BY_NAME["policies"], status, said, seconds)) is broken
    assert PLACE.search("a.yaml:3:1")
