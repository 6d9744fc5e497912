from __future__ import annotations

import pytest

from migrate.entrypoints.cli.output import emit, formats
from migrate.errors import Failure

RENDERERS = {
    name: lambda name=name: f"<{name}>" for name in ("table", "json", "markdown", "github", "sarif", "junit")
}


def test_the_table_goes_to_stdout_when_nothing_else_does(capsys, tmp_path):
    emit([f"json={tmp_path / 'r.json'}"], RENDERERS)
    assert capsys.readouterr().out == "<table>"
    assert (tmp_path / "r.json").read_text() == "<json>"


@pytest.mark.parametrize(
    ("name", "format_"), [("r.json", "json"), ("r.md", "markdown"), ("r.sarif", "sarif"), ("r.xml", "junit")]
)
def test_the_suffix_of_a_file_names_its_format(name, format_, tmp_path):
    emit([str(tmp_path / name)], RENDERERS)
    assert (tmp_path / name).read_text() == f"<{format_}>"


def test_two_outputs_on_stdout_are_refused():
    with pytest.raises(Failure, match="two outputs"):
        emit(["json", "markdown"], RENDERERS)


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(Failure, match="no such format"):
        emit([f"json={tmp_path / 'r.json'}", "pdf"], RENDERERS)
    assert not (tmp_path / "r.json").exists()


def test_annotations_take_the_comment_into_the_summary_of_the_step(tmp_path, monkeypatch, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    emit(["github"], RENDERERS)
    assert capsys.readouterr().out == "<github>"
    assert summary.read_text() == "before\n<markdown>"


def test_other_formats_leave_the_summary_of_the_step_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    emit(["json"], RENDERERS)
    assert not (tmp_path / "summary.md").exists()


def test_formats_are_known_before_anything_is_rendered():
    assert formats(["json", "html=x.html", "r.sarif"]) == {"json", "html", "sarif"}
