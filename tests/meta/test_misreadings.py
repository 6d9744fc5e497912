"""Each misreading of an evaluator changes a line that is there, once: what the oracles' sample takes minutes to find."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROWS = yaml.safe_load((ROOT / "tests" / "oracles" / "misreadings.yaml").read_text(encoding="utf-8"))
EVERY = [(engine, row) for engine, groups in ROWS.items() for rows in groups.values() for row in rows]


@pytest.mark.parametrize(("engine", "row"), EVERY, ids=[f"{e}: {r['name']}" for e, r in EVERY])
def test_a_misread_line_is_there_once(engine: str, row: dict[str, str]) -> None:
    source = (ROOT / "translators" / "semantics" / engine / f"{row['module']}.py").read_text(encoding="utf-8")
    assert source.count(row["was"]) == 1
    assert row["reads"] not in {"", row["was"]}
