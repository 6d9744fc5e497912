"""Gates that judge probes: what a probe found is on record, so whoever asks such a gate again has the probe run again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migrate.engine.run_moves import without_last_gates
from migrate.model.events import Event, GateOutcome, Kind
from tests.films import Player

APPROVED = {"waves": {"canary": {"approval": False}}, "onFailure": "halt"}


def at_gate(gate: str) -> Player:
    """Give a run whose canary is asked this gate."""
    player = Player(APPROVED)
    player.send(Event(Kind.START))
    node = player.run.plan.draft.canary.node
    player.play(f"{gate}({node}")
    return player


def lose(player: Player, gate: str, outcome: GateOutcome = GateOutcome.FAIL) -> None:
    player.send(replace(player.good(player.find(gate)), outcome=outcome))


@pytest.mark.parametrize("gate", ["G-04", "G-05", "G-06", "G-07", "G-08"])
@pytest.mark.parametrize("outcome", [GateOutcome.FAIL, GateOutcome.INCONCLUSIVE])
def test_a_lost_gate_has_the_rows_run_again_before_it_is_asked_again(gate: str, outcome: GateOutcome) -> None:
    player = at_gate(gate)
    lose(player, gate, outcome)
    [probe] = player.waiting
    assert (probe.words.partition("(")[0], probe.after_s) == ("Probe", 10.0)
    player.play(f"{gate}({probe.node}")
    assert player.find(gate)


def test_a_gate_of_something_else_is_asked_again_by_itself() -> None:
    player = at_gate("G-03")
    lose(player, "G-03")
    assert [c.words.partition("(")[0] for c in player.waiting] == ["G-03"]


def test_a_halted_node_is_probed_again_when_the_run_goes_on() -> None:
    player = at_gate("G-05")
    for attempt in range(3):
        lose(player, "G-05")
        if attempt < 2:
            player.play("G-05(")
    assert player.run.where == "HALTED(gate-05-probe-matrix)"
    player.send(Event(Kind.RESUME))
    assert [c.words.partition("(")[0] for c in player.waiting] == ["Probe"]
    player.play("P5")
    assert not player.run.where.startswith("HALTED")


def test_of_a_phase_the_probe_before_the_last_gates_comes_again() -> None:
    probe, gates = 'Probe({"rows":"all"})', ('EvaluateGate({"gate":"G-05"})', 'EvaluateGate({"gate":"G-10"})')
    assert without_last_gates(("Soak()", probe, *gates)) == ("Soak()",)
    assert without_last_gates(("Soak()", probe)) == ("Soak()", probe)
