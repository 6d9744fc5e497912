"""What each verb prints, every format of it: rewrite with ``C2C_REWRITE=1``, then read the diff.

The examples are big enough for the tables that people read; for the formats that programs read a small set will do.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from migrate.entrypoints.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "cli"
POLICIES = ["examples/policies", "--cluster", "examples/cluster"]
SMALL = "tests/fixtures/compare/before.yaml"
LINTED = "tests/fixtures/compare/lint.yaml"
COMPARED = ["--before", SMALL, "--after", "tests/fixtures/compare/after.yaml"]
EXPECTED = ["--expect", "tests/fixtures/compare/expect.yaml"]
FORMATS = ("wide", "json", "yaml", "jsonl", "markdown", "html", "sarif", "junit", "github", "svg")
VERBS = {
    "translate": ["translate", SMALL],
    "verify": ["verify", *COMPARED],
    "diff": ["diff", *COMPARED],
    "lint": ["lint", LINTED],
}
GROUPS = "identity,capacity,eviction,placement"
JUDGED = ["--cluster", "examples/snapshot", "--config", "examples/c2c.yaml"]
COMMANDS = {
    "help": ["--help"],
    "translate": ["translate", *POLICIES],
    "translate-all-wide": ["translate", *POLICIES, "-o", "wide"],
    "translate-all-markdown": ["translate", *POLICIES, "-o", "markdown"],
    "translate-rows": ["translate", *POLICIES, "--no-headers"],
    "translate-ascii": ["translate", *POLICIES, "--ascii"],
    "verify": ["verify", *COMPARED],
    "verify-expect": ["verify", *COMPARED[2:], *EXPECTED],
    "verify-expect-junit": ["verify", *COMPARED[2:], *EXPECTED, "-o", "junit"],
    "diff": ["diff", *COMPARED],
    "diff-of-one-engine": ["diff", "--before", SMALL, "--after", LINTED],
    "lint": ["lint", "examples/policies"],
    "preflight": ["preflight", *JUDGED, "--select", GROUPS],
    "preflight-wide": ["preflight", *JUDGED, "--select", GROUPS, "-o", "wide"],
    "preflight-json": ["preflight", *JUDGED, "--select", "eviction", "-o", "json"],
    "preflight-yaml": ["preflight", *JUDGED, "--select", "CP2034", "-o", "yaml"],
    "preflight-jsonl": ["preflight", *JUDGED, "--select", "capacity", "-o", "jsonl"],
    "preflight-markdown": ["preflight", *JUDGED, "--select", "eviction", "-o", "markdown"],
    "preflight-html": ["preflight", *JUDGED, "--select", "eviction", "-o", "html"],
    "preflight-sarif": ["preflight", *JUDGED, "--select", "eviction", "-o", "sarif"],
    "preflight-junit": ["preflight", *JUDGED, "--select", "eviction,placement", "-o", "junit"],
    "preflight-github": ["preflight", *JUDGED, "--select", "eviction", "-o", "github"],
    "preflight-node": ["preflight", *JUDGED, "--select", "eviction", "--node", "wrk-2"],
    "preflight-unknown": ["preflight", *JUDGED, "--select", "CP2014"],
    "preflight-accepted": [
        "preflight",
        *JUDGED,
        "--select",
        "CP2034",
        "--accept",
        "CP2034:shop/debug=a debugger",
    ],
    "preflight-nothing": ["preflight"],
    "explain-check": ["explain", "CP2031"],
    "explain-code": ["explain", "CAL-L502"],
    "explain-code-json": ["explain", "CAL-L502", "-o", "json"],
    "explain-code-yaml": ["explain", "CAL-L502", "-o", "yaml"],
    "explain-unknown": ["explain", "CAL-X999"],
    "explain-flow": ["explain", "shop/web", "billing/api:8443", "--before", "examples/policies", *POLICIES[1:]],
    "explain-flow-wide": ["explain", "world", "shop/api:icmp/3/4", "--before", "examples/policies", *POLICIES[1:], "-o", "wide"],
    "explain-flow-json": ["explain", "shop/web", "billing/api:8443", "--before", "examples/policies", *POLICIES[1:], "-o", "json"],
    "explain-flow-yaml": ["explain", "shop/app=web", "shop/app=db:5432", "--before", SMALL, "-o", "yaml"],
    "explain-batch": ["explain", "--engine", "calico", "--cluster", "examples/cluster", "--policies", "examples/policies",
                      "--flows", "tests/fixtures/compare/flows.jsonl", "-o", "jsonl"],
    "report": ["report", "--from", "tests/golden/render/grades.html"],
    "report-yaml": ["report", "--from", "tests/golden/render/clean.json", "-o", "yaml"],
    "report-of-something-else": ["report", "--from", LINTED],
    "config-init": ["config", "init"],
    "config-show": ["config", "show", "tests/fixtures/compare/c2c.yaml"],
    "config-show-origin": ["config", "show", "tests/fixtures/compare/c2c.yaml", "--origin"],
    "config-validate": ["config", "validate", "tests/fixtures/compare/c2c.yaml"],
    "config-validate-wrong": ["config", "validate", "tests/fixtures/compare/wrong.yaml"],
    "no-such-verb": ["transalte"],
    "no-such-option": ["translate", "--layuot"],
    "no-such-format": ["lint", LINTED, "-o", "sraif"],
    "no-such-file": ["translate", "nowhere.yaml"],
    **{f"{verb}-{name}": [*arguments, "-o", name] for verb, arguments in VERBS.items() for name in FORMATS},
}  # fmt: skip
ON_A_TERMINAL = (
    "help",
    "translate",
    "translate-ascii",
    "verify",
    "diff",
    "lint",
    "preflight",
    "explain-check",
    "explain-code",
    "explain-flow",
    "no-such-file",
)


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("KUBECONFIG", "nowhere.yaml")


def _said(arguments: list[str], capsys) -> str:
    code = main(arguments)
    shown = capsys.readouterr()
    return f"exit {int(code)}\n--- stdout\n{shown.out}--- stderr\n{shown.err}"


def _is_the_same(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_verb_prints_byte_for_byte_the_same(name, capsys):
    _is_the_same(name, _said(COMMANDS[name], capsys))


@pytest.mark.parametrize("name", ON_A_TERMINAL)
def test_a_terminal_gets_the_same_in_colour(name, capsys, monkeypatch):
    monkeypatch.setattr("migrate.entrypoints.cli.face.is_terminal", lambda _: True)
    text = _said(COMMANDS[name], capsys)
    _is_the_same(f"{name}-terminal", text.replace("\x1b", "␛"))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain == _said_elsewhere(name)


def _said_elsewhere(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [f"{verb}-{name}" for verb in VERBS for name in FORMATS if name != "wide"])
def test_a_format_for_programs_is_the_same_on_a_terminal(name, capsys, monkeypatch):
    monkeypatch.setattr("migrate.entrypoints.cli.face.is_terminal", lambda _: True)
    main(COMMANDS[name])
    assert f"--- stdout\n{capsys.readouterr().out}--- stderr" in _said_elsewhere(name)


def test_no_golden_file_is_left_over():
    wanted = {*COMMANDS, *(f"{name}-terminal" for name in ON_A_TERMINAL)}
    assert {path.stem for path in FOLDER.glob("*.txt")} == wanted


def test_every_next_command_that_a_golden_file_prints_is_one(capsys):
    printed = {
        line
        for path in FOLDER.glob("*.txt")
        for line in re.findall(r"^Next: c2c (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert printed
    for line in printed:
        assert main([line.split()[0], "--help"]) == 0
