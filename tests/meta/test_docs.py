"""The docs say what is true today: generated pages are current, examples run, links lead somewhere.

``make docs`` renews the generated pages.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml

from migrate.entrypoints.cli.main import VERBS, main
from migrate.exitcodes import ExitCode
from tests.bench.table import page
from tests.meta.examples import examples as made_examples
from tests.meta.generated import MEANINGS, PAGES, ROOT
from tests.meta.typed import in_blocks, typed
from translators.diagnostics import CODES

DOCS = ROOT / "docs"
MAY_WAIT = 20
WRITTEN = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    path, text = DOCS / name, PAGES[name]()
    if os.environ.get("C2C_REWRITE") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_examples_of_the_codes_are_true() -> None:
    """A new code may wait for the next `make docs`; what is printed must be what the code says."""
    path, text = ROOT / "migrate" / "data" / "examples.yaml", made_examples()
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(text, encoding="utf-8")
    kept, made = yaml.safe_load(path.read_text(encoding="utf-8")), yaml.safe_load(text)
    assert {code: kept[code] for code in kept} == {code: made.get(code) for code in kept}, "run `make docs`"
    assert len(set(made) - set(kept)) <= MAY_WAIT, "run `make docs`"


def test_the_benchmark_page_is_made_from_its_figures() -> None:
    data = json.loads((DOCS / "benchmarks" / "latest.json").read_text(encoding="utf-8"))
    assert (DOCS / "benchmarks" / "latest.md").read_text(encoding="utf-8") == page(data)
    rows = page(data).splitlines()
    for case in data["cases"]:
        row = next(row for row in rows if row.startswith(f"| {case['name']} |"))
        assert ("(noisy)" in row) is case["noisy"]
        assert case["cpu_median_s"] > 0


def test_every_exit_code_has_its_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_every_code_has_its_place_in_the_reference() -> None:
    text = (DOCS / "reference" / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (CAL-[A-Z]\d{3}) ", text, re.MULTILINE) == sorted(
        CODES, key=lambda c: ("PSONLHKV".index(c[4]), list(CODES).index(c))
    )


@dataclass(frozen=True)
class Example:
    """A command of a page, the exit code that the page claims, and the lines that it shows."""

    page: str
    command: str
    code: int
    shown: tuple[str, ...]


def examples() -> Iterator[Example]:
    """Give the commands of ``console`` blocks: ``$ c2c …``, with ``# exit N`` where that is not 0."""
    for path in WRITTEN:
        for block in re.findall(
            r"^```console\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                first, *shown = part.splitlines()
                command, _, code = first.partition("  # exit ")
                yield Example(
                    path.name, command, int(code or 0), tuple(s.strip() for s in shown if s.strip())
                )


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what earlier commands of a page would have left: translated policies in a folder, their page beside it."""
    folder = tmp_path_factory.mktemp("docs") / "cilium"
    policies, cluster = ROOT / "examples" / "policies", ROOT / "examples" / "cluster"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        arguments = [str(policies.relative_to(ROOT)), "--cluster", str(cluster.relative_to(ROOT))]
        delivery = ["--out", str(folder), "-o", str(folder.with_name("report.html")), "--exit-zero"]
        assert main(["translate", *arguments, *delivery]) == 0
    assert (folder / ".c2c" / "report.json").exists()
    return folder


@pytest.mark.parametrize("example", list(examples()), ids=lambda e: f"{e.page}: {e.command}")
def test_an_example_of_the_docs_runs_and_shows_what_it_shows(
    example: Example,
    translated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(translated.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    program, *arguments = shlex.split(example.command)
    assert program == "c2c"
    assert main(arguments) == example.code
    said = capsys.readouterr()
    lines = {line.strip() for line in (said.out + said.err).splitlines()}
    assert [line for line in example.shown if line != "…" and line not in lines] == []


def test_the_examples_of_the_library_run() -> None:
    found = doctest.testfile(str(DOCS / "how-to" / "library.md"), module_relative=False)
    assert found.attempted >= 10
    assert not found.failed


def test_the_docs_have_examples() -> None:
    assert len(list(examples())) >= 8


def test_every_verb_that_the_docs_name_is_one() -> None:
    for path in WRITTEN:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"^(?:\$ )?c2c ([a-z]+)", text, re.MULTILINE))
        assert named <= set(VERBS), f"{path.name}: {named - set(VERBS)}"


def test_every_command_of_the_docs_that_needs_a_cluster_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [(path.name, line) for path in WRITTEN for line in in_blocks(path.read_text(encoding="utf-8"))]
    assert len(found) >= 20
    for page_name, line in found:
        try:
            typed(line)
        except click.UsageError as error:
            pytest.fail(f"{page_name}: {line}: {error.format_message()}")


def test_every_code_that_the_docs_name_is_one() -> None:
    for path in WRITTEN:
        named = set(re.findall(r"CAL-[A-Z]\d{3}", path.read_text(encoding="utf-8")))
        assert named <= set(CODES), f"{path.name}: {named - set(CODES)}"


def test_every_link_between_pages_leads_to_a_file() -> None:
    for path in WRITTEN:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    navigation = set(re.findall(r"[\w./-]+\.md", json.dumps(yaml.safe_load(text)["nav"])))
    assert navigation == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
