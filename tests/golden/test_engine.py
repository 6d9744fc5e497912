"""Films of the engine: what happens, what is said and ordered, readable by an operator; rewritten with C2C_REWRITE=1."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from migrate.engine.reasons import HALTS
from migrate.model.events import GateOutcome, Kind
from migrate.model.run import MIGRATION
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


def test_every_phase_halt_gate_outcome_and_intervention_has_its_film() -> None:
    shown = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt"))
    assert not [phase for phase in MIGRATION if f"RUNNING({phase})" not in shown]
    assert not [slug for slug in HALTS if f"HALTED({slug})" not in shown]
    assert "HALTED(gate-" in shown
    assert not [
        outcome
        for outcome in GateOutcome
        if not re.search(rf"^gate G-\d\d .*{outcome}$", shown, re.MULTILINE)
    ]
    assert not [kind for kind in ASKED if f"event {kind}" not in shown]


ASKED = (Kind.START, Kind.RESUME, Kind.PAUSE_REQUESTED, Kind.STOP_REQUESTED, Kind.HANG_UP, Kind.ABORT_REQUESTED,
         Kind.ROLLBACK_REQUESTED, Kind.APPROVE, Kind.DENY, Kind.ACCEPT_FINDING, Kind.SKIP_REQUESTED, Kind.RETRY_REQUESTED)  # fmt: skip
