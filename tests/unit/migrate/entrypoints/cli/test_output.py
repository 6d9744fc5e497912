from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from migrate.entrypoints.cli.output import emit, formats
from migrate.errors import Failure
from migrate.render.terminal import Canvas

RENDERERS = {name: lambda name=name: f"<{name}>" for name in ("json", "markdown", "github", "sarif", "junit")}


def table(canvas: Canvas) -> str:
    return f"<table {canvas.width}>"


def test_the_table_goes_to_stdout_when_nothing_else_does(capsys, tmp_path):
    emit([f"json={tmp_path / 'r.json'}"], table, RENDERERS)
    assert capsys.readouterr().out == "<table 80>"
    assert (tmp_path / "r.json").read_text() == "<json>"


@pytest.mark.parametrize(
    ("name", "format_"), [("r.json", "json"), ("r.md", "markdown"), ("r.sarif", "sarif"), ("r.xml", "junit")]
)
def test_the_suffix_of_a_file_names_its_format(name, format_, tmp_path):
    emit([str(tmp_path / name)], table, RENDERERS)
    assert (tmp_path / name).read_text() == f"<{format_}>"


def test_two_outputs_on_stdout_are_refused():
    with pytest.raises(Failure, match="two outputs"):
        emit(["json", "markdown"], table, RENDERERS)


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(Failure, match="no such format"):
        emit([f"json={tmp_path / 'r.json'}", "pdf"], table, RENDERERS)
    assert not (tmp_path / "r.json").exists()


def test_annotations_take_the_comment_into_the_summary_of_the_step(tmp_path, monkeypatch, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    emit(["github"], table, RENDERERS)
    assert capsys.readouterr().out == "<github>"
    assert summary.read_text() == "before\n<markdown>"


def test_other_formats_leave_the_summary_of_the_step_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    emit(["json"], table, RENDERERS)
    assert not (tmp_path / "summary.md").exists()


def test_formats_are_known_before_anything_is_rendered():
    assert formats(["json", "html=x.html", "r.sarif"]) == {"json", "html", "sarif"}


def test_a_near_format_is_suggested():
    with pytest.raises(Failure) as failure:
        emit(["jsno"], table, RENDERERS)
    assert failure.value.fix == "did you mean json?"


def test_wide_is_as_wide_as_it_must_be(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "40")
    emit(["wide"], table, RENDERERS)
    emit([f"wide={tmp_path / 'w'}", f"table={tmp_path / 't'}"], table, RENDERERS)
    assert capsys.readouterr().out == "<table None><table 40>"
    assert (tmp_path / "w").read_text() + (tmp_path / "t").read_text() == "<table None><table 80>"


def test_what_goes_to_two_places_is_rendered_once(capsys, tmp_path):
    rendered = []
    emit(["json", f"json={tmp_path / 'r'}"], table, {"json": lambda: rendered.append(1) or "{}"})
    assert rendered == [1]
    assert capsys.readouterr().out == (tmp_path / "r").read_text() == "{}"


def test_a_full_disk_is_a_failure_and_no_bug(monkeypatch):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(Failure, match="stdout takes nothing"):
            emit([], table, RENDERERS)
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
