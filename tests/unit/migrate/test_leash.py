"""A program on a leash: it answers as itself, and it does not outlive whoever started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from migrate.leash import leashed

PARENT = """
import subprocess, sys, time
from migrate.leash import leashed
child = subprocess.Popen(leashed(["sleep", "300"]), start_new_session=True)
print(child.pid, flush=True)
time.sleep(300)
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of it")


def test_output_and_exit_code_are_the_program_s() -> None:
    done = subprocess.run(leashed(["sh", "-c", "echo out; echo err >&2; exit 3"]), capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_program_that_is_not_there_is_named() -> None:
    done = subprocess.run(leashed(["no-such-program"]), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no-such-program: No such file or directory" in done.stderr


@linux
def test_it_dies_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    end = time.monotonic() + 10
    while is_alive(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that has died and that nobody has asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_elsewhere_the_command_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert leashed(["helm", "version"]) == ["helm", "version"]
