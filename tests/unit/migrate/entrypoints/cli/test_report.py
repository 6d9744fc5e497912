from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests import clusters

POLICY = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {selector: app == 'web', ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}
"""


@pytest.fixture
def written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("policies.yaml").write_text(POLICY, encoding="utf-8")
    assert main(["translate", "policies.yaml", "--out", "cilium", "-o", "report.html"]) == 0
    capsys.readouterr()
    return tmp_path


def test_a_page_gives_the_same_page(written):
    assert main(["report", "--from", "report.html", "-o", "again.html"]) == 0
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()


def test_a_folder_gives_the_report_that_lies_in_it(written, capsys):
    assert main(["report", "--from", "cilium", "-o", "json"]) == 0
    assert capsys.readouterr().out == Path("cilium/.c2c/report.json").read_text(encoding="utf-8")


def test_every_format_of_the_page_is_that_of_the_run(written, capsys):
    for name in ("json", "markdown", "sarif", "junit", "github", "svg", "jsonl"):
        assert main(["translate", "policies.yaml", "-o", f"{name}=was", "-o", "report.html"]) == 0
        assert main(["report", "--from", "report.html", "-o", f"{name}=is"]) == 0
        assert Path("is").read_bytes() == Path("was").read_bytes(), name


def test_the_command_is_told_without_where_its_output_went(written):
    report = json.loads(Path("cilium/.c2c/report.json").read_text(encoding="utf-8"))
    assert report["method"]["command"] == "c2c translate policies.yaml"


@pytest.mark.parametrize("name", ["policies.yaml", "nowhere.html", "."])
def test_anything_else_is_a_failure_with_a_remedy(written, name, capsys):
    assert main(["report", "--from", name]) == 2
    assert "fix: name a page or JSON that c2c translate wrote" in capsys.readouterr().err


@pytest.fixture
def rehearsed(tmp_path, monkeypatch):
    """Give the folder of runs in which a rehearsal of the healthy cluster lies."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": clusters.healthy()})
    (folder / "all.yaml").write_text(text)
    config = tmp_path / "c2c.yaml"
    config.write_text(yaml.safe_dump(clusters.settings()))
    monkeypatch.setenv("C2C_STATE_DIR", str(tmp_path / "runs"))
    assert main(["rehearse", str(folder), "--config", str(config), "--progress", "none"]) == ExitCode.DONE
    return tmp_path / "runs"


def test_a_rehearsal_is_reported_in_every_format(rehearsed, tmp_path, capsys):
    capsys.readouterr()
    names = ("html", "json", "yaml", "md", "xml", "svg", "jsonl")
    words = [w for name in names for w in ("-o", str(tmp_path / f"report.{name}"))]
    assert main(["report", *words]) == ExitCode.DONE
    assert "All done: 4 of 4 nodes" in capsys.readouterr().out
    data = json.loads((tmp_path / "report.json").read_text())
    assert (data["kind"], data["rehearsal"], data["journal"]["whole"]) == ("MigrationReport", True, True)
    assert yaml.safe_load((tmp_path / "report.yaml").read_text()) == data
    for name in names:
        assert (tmp_path / f"report.{name}").stat().st_size > 0


def test_a_damaged_journal_is_reported_as_far_as_it_is_good(rehearsed, capsys):
    journal = next(rehearsed.glob("*/journal.jsonl"))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:40], lines[41]]))
    capsys.readouterr()
    assert main(["report", "-o", "json"]) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr()
    data = json.loads(shown.out)
    assert (data["journal"]["count"], data["journal"]["whole"]) == (40, False)
    assert "damaged" in shown.err


def test_without_a_run_there_is_nothing_to_report(tmp_path, capsys):
    assert main(["report", "--state-dir", str(tmp_path)]) == ExitCode.USAGE
    assert "there is no run" in capsys.readouterr().err


@pytest.mark.parametrize("number", [": 14", "", "9" * 5000])
def test_a_line_of_a_page_without_a_number_is_the_first(written, number, capsys):
    page = written / "report.html"
    page.write_text(
        re.sub(r'data-n="\d+"', f'data-n="{number}"', page.read_text(encoding="utf-8")), encoding="utf-8"
    )
    assert main(["report", "--from", str(page)]) == 0
