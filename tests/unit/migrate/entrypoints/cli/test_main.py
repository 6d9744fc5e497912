from __future__ import annotations

import json
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


@pytest.mark.parametrize(("group", "verb", "text"), VERBS)
def test_every_verb_has_examples_in_its_help(group, verb, text, capsys):
    assert main([verb, "--help"]) == ExitCode.DONE
    assert f"c2c {verb}" in capsys.readouterr().out
    assert group in {"policies", "plan", "run", "after"}
    assert text


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


def test_version_is_data(capsys):
    assert main(["version", "-o", "json"]) == ExitCode.DONE
    assert list(json.loads(capsys.readouterr().out))[:2] == ["schemaVersion", "kind"]
