"""What only a real process shows: exit codes, closed and full streams, signals, locales, real terminals."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.migrate.entrypoints.cli.test_translate import EXACT, STRICTER
from tests.unit.migrate.entrypoints.cli.test_verify import WIDER

C2C = [sys.executable, "-m", "migrate"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "exact.yaml": EXACT,
        "stricter.yaml": STRICTER,
        "wider.yaml": WIDER,
        "broken.yaml": "a: [",
        "snapshot/snapshot.json": '{"kinds": {"pods": {"error": "forbidden"}}}',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def _run(*arguments: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    command: list[str] = [*C2C, *arguments]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(
        command, env={**keep, **environment}, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["translate", "exact.yaml"]),
        (2, ["translate", "broken.yaml"]),
        (2, ["translate", "--nonsense"]),
        (2, ["nonsense"]),
        (2, ["config", "validate", "nowhere.yaml"]),
        (3, ["translate", "stricter.yaml"]),
        (3, ["verify", "--before", "exact.yaml", "--after", "wider.yaml"]),
        (3, ["config", "validate", "exact.yaml"]),
        (3, ["explain", "world", "shop/app=db:icmp/3/4", "--before", "stricter.yaml"]),
        (8, ["verify", "--before", "exact.yaml", "--after", "wider.yaml", "--cluster", "snapshot"]),
        (8, ["diff", "--before", "exact.yaml", "--after", "wider.yaml", "--cluster", "snapshot"]),
        (10, ["diff", "--before", "exact.yaml", "--after", "wider.yaml", "--detailed-exitcode"]),
        (10, ["translate", "exact.yaml", "--out", "elsewhere", "--check", "--detailed-exitcode"]),
        (0, ["verify", "--before", "exact.yaml", "--after", "wider.yaml", "--exit-zero"]),
    ],
)
def test_a_process_leaves_with_the_code_of_the_table(folder, code, arguments):
    done = _run(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_bug_leaves_with_1_and_names_its_file(folder):
    program = (
        "import sys; import migrate.entrypoints.cli.version as v; v.emit = None; "
        "from migrate.entrypoints.cli.main import main; sys.exit(main(['version']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (path,) = re.findall(r"please report (\S+)", done.stderr)
    assert "Traceback" in Path(path).read_text()
    Path(path).unlink()


@pytest.mark.parametrize("closed", ["< /dev/null", "<&-", ">&-", "2>&-", "<&- >&- 2>&-", "| head -c 1"])
def test_closed_streams_are_no_bug(folder, closed):
    done = _run("translate", "exact.yaml", shell=closed)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def test_a_full_disk_is_told(folder):
    done = _run("translate", "exact.yaml", "-o", "json", shell="> /dev/full")
    assert done.returncode == 2
    assert "stdout takes nothing" in done.stderr


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "de_DE.ISO-8859-1"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_a_plain_locale_gets_plain_signs_and_whole_json(folder, environment):
    table = _run("translate", "stricter.yaml", **environment)
    assert table.returncode == 3
    if "LC_ALL" in environment:
        assert table.stdout.isascii()
        assert "!! Calico allows what Cilium drops: anyone -> any pod" in table.stdout
    assert (
        "→"
        in _run(
            "verify", "--before", "exact.yaml", "--after", "wider.yaml", "-o", "json", **environment
        ).stdout
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_reading_verb_without_a_traceback(folder, number):
    process = subprocess.Popen(
        [*C2C, "explain", "--engine", "calico", "--cluster", str(folder), "--flows", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write('{"id": 1}\n')
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not select.select([process.stdout], [], [], 1)[0]:
        assert time.monotonic() < deadline
        process.stdin.write('{"id": 1}\n' * 1000)
        process.stdin.flush()
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode in {128 + number, -number}
    assert "Traceback" not in told


def _on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run with stdout and stderr on a terminal of their own, and give everything that it shows."""
    main, other = pty.openpty()
    keep = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "TERM", "NO_COLOR"}}
    process = subprocess.Popen(
        [*C2C, *arguments],
        stdin=other,
        stdout=other,
        stderr=other,
        env={"TERM": "xterm", **keep, **environment},
    )
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    process.wait(timeout=60)
    os.close(main)
    return shown.decode()


@pytest.mark.parametrize(
    ("environment", "coloured", "plain"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"LC_ALL": "C"}, True, True),
    ],
)
def test_a_real_terminal_gets_what_it_can_show(folder, environment, coloured, plain):
    shown = _on_a_terminal("translate", "stricter.yaml", **environment)
    assert ("\x1b[" in shown) is coloured
    assert shown.isascii() is plain
    assert "1  approximate" in re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_a_narrow_terminal_wraps_nothing(folder):
    shown = _on_a_terminal("translate", "stricter.yaml", COLUMNS="40", NO_COLOR="1")
    table = shown.replace("\r", "").partition("1 policy at or above")[0]
    assert max(map(len, table.splitlines())) <= 40


def test_alone_it_shows_help_and_leaves(folder):
    assert "Usage: c2c" in _run().stdout


def test_the_same_input_gives_the_same_bytes_in_another_process(folder):
    for name in ("json", "html", "sarif", "junit", "svg", "yaml"):
        first, second = (
            _run("translate", "stricter.yaml", "-o", name, PYTHONHASHSEED=seed) for seed in ("1", "2")
        )
        assert first.stdout == second.stdout
