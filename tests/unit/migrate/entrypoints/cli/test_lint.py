from __future__ import annotations

import json
import stat
from pathlib import Path

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


def test_fix_rewrites_the_file_and_prints_the_difference(path, capsys):
    Path(path).chmod(0o640)
    assert main(["lint", path, "--fix"]) == ExitCode.DONE
    shown = capsys.readouterr()
    assert shown.out.splitlines()[:2] == [f"--- {path}", f"+++ {path}"]
    assert "Repaired 1 finding in 1 files" in shown.err
    assert Path(path).read_text() == EXACT
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o640
    assert main(["lint", path, "--fix", "-o", "json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["summary"]["fixed"] == 0


def test_fix_tells_programs_what_it_did(path, capsys):
    main(["lint", path, "--fix", "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    assert [e["code"] for e in report["fixed"]] == ["CAL-O315"]
    assert report["difference"].startswith("--- ")


def test_fix_follows_a_link_and_replaces_what_it_points_to(path, tmp_path, capsys):
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    main(["lint", str(link), "--fix"])
    assert link.is_symlink()
    assert Path(path).read_text() == EXACT


def test_fix_leaves_what_it_is_not_asked_to_repair(path, capsys):
    main(["lint", path, "--fix", "--select", "CAL-S"])
    assert Path(path).read_text() == DEAD


@pytest.mark.parametrize("arguments", [["--fix"], []])
def test_without_files_there_is_nothing_to_lint_or_to_fix(arguments, capsys):
    assert main(["lint", *arguments]) == ExitCode.USAGE


def test_a_picture_shows_who_can_talk_to_whom(path, capsys):
    main(["lint", path, "-o", "svg"])
    assert "0 cells change" in capsys.readouterr().out
