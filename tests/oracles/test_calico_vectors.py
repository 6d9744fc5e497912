"""Calico's own data plane is the judge: every verdict and every deciding rule of the vectors."""

from __future__ import annotations

import pytest

from tests.oracles import worlds
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator

VERSION = (3, 34)
FEWEST = {"worlds": 29_854, "edges": 1_271}


@pytest.mark.parametrize("edges", [False, True], ids=["worlds", "edges"])
def test_the_point_evaluator_gives_the_verdict_and_the_deciding_rule(edges: bool) -> None:
    judged, wrong = 0, []
    for data, is_edge in worlds.lines():
        if is_edge is not edges:
            continue
        world = worlds.load(data, edges=edges)
        evaluator = PointEvaluator(CalicoPolicies.build(world.world, world.documents, VERSION))
        for expected in world.flows:
            judged += 1
            found = evaluator.judge(expected.flow)
            for decision, verdict, by in (
                (found.egress, expected.egress, expected.egress_by),
                (found.ingress, expected.ingress, expected.ingress_by),
            ):
                got = decision.verdict.value if decision else None
                if got != verdict or (by and decision and decision.by != by):
                    wrong.append((world.id, got, decision and decision.by, verdict, by))
    assert not wrong, wrong[:5]
    assert judged == FEWEST["edges" if edges else "worlds"]
