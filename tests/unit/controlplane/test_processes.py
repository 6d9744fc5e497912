"""Processes of a test end with it, whatever happens to it, and a run can be killed at a record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.controlplane.client import eventually
from tests.controlplane.kills import KillAfterRecord
from tests.controlplane.processes import Process

OWNER = """
import sys, time
from pathlib import Path
from tests.controlplane.processes import Process
process = Process("sleeper", ["sleep", "60"], Path(sys.argv[1]))
process.start()
time.sleep(0.5)  # until the child has said whose death it wants to share
print(process.pid, flush=True)
time.sleep(60)
"""
WRITER = """
import sys, time
for number in range(1000):
    with open(sys.argv[1], "a") as journal:
        journal.write('{"seq": %d}\\n' % number)
    time.sleep(0.02)
"""
ROOT = Path(__file__).resolve().parents[3]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def test_a_process_is_killed_with_its_children_and_its_log_is_kept(tmp_path: Path) -> None:
    process = Process("shell", ["sh", "-c", "echo begun; sleep 60 & wait"], tmp_path / "log")
    process.start()
    eventually(lambda: process.tail() == "begun", 5, "the log has a line")
    pid = process.pid
    assert pid is not None
    process.kill()
    assert not process.is_alive
    assert not is_alive(pid)
    assert process.tail() == "begun"


def test_one_that_ends_when_asked_is_not_killed(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo begun; while :; do sleep 0.05; done"
    process = Process("polite", ["sh", "-c", script], tmp_path / "log")
    process.start()
    eventually(lambda: process.tail() == "begun", 5, "it has begun")
    process.stop(grace_s=5)
    assert process.tail(1) == "bye"


def test_nothing_outlives_a_test_process_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        assert is_alive(pid)
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not is_alive(pid), 5, "the sleeper is gone too")


def test_a_run_is_killed_after_a_record_of_its_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with (
        subprocess.Popen([sys.executable, "-c", WRITER, str(journal)]) as run,
        KillAfterRecord(journal, 5, run.pid) as killer,
    ):
        run.wait(timeout=20)
    assert killer.killed.is_set()
    assert run.returncode == -signal.SIGKILL
    assert 5 <= len(journal.read_text(encoding="utf-8").splitlines()) < 10
