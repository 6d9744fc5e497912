"""The runbooks keep what the halts promise: a page for each reason, whole, with commands that can be typed as they stand."""

from __future__ import annotations

import json
import os
import re
import tomllib
from itertools import combinations
from pathlib import Path

import click
import pytest

from migrate.adapters.runbook_pages import page_names, page_text
from migrate.driver import on_nodes
from migrate.driver.sight import CNC_LABELS
from migrate.engine.reasons import GATES, every_halt
from migrate.entrypoints.cli.main import main
from migrate.preflight.registry import rule_named
from tests.meta.generated import ROOT, runbooks
from tests.meta.typed import in_blocks, in_prose, typed

FOLDER = ROOT / "runbooks"
HALTS = every_halt()
PROCEDURES = sorted(f"procedures/{p.stem}" for p in (FOLDER / "procedures").glob("*.md"))
SECTIONS = [
    "What happened", "What is safe", "What to look at", "What to type", "How to go on", "How to go back", "When to wake somebody",
]  # fmt: skip
SHORTEST, LONGEST = 25, 60
ALIKE = 0.4
MARKS = {
    *on_nodes.MARKS, on_nodes.MIGRATED_AT, "c2c/owned", "c2c/probe", "c2c/guard-", "c2c/run",
}  # fmt: skip


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_each_halt_reason_has_its_page_and_no_page_is_without_a_reason() -> None:
    assert {p.stem for p in FOLDER.glob("*.md")} - {"README"} == set(HALTS)


@pytest.mark.parametrize("slug", HALTS)
def test_a_page_says_what_it_is_about_and_has_every_section(slug: str) -> None:
    text, (word, meaning) = text_of(slug), HALTS[slug]
    lines = text.splitlines()
    assert lines[0] == f"# {slug}: {meaning}"
    assert lines[2].startswith(f"`{word}`")
    assert "exit code" in lines[2]
    assert SHORTEST <= len(lines) <= LONGEST
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == SECTIONS
    assert all(body.strip() for body in parts[1::2])


@pytest.mark.parametrize("slug", HALTS)
def test_a_page_says_what_to_look_at_and_how_to_go_on_in_commands(slug: str) -> None:
    parts = re.split(r"^## (.+)\n", text_of(slug), flags=re.MULTILINE)[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    assert "```sh\n" in sections["What to look at"]
    assert "c2c resume" in sections["How to go on"]


def test_no_two_pages_are_copies() -> None:
    own = {slug: {line for line in text_of(slug).splitlines() if len(line) > 20} for slug in HALTS}
    alike = {
        (a, b): len(own[a] & own[b]) / min(len(own[a]), len(own[b]))
        for a, b in combinations(sorted(HALTS), 2)
    }
    assert {pair: share for pair, share in alike.items() if share > ALIKE} == {}


def test_the_index_is_made_from_the_registry() -> None:
    path = FOLDER / "README.md"
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(runbooks(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == runbooks(), "run `make docs`"


@pytest.mark.parametrize("name", [*HALTS, *PROCEDURES, "README"])
def test_links_lead_to_pages(name: str) -> None:
    place = (FOLDER / f"{name}.md").parent
    for target in re.findall(r"\]\(([^)#\s]+)\)", text_of(name)):
        assert (place / target).exists(), f"{name} links to {target}"


def test_each_procedure_is_linked_from_a_page() -> None:
    pages = "".join(text_of(slug) for slug in HALTS)
    assert [p for p in PROCEDURES if f"({p}.md)" not in pages] == []


# Commands.


@pytest.mark.parametrize("name", [*HALTS, *PROCEDURES])
def test_each_command_of_ours_can_be_typed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = text_of(name)
    for line in [*in_blocks(text), *in_prose(text)]:
        try:
            typed(line)
        except click.UsageError as error:
            pytest.fail(f"{name}: {line}: {error.format_message()}")


def test_a_wrong_command_would_be_seen() -> None:
    with pytest.raises(click.UsageError):
        typed("c2c resume --retrry wrk-1")
    with pytest.raises(AssertionError):
        typed("c2c undo")


@pytest.mark.parametrize("name", [*HALTS, *PROCEDURES])
def test_marks_gates_and_rules_are_named_as_they_are(name: str) -> None:
    text = text_of(name)
    marks = {m.rstrip(".") for m in re.findall(r"\bc2c/(?:guard-|[a-z][a-z-]*[a-z])", text)}
    assert {f"{m}" for m in marks} <= MARKS
    assert set(re.findall(r"io\.cilium\.migration/[a-z-]+[a-z]", text)) <= set(CNC_LABELS.values())
    assert set(re.findall(r"\bG-\d\d", text)) <= set(GATES)
    assert [code for code in re.findall(r"\bCP2\d{3}\b", text) if rule_named(code) is None] == []


# Reachable without a network.


def test_the_pages_are_found_and_shipped() -> None:
    assert page_names() == sorted([*HALTS, *PROCEDURES, "README"])
    assert page_text("drain") == text_of("drain")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]  # fmt: skip
    assert wheel["force-include"] == {"runbooks": "migrate/_data/runbooks"}


@pytest.mark.parametrize("slug", HALTS)
def test_explain_prints_the_page_of_a_halt(slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", slug, "-o", "json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["name"], page["reason"], page["text"]) == (slug, HALTS[slug][0], text_of(slug))
