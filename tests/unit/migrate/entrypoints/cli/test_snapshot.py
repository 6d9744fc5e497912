from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests import clusters


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": clusters.healthy()})
    (folder / "all.yaml").write_text(text)
    return folder


def test_the_path_is_told_on_stderr_and_stdout_is_empty(raw, tmp_path, capsys):
    assert main(["snapshot", "--from", str(raw), "-o", str(tmp_path / "prod.tgz")]) == ExitCode.DONE
    said = capsys.readouterr()
    assert said.out == ""
    assert f"Wrote {tmp_path / 'prod.tgz'}: 4 nodes" in said.err


def test_what_is_written_is_read_by_the_verbs(raw, tmp_path, capsys):
    target = str(tmp_path / "prod.tgz")
    assert main(["snapshot", "--from", str(raw), "-o", target]) == ExitCode.DONE
    assert main(["preflight", "--cluster", target, "--select", "eviction"]) == ExitCode.DONE
    assert main(["translate", "--cluster", target]) == ExitCode.DONE


def test_the_archive_streams_to_a_pipe(raw, monkeypatch):
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream))
    assert main(["snapshot", "--from", str(raw), "-o", "-"]) == ExitCode.DONE
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        assert "snapshot.json" in archive.getnames()


def test_a_terminal_takes_no_archive(raw, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["snapshot", "--from", str(raw), "-o", "-"]) == ExitCode.USAGE
    assert "nothing for a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["Secret", "secrets"])
def test_no_flag_shows_secrets(raw, capsys, kind):
    assert main(["snapshot", "--from", str(raw), "-o", "x.tgz", "--no-redact", kind]) == ExitCode.USAGE
    assert "never leaves" in capsys.readouterr().err


def test_what_was_left_out_is_said(raw, tmp_path, capsys):
    (raw / "kafka.yaml").write_text(
        yaml.safe_dump(clusters.thing("Kafka", "k", "shop", api="kafka.strimzi.io/v1"))
    )
    assert main(["snapshot", "--from", str(raw), "-o", str(tmp_path / "prod.tgz")]) == ExitCode.DONE
    assert "1 kind (kafkas.kafka.strimzi.io)" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_written(raw, tmp_path, capsys):
    (raw / "pods.yaml").write_text("a: [1\n")
    assert main(["snapshot", "--from", str(raw), "-o", str(tmp_path / "prod.tgz")]) == ExitCode.USAGE
    assert "pods.yaml:" in capsys.readouterr().err
    assert (tmp_path / "prod.tgz").exists()


@pytest.mark.parametrize("arguments", [[], ["--from", "x"]])
def test_a_source_and_a_target_are_needed(arguments, capsys):
    assert main(["snapshot", *arguments]) == ExitCode.USAGE


def test_an_empty_folder_is_no_cluster(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert (
        main(["snapshot", "--from", str(tmp_path / "empty"), "-o", str(tmp_path / "p.tgz")]) == ExitCode.USAGE
    )
    assert "no object that anybody asks for" in capsys.readouterr().err
