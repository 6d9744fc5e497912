"""Films of the engine: what happens, what is said and ordered, readable by an operator; rewritten with C2C_REWRITE=1."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.films import play

FOLDER = Path(__file__).parent / "engine"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda p: p.stem)
def test_a_film_runs_as_it_was_written(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    now = play(written)
    if os.environ.get("C2C_REWRITE") == "1":
        path.write_text(now, encoding="utf-8")
        written = now
    assert now.strip() == written.strip()
