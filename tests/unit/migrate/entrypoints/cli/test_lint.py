from __future__ import annotations

import json

import pytest

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests.unit.migrate.entrypoints.cli.test_translate import EXACT

DEAD = (
    EXACT
    + "  - {action: Deny, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}\n"
)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a.yaml").write_text(DEAD)
    return str(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("more", "code"),
    [([], ExitCode.BLOCKED), (["--exit-zero"], ExitCode.DONE), (["--select", "CAL-S"], ExitCode.DONE)],
)
def test_defects_block_unless_told_otherwise(path, more, code, capsys):
    assert main(["lint", path, *more]) == code


def test_a_finding_has_code_place_reason_and_remedy(path, capsys):
    main(["lint", path, "-o", "json"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["code"] == "CAL-O315"
    assert finding["span"]["line"] == 12
    assert finding["text"]
    assert finding["remedy"]


def test_jsonl_opens_with_hello(path, capsys):
    main(["lint", path, "-o", "jsonl"])
    assert json.loads(capsys.readouterr().out.splitlines()[0])["type"] == "hello"


def test_an_unreadable_file_exits_2(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("a: [")
    assert main(["lint", str(tmp_path)]) == ExitCode.USAGE


def test_a_clean_set_says_so(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(EXACT)
    assert main(["lint", str(tmp_path)]) == ExitCode.DONE
    assert "Nothing found" in capsys.readouterr().out
