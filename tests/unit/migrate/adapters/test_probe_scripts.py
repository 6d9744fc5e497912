"""Why a row of the probe matrix was not measured: nobody to ask for, or a pod that said nothing."""

from __future__ import annotations

import pytest

from migrate.adapters.probe_scripts import Targets, results_of
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
