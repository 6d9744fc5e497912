"""The budgets and rules of the house, checked: what is exceeded stands in exceptions.toml with its reason."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capabilities import ROOT, shared
from translators.diagnostics import CODES

PACKAGES = ("translators", "migrate")
EXCEPTIONS = tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text(encoding="utf-8"))
FUNCTION_LINES, MODULE_LINES = 60, 600
HEAVY = ("textual", "kubernetes", "ansible_runner", "grpc", "structlog", "pydantic", "rich")


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_keeps_its_budget_and_says_why_it_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(ROOT))
    assert len(text.splitlines()) <= EXCEPTIONS["module_lines"].get(name, MODULE_LINES)
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = EXCEPTIONS["function_lines"].get(f"{name}:{node.name}", FUNCTION_LINES)
            assert length <= limit, f"{name}:{node.name} has {length} lines"


def test_no_file_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(r"/work/|/root/|pypi\.org|pythonhosted|proxy\.golang\.org|TO" + "DO|FIX" + "ME")
    found = []
    for name in tracked():
        path = ROOT / name
        if path.suffix in {".png", ".gz"} or name == "LICENSE" or name.startswith("tests/meta/"):
            continue
        if path.is_file() and forbidden.search(path.read_text(encoding="utf-8", errors="replace")):
            found.append(name)
    assert not found


def test_translating_loads_no_heavy_library() -> None:
    program = (
        "import sys; from migrate.entrypoints.cli.main import main; "
        "main(['translate', 'examples/policies/shop.yaml', '--exit-zero']); "
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip().endswith("[]"), done.stderr[-300:]


def test_the_registry_is_the_specifications() -> None:
    table = shared("spec", "policy", "translation.md")
    rows = re.findall(
        r"^\| (CAL-[A-Z]\d+) \| (.*?) \| (.*?) \|", table.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {code for code, _, _ in rows} == set(CODES)
    assert all(CODES[code].title == title and CODES[code].cls == cls for code, title, cls in rows)


def test_every_code_that_is_raised_is_in_the_registry() -> None:
    used = set()
    for path in modules():
        if path.name != "codes.py":
            used.update(re.findall(r"CAL-[A-Z]\d{3}", path.read_text(encoding="utf-8")))
    assert used <= set(CODES)
