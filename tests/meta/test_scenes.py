"""Every scenario of the simulator is played on a real control plane too, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane import run_faults, scenes
from tests.scenarios import NOT_PLAYED, Scenario, scenarios

FOLDER = Path(scenes.__file__).parent


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s.name)
def test_a_scenario_is_played_or_says_why_not(scenario: Scenario) -> None:
    name = scenario.name.partition("@")[0]
    assert (name in scenes.PLAYED) is (not scenario.live), "one place alone says where it is played"
    if not scenario.live or scenario.live.startswith(NOT_PLAYED):
        return
    what, _, file = scenario.live.partition(" in ")
    assert what in {row.slug for row in run_faults.ALL} or f"def {what}(" in (FOLDER / file).read_text(
        encoding="utf-8"
    )
