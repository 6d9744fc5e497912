"""What rows of the probe matrix run, and why one was not measured: nobody to ask for, or a pod that said nothing."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from migrate.adapters.probe_scripts import Targets, results_of, script_of
from migrate.ports import ProbeRow

ROW = ProbeRow("source-address", "n1", "n2", 4)


@pytest.mark.parametrize(
    ("known", "reason"),
    [({("n2", 4): "10.0.0.2"}, "the probe pod said nothing"), ({}, "no address of the target is known")],
    ids=["a silent pod", "no target"],
)
def test_a_row_without_an_answer_says_whose_fault_it_is(
    known: dict[tuple[str, int], str], reason: str
) -> None:
    targets = Targets(pods=known, nodes={}, service={}, node_port=0, dns={}, api={})
    [found] = results_of([(0, ROW)], "", targets)
    assert (found.outcome, found.reason) == ("unmeasured", reason)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("", "ok"),
        ("TIMEOUT", "timeout"),
        ("REFUSED", "refused"),
        ("DNS: no such host", "unresolved"),
        ("OTHER: no route to host", "reset"),
        ("UNKNOWN: missing port in address", "unmeasured"),
        ("sh: /agnhost: not found", "unmeasured"),
    ],
)
@pytest.mark.parametrize("target", ["db.example:5432", "[2001:db8::1]:443", "a'b;$(false):1"])
def test_a_connection_to_the_outside_ends_as_agnhost_says(
    tmp_path: Path, said: str, outcome: str, target: str
) -> None:
    """The script is run by a shell, with a program in the place of ``agnhost connect`` that says what that says."""
    agnhost = tmp_path / "agnhost"
    asked = f"connect {target} --timeout=3s"
    agnhost.write_text(
        f'#!/bin/sh\n[ "$*" = {shlex.quote(asked)} ] || {{ echo UNKNOWN; exit 1; }}\n'
        f"[ -z {shlex.quote(said)} ] || {{ echo {shlex.quote(said)} >&2; exit 1; }}\n"
    )
    agnhost.chmod(0o755)
    row = (0, ProbeRow("external", "n1", target))
    script = script_of([row], Targets()).replace("/agnhost", str(agnhost))
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    [found] = results_of([row], ran.stdout, Targets())
    assert found.outcome == outcome
