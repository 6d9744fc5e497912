from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from migrate.adapters import runbook_pages
from migrate.adapters.runbook_pages import page_names, page_text

ROOT = Path(__file__).resolve().parents[4]


def test_pages_are_found_by_name() -> None:
    names = page_names()
    assert {"README", "drain", "procedures/look-first"} <= set(names)
    assert names == sorted(names)
    assert page_text("procedures/look-first").startswith("# Look first\n")
    with pytest.raises(FileNotFoundError):
        page_text("no-such-page")


def test_the_wheel_brings_the_same_pages_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {name: page_text(name) for name in page_names()}
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    monkeypatch.setattr(runbook_pages.resources, "files", lambda package: tmp_path / "installed" / package)
    assert {name: page_text(name) for name in page_names()} == here
