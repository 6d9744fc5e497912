"""A run as Prometheus metrics, in the text exposition format; pure: counts in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate.model.fields import text
from migrate.model.run import NodeStatus, Run

__all__ = ["Metrics", "exposition"]


@dataclass(slots=True)
class Metrics:
    """A reporter that counts records: gates by outcome, failures of commands by class; ``text`` is the exposition."""

    gates: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    records: int = 0
    last: tuple[Run, Sequence[tuple[str, float]]] | None = None

    def event(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        self.records += 1
        event = record.get("event") or {}
        match text(event, "kind"):
            case "GateResult":
                self.gates[text(event, "gate"), text(event, "outcome")] += 1
            case "CommandFailed" | "CommandUnknown":
                self.failures[text(event, "command", "name"), text(event, "failure") or "unknown"] += 1

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Take the state as it is now."""
        self.last = (run, tuple(waits))

    def text(self) -> str:
        """Give the metrics as they are now; nothing before the first state is known."""
        return exposition(*self.last, self) if self.last is not None else ""


def exposition(run: Run, waits: Sequence[tuple[str, float]], counts: Metrics) -> str:
    """Give the metrics; every state of a node is there, so that a graph has no holes."""
    states = Counter(node.status for node in run.nodes.values())
    info = {
        "run": run.id,
        "plan": run.plan.hash[:12],
        "phase": str(run.phase),
        "status": str(run.status),
        "reason": run.reason,
    }
    lines = [
        *_head("c2c_run_info", "gauge", "The run, its phase and its state."),
        _row("c2c_run_info", info, 1),
        *_head("c2c_run_phase", "gauge", "The number of the phase, 0 to 14."),
        _row("c2c_run_phase", {}, run.phase.number),
        *_head("c2c_nodes", "gauge", "Nodes by state."),
        *(_row("c2c_nodes", {"state": str(state)}, states[state]) for state in NodeStatus),
        *_head("c2c_longest_wait_seconds", "gauge", "How long the run waits for what it waits for longest."),
        _row("c2c_longest_wait_seconds", {}, max((seconds for _, seconds in waits), default=0)),
        *_head("c2c_gate_results_total", "counter", "Evaluations of gates by outcome."),
        *(_row("c2c_gate_results_total", {"gate": g, "outcome": o}, n) for (g, o), n in sorted(counts.gates.items())),
        *_head("c2c_command_failures_total", "counter", "Commands that failed, by class."),
        *(_row("c2c_command_failures_total", {"command": c, "class": f}, n) for (c, f), n in sorted(counts.failures.items())),
        *_head("c2c_journal_records_total", "counter", "Records written by this process."),
        _row("c2c_journal_records_total", {}, counts.records),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, told: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _row(name: str, labels: Mapping[str, str], value: float) -> str:
    said = ",".join(f'{k}="{_escaped(v)}"' for k, v in labels.items())
    return f"{name}{{{said}}} {value:g}" if said else f"{name} {value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
