"""The tools of the tests: a prebuilt binary of another version is passed over aloud, a step that fails is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools import binaries, catalogue, steps
from tests.tools.errors import NotHereError
from tests.tools.gobuild import ROOT, GoBuild

ENGINE = catalogue.tool("cilium-engine")


def says(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "serves"),
    [
        (f"cilium-engine v1.20.2 sources {ENGINE.recipe.digest()}", True),
        (f"1.20.2 {ENGINE.recipe.digest()}", True),
        (f"cilium-engine v1.20.21 sources {ENGINE.recipe.digest()}", False),
        ("cilium-engine v1.20.2 sources 0123456789abcdef", False),
        ("", False),
    ],
)
def test_a_binary_must_say_its_version_and_its_sources(tmp_path: Path, text: str, serves: bool) -> None:
    assert (binaries.refusal(ENGINE, says(tmp_path, "cilium-engine", text)) == "") is serves


def test_a_prebuilt_of_another_version_is_passed_over_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = says(tmp_path, ENGINE.name, "cilium-engine v1.19.4")
    monkeypatch.setenv("C2C_TOOLS", str(tmp_path))
    monkeypatch.setenv("C2C_TOOLS_CACHE", str(tmp_path / "empty"))
    with pytest.raises(NotHereError, match=f"make tools.*{path} .C2C_TOOLS. is passed over: wanted 1.20.2"):
        binaries.find(ENGINE.name)
    says(tmp_path, ENGINE.name, f"v1.20.2 {ENGINE.recipe.digest()}")
    assert binaries.find(ENGINE.name) == binaries.Found(path, "C2C_TOOLS")


def test_every_row_has_a_module_of_its_own_and_a_name_of_its_own() -> None:
    names = [row.name for row in catalogue.TOOLS]
    assert len(set(names)) == len(names)
    for row in catalogue.TOOLS:
        if isinstance(row.recipe, GoBuild):
            assert (ROOT / row.recipe.folder / "go.sum").exists(), row.name


def test_a_failing_step_ends_the_run_and_the_table_says_so() -> None:
    listed = [steps.Step("a", "true"), steps.Step("b", "exit 3"), steps.Step("c", "true")]
    done = steps.run(listed, dict(os.environ))
    assert [d.status for d in done] == [0, 3, None]
    words = [" ".join(line.split()[3:]) for line in steps.table(done)]
    assert words == ["ok", "FAILED (3)", "not run", ""]
