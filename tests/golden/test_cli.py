"""What each verb prints for the example policies: rewrite with ``C2C_REWRITE=1``, then read the diff."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from migrate.entrypoints.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "cli"
POLICIES = ["examples/policies", "--cluster", "examples/cluster"]
COMPARED = ["--before", "tests/fixtures/compare/before.yaml", "--after", "tests/fixtures/compare/after.yaml"]
COMMANDS = {
    "help": ["--help"],
    "translate": ["translate", *POLICIES],
    "translate-wide": ["translate", *POLICIES, "-o", "wide"],
    "translate-markdown": ["translate", *POLICIES, "-o", "markdown"],
    "translate-jsonl": ["translate", *POLICIES, "-o", "jsonl"],
    "translate-yaml": ["translate", *POLICIES, "-o", "yaml"],
    "verify": ["verify", *COMPARED],
    "verify-json": ["verify", *COMPARED, "-o", "json"],
    "verify-jsonl": ["verify", *COMPARED, "-o", "jsonl"],
    "verify-markdown": ["verify", *COMPARED, "-o", "markdown"],
    "verify-html": ["verify", *COMPARED, "-o", "html"],
    "verify-sarif": ["verify", *COMPARED, "-o", "sarif"],
    "verify-junit": ["verify", *COMPARED, "-o", "junit"],
    "verify-github": ["verify", *COMPARED, "-o", "github"],
    "diff": ["diff", *COMPARED],
    "diff-markdown": ["diff", *COMPARED, "-o", "markdown"],
    "lint": ["lint", "examples/policies"],
    "lint-yaml": ["lint", "examples/policies", "-o", "yaml"],
    "lint-markdown": ["lint", "examples/policies", "-o", "markdown"],
    "lint-html": ["lint", "examples/policies", "-o", "html"],
    "lint-sarif": ["lint", "examples/policies", "-o", "sarif"],
    "lint-junit": ["lint", "examples/policies", "-o", "junit"],
    "lint-github": ["lint", "examples/policies", "-o", "github"],
    "explain-code": ["explain", "CAL-L502"],
    "explain-unknown": ["explain", "CAL-X999"],
    "no-such-verb": ["transalte"],
    "no-such-option": ["translate", "--layuot"],
    "no-such-file": ["translate", "nowhere.yaml"],
}


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")


def _said(name: str, capsys) -> str:
    code = main(COMMANDS[name])
    shown = capsys.readouterr()
    return f"exit {int(code)}\n--- stdout\n{shown.out}--- stderr\n{shown.err}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_verb_prints_byte_for_byte_the_same(name, capsys):
    text = _said(name, capsys)
    path = FOLDER / f"{name}.txt"
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_next_command_that_a_golden_file_prints_is_one(capsys):
    printed = {
        line
        for path in FOLDER.glob("*.txt")
        for line in re.findall(r"^Next: c2c (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert printed
    for line in printed:
        assert main([line.split()[0], "--help"]) == 0
