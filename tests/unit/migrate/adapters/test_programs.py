"""Programs of the user's: real children, none of which is waited for, outlives its time, or tells a secret."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from migrate.adapters.clock import SystemClock
from migrate.adapters.programs import LAST_LINES, ChildPrograms, not_to_be_run
from migrate.model.events import FailureClass
from migrate.ports import ApiError, ProgramState

LIMIT_S = 30.0


@pytest.fixture
def programs() -> ChildPrograms:
    return ChildPrograms(SystemClock())


def script(folder: Path, text: str, name: str = "hook.sh") -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def ended(programs: ChildPrograms, name: str = "a") -> ProgramState:
    """Look until it has ended, as turns of a run do."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        state = programs.look(name)
        assert state is not None
        if state.code is not None:
            return state
        time.sleep(0.02)
    raise AssertionError("it does not end")


@pytest.mark.parametrize(
    ("text", "code", "last"),
    [
        ("echo out; echo err >&2", 0, ("out", "err")),
        ("echo no replica; exit 3", 3, ("no replica",)),
        ("kill -9 $$", -9, ()),
        ("printf 'password=hunter2\\nno newline'", 0, ("password=<redacted>", "no newline")),
        ("seq 1 100000", 0, tuple(str(n) for n in range(100_001 - LAST_LINES, 100_001))),
        ('echo "$C2C_NODE $C2C_PODS $1"', 0, ("wrk-1 db-0 db-1 two words",)),
        ("sleep 300 & echo begun", 0, ("begun",)),  # a grandchild holds the pipe open
    ],
)
def test_its_end_and_its_last_words_are_told(
    programs: ChildPrograms, tmp_path: Path, text: str, code: int, last: tuple[str, ...]
) -> None:
    environment = {"C2C_NODE": "wrk-1", "C2C_PODS": "db-0 db-1"}
    programs.begin("a", [script(tmp_path, text), "two words"], environment, LIMIT_S)
    assert ended(programs) == ProgramState(code, last)
    programs.forget("a")
    assert programs.look("a") is None


def test_nobody_waits_for_one_that_works(programs: ChildPrograms, tmp_path: Path) -> None:
    began, marker = time.monotonic(), tmp_path / "go"
    programs.begin("a", [script(tmp_path, f"until [ -e {marker} ]; do sleep 0.05; done")], {}, LIMIT_S)
    programs.forget("a")
    assert programs.look("a") == ProgramState(), "what runs is not forgotten"
    assert time.monotonic() - began < 5
    marker.touch()
    assert ended(programs).code == 0


def test_what_runs_already_is_not_begun_again(programs: ChildPrograms, tmp_path: Path) -> None:
    said, marker = tmp_path / "said", tmp_path / "go"
    command = [script(tmp_path, f"echo once >> {said}; until [ -e {marker} ]; do sleep 0.05; done")]
    programs.begin("a", command, {}, LIMIT_S)
    programs.begin("a", command, {}, LIMIT_S)
    marker.touch()
    ended(programs)
    assert said.read_text() == "once\n"
    programs.begin("a", command, {}, LIMIT_S)
    ended(programs)
    assert said.read_text() == "once\nonce\n"


def test_one_whose_time_is_over_is_killed_with_what_it_began(programs: ChildPrograms, tmp_path: Path) -> None:
    child = tmp_path / "child"
    text = f"echo working; sleep 300 & echo $! > {child}; wait"
    programs.begin("a", [script(tmp_path, text)], {}, 1.0)
    state = ended(programs)
    assert (state.late, state.last) == (True, ("working",))
    pid, end = int(child.read_text()), time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_cannot_be_run_is_said_at_once(programs: ChildPrograms, tmp_path: Path) -> None:
    plain = tmp_path / "plain.sh"
    plain.write_text("echo no\n")
    plain.chmod(0o644)
    for command, said in (([str(plain)], "cannot be executed"), ([str(tmp_path / "none")], "is not there")):
        assert not_to_be_run(command) == said
        with pytest.raises(ApiError, match=said) as refused:
            programs.begin("a", command, {}, LIMIT_S)
        assert refused.value.failure is FailureClass.PERMANENT
        assert programs.look("a") is None
    assert not_to_be_run(["sh", "-c", "true"]) == ""
    assert not_to_be_run([]) == "is not there"
    assert os.environ.get("C2C_NODE") is None, "nothing of it stays in our own environment"
