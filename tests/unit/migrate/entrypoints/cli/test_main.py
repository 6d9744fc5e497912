from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from migrate.entrypoints.cli import main as module
from migrate.entrypoints.cli.main import VERBS, main, root
from migrate.exitcodes import ExitCode


def _loaded(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom migrate.entrypoints.cli.main import main\n"
        f"main({list(arguments)!r})\nprint('\\n' + ' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.rsplit("\n", 2)[-2].split())


def test_help_fits_40_lines_and_loads_click_alone(capsys):
    assert main(["--help"]) == ExitCode.DONE
    assert len(capsys.readouterr().out.splitlines()) <= 40
    assert not {"yaml", "jinja2", "pydantic", "textual", "kubernetes", "translators"} & _loaded("--help")


def test_translate_loads_neither_terminal_nor_cluster_libraries(tmp_path):
    (tmp_path / "a.yaml").write_text("")
    unwanted = {"textual", "kubernetes", "ansible_runner", "grpc", "structlog", "rich", "jinja2"}
    assert not unwanted & _loaded("translate", str(tmp_path))


@pytest.mark.parametrize(("verb", "group"), VERBS.items())
def test_every_verb_has_examples_in_its_help(verb, group, capsys):
    assert main([verb, "--help"]) == ExitCode.DONE
    assert f"c2c {verb}" in capsys.readouterr().out
    assert group in {"policies", "plan", "run", "after"}


def test_a_wrong_verb_suggests_the_nearest(capsys):
    assert main(["transalte"]) == ExitCode.USAGE
    assert "translate" in capsys.readouterr().err


def test_a_wrong_option_suggests_the_nearest(capsys):
    assert main(["translate", "--layuot", "single"]) == ExitCode.USAGE
    assert "--layout" in capsys.readouterr().err


def test_a_bug_becomes_a_named_file_and_never_a_traceback(monkeypatch, capsys, tmp_path):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(root, "main", broken)
    assert main([]) == ExitCode.BUG
    told = capsys.readouterr().err
    assert "Traceback" not in told
    (crash,) = tmp_path.iterdir()
    assert str(crash) in told
    assert "ZeroDivisionError" in crash.read_text()


def test_an_interrupt_exits_130(monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(root, "main", interrupted)
    assert main([]) == 130


def test_a_closed_pipe_ends_quietly():
    done = subprocess.run(
        f"{sys.executable} -m migrate completion bash | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "_"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tr", ["translate"]),
        ("translate --fail-on lo", ["looser"]),
        ("translate -o sa", ["sarif"]),
        ("explain CAL-L50", [f"CAL-L50{n}" for n in range(1, 10)]),
        ("verify --before ex", [None]),
    ],
)
def test_a_shell_completes_verbs_options_formats_codes_and_files(typed, offered):
    words = ["c2c", *typed.split(" ")]
    done = subprocess.run(
        [sys.executable, "-m", "migrate"],
        env={
            **os.environ,
            "_C2C_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    found = [line.split(",") for line in done.stdout.splitlines()]
    assert [kind for kind, _ in found] == ["file" if name is None else "plain" for name in offered]
    assert [value for kind, value in found if kind == "plain"] == [name for name in offered if name]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell, capsys):
    assert main(["completion", shell]) == ExitCode.DONE
    assert "_C2C_COMPLETE" in capsys.readouterr().out


def test_version_is_data(capsys):
    assert main(["version", "-o", "json"]) == ExitCode.DONE
    assert list(json.loads(capsys.readouterr().out))[:2] == ["schemaVersion", "kind"]
