"""What a rehearsal has to show of each failure mode, read from ``fixtures/scenarios.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from migrate.simulator.faults import FAULTS, Fault

FILE = Path(__file__).parent / "fixtures" / "scenarios.yaml"
NOT_PLAYED = "not: "
SHORT = {"audit": "1h", "finalSoak": "1h"}


@dataclass(frozen=True)
class Scenario:
    """A fault and how a run among it ends; ``said`` is part of the last thing that failed."""

    name: str
    ends: str
    said: str = ""
    nodes: Mapping[str, str] = field(default_factory=dict)
    cordoned: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[Mapping[str, Any], ...] = ()
    live: str = ""
    """Where it is played on a real control plane beside ``controlplane/scenes.py``, or ``not: `` and why not."""

    @property
    def fault(self) -> Fault:
        """Give the fault without its place."""
        return FAULTS[self.name.partition("@")[0]]

    @property
    def modes(self) -> tuple[int, ...]:
        """Give the failure modes that it shows."""
        return tuple(int(shown[2:]) for shown in self.fault.shows if shown.startswith("F-"))

    @property
    def outcome(self) -> str:
        """Give what becomes of it, in the words of the page."""
        if self.ends == "DONE":
            return "the run repairs it or waits it out, and comes to its end"
        if self.ends == "HALTED(node-rolled-back)":
            return "the node goes back to Calico, or to audit, and the run halts"
        if self.ends.startswith("PAUSED"):
            return "the run waits for a person"
        return "refused before anything is done" if self.ends == "refused" else "the run halts"


@cache
def _read() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def modes() -> Mapping[int, str]:
    """Give the failure modes by number, each in a few words."""
    found: Mapping[int, str] = _read()["modes"]
    return found


def of_removal() -> frozenset[int]:
    """Give the failure modes of the removal of Calico, which comes later."""
    return frozenset(_read()["removal"])


def scenarios() -> tuple[Scenario, ...]:
    """Give every scenario."""
    return tuple(
        Scenario(s["fault"], s["ends"], s.get("says", ""), s.get("nodes", {}), tuple(s.get("cordoned", ())),
                 {**SHORT, **s.get("settings", {})}, tuple(s.get("policies", ())), s.get("live", ""))
        for s in _read()["scenarios"]
    )  # fmt: skip


def failures(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the sentences of what failed, and of what was seen by itself, from the records of a journal."""
    found = []
    for record in records:
        event: Mapping[str, Any] = record.get("event", {})
        failed = event.get("outcome") in {"fail", "inconclusive"} or "failure" in event
        if failed or event.get("kind") == "CommandUnknown" or (record["kind"] == "event" and event):
            found.append(str(event.get("text", "")))
    return found
