"""The registry of faults: every name works where it says, a wrong one is refused with the name that was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import migrate.simulator
from migrate.simulator.faults import FAULTS, UnknownFault, chosen, place_of, wrong
from migrate.simulator.world import World
from tests.unit.migrate.test_rehearsal import world

FOLDER = Path(migrate.simulator.__file__).parent


@pytest.mark.parametrize("name", FAULTS)
def test_the_module_that_a_fault_names_holds_its_effect(name: str) -> None:
    fault = FAULTS[name]
    named = [fault.module, "build"] if fault.module == "memory" else [fault.module]
    assert any(f'"{name}"' in (FOLDER / f"{m}.py").read_text(encoding="utf-8") for m in named)
    assert fault.what
    assert all(re.fullmatch(r"F-\d\d|R\d+|N\d+|G-\d\d", shown) for shown in fault.shows)


def test_a_wrong_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UnknownFault) as refused:
        chosen(["agent-crashes-loop@wrk-1"])
    assert refused.value.near == "agent-crash-loop"


def test_a_fault_holds_everywhere_or_at_its_place() -> None:
    assert wrong(world("no-address"), "no-address", "wrk-1")
    placed = world("no-address@wrk-1")
    assert wrong(placed, "no-address", "wrk-1")
    assert not wrong(placed, "no-address", "wrk-2")
    assert place_of(placed, "no-address") == "wrk-1"


def test_a_fault_with_an_end_has_its_default_where_only_its_name_is_given() -> None:
    assert wrong(world("late-switch"), "late-switch", "wrk-1") == 90
    assert isinstance(world("slow-pull"), World)
