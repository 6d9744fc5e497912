from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.entrypoints.cli.main import main

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
