"""The import contracts of pyproject.toml hold; they are the architecture, so they are tests too."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_import_contract_is_kept() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_contracts_name_the_witnesses_and_the_pure_packages() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {c["name"]: c for c in data["tool"]["importlinter"]["contracts"]}
    assert len(contracts) >= 6
    pure = contracts["Pure packages do no I/O, read no clock, start no thread"]
    assert {"subprocess", "socket", "time", "random", "os"} <= set(pure["forbidden_modules"])
    witnesses = contracts["The two engines are independent witnesses"]
    assert witnesses["modules"] == ["translators.semantics.calico", "translators.semantics.cilium"]
