"""A bundle for support holds the run and its report, and no secret."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import yaml

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests import clusters

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjMmMifQ.c2lnbmF0dXJlLW9mLWEtdG9rZW4"


@pytest.fixture
def rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a rehearsed run, with a secret where one could slip in, and a backup."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": clusters.healthy()})
    (folder / "all.yaml").write_text(text)
    config = tmp_path / "c2c.yaml"
    config.write_text(yaml.safe_dump(clusters.settings()))
    monkeypatch.setenv("C2C_STATE_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    assert main(["rehearse", str(folder), "--config", str(config), "--progress", "none"]) == ExitCode.DONE
    run = next((tmp_path / "runs").glob("*/journal.jsonl")).parent
    (run / "evidence").mkdir(exist_ok=True)
    (run / "evidence" / "headers.txt").write_text(f"Authorization: Bearer {TOKEN}\n")
    (run / "backup").mkdir(exist_ok=True)
    (run / "backup" / "secrets.json").write_text("whole objects")
    return run


def test_it_holds_run_report_and_versions_and_no_secret(rehearsed: Path, tmp_path: Path) -> None:
    target = tmp_path / "support.tgz"
    assert main(["bundle", "-o", str(target), "--yes"]) == ExitCode.DONE
    assert target.stat().st_mode & 0o077 == 0
    with tarfile.open(target) as archive:
        names = {n.removeprefix("c2c-support/") for n in archive.getnames()}
        texts = {m.name: archive.extractfile(m).read().decode() for m in archive.getmembers()}  # type: ignore[union-attr]
    assert {
        "run/journal.jsonl",
        "run/plan.json",
        "run/evidence/headers.txt",
        "report.json",
        "versions.json",
    } <= names
    assert not [n for n in names if "backup" in n]
    assert not [name for name, text in texts.items() if TOKEN in text]
    assert json.loads(texts["c2c-support/report.json"])["kind"] == "MigrationReport"


def test_the_files_are_listed_first(
    rehearsed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", "-o", str(tmp_path / "s.tgz"), "--offline", "--yes"]) == ExitCode.DONE
    said = capsys.readouterr().err
    assert said.index("run/journal.jsonl") < said.index("Wrote ")


def test_a_damaged_journal_is_sent_as_it_is_with_what_is_good(rehearsed: Path, tmp_path: Path) -> None:
    journal = rehearsed / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:30], lines[31]]))
    target = tmp_path / "support.tgz"
    assert main(["bundle", "-o", str(target), "--offline", "--yes"]) == ExitCode.DONE
    with tarfile.open(target) as archive:
        report = json.load(archive.extractfile("c2c-support/report.json"))  # type: ignore[arg-type]
    assert (report["journal"]["count"], report["journal"]["whole"]) == (30, False)


def test_without_a_run_there_is_nothing_to_gather(tmp_path: Path) -> None:
    assert main(["bundle", "-o", str(tmp_path / "s.tgz"), "--state-dir", str(tmp_path)]) == ExitCode.USAGE
