"""Asking a gate of a node once more, and what it judges with it: what a probe found is on record and does not change."""

from __future__ import annotations

from dataclasses import replace

from migrate.engine.gates import OF_PROBES
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.run import NodeStatus, Open

__all__ = ["ask_gate_again", "retry_gates"]

GATE_RETRY_S = 10.0


def ask_gate_again(turn: Turn, name: str, opened: Open) -> None:
    """Ask a gate in a while; one that judges probes would find the same, so the rows are run again first."""
    if opened.command.args.get("gate") not in OF_PROBES:
        turn.again(opened, after_s=GATE_RETRY_S)
        return
    node = turn.node(name)
    rows = "back" if node.status is NodeStatus.ROLLING_BACK else "node"
    probe = Command(Name.PROBE, name, {"rows": rows})
    turn.change_node(name, done=tuple(k for k in node.done if k != probe.key))
    turn.order(replace(probe, after_s=GATE_RETRY_S), name)


def retry_gates(turn: Turn, name: str) -> None:
    """Forget the gates that passed in the state at hand, and the probes that they judge: all are asked again."""
    node = turn.node(name)
    asked = (f"{Name.EVALUATE_GATE}(", f"{Name.PROBE}(")
    turn.change_node(name, done=tuple(k for k in node.done if not k.startswith(asked)), attempts=0)
