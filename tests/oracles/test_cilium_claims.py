"""Each claim about Cilium's policy engine, put to the engine, to the point evaluator and to the matrix.

A row with ``known`` says what the evaluators do not model, and fails as soon as they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest

from tests.oracles.claim import CLAIMS, WORLD, Claim
from tests.oracles.engine import POLICY_KINDS, Engine, Said
from translators.flows import Decision, Direction, Flow, Verdict
from translators.proof.compare import MatrixDifference, build_universe, flow_of
from translators.semantics.cilium import CiliumPolicies, PointEvaluator
from translators.semantics.cilium.matrix import CiliumSide

AT_LEAST = 750
NUMBERS = [claim for claim in CLAIMS if "constants" in claim.row]
JUDGED = [claim for claim in CLAIMS if "constants" not in claim.row]
MODELLED = [claim for claim in CLAIMS if not claim.alone]


def claim_id(claim: Claim) -> str:
    return claim.name


def test_there_are_as_many_claims_as_the_description_makes() -> None:
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    assert len(names) >= AT_LEAST
    assert len(MODELLED) >= AT_LEAST * 0.8


@pytest.mark.parametrize("claim", JUDGED, ids=claim_id)
def test_the_engine_bears_out_the_claim(engine: Engine, claim: Claim) -> None:
    flows = [claim.flow(text) for text in claim.flows]
    schema = "report" if claim.row.get("judged") == "agent" else "enforce"
    said = engine.judge(
        claim.world, claim.documents, claim.config, flows, schema=schema, explain="logged" in claim.row
    )
    ends = at_the_end(claim, said.flows)
    assert {t: end or "none" for t, end in zip(claim.flows, ends, strict=True)} == claim.flows, said.policies
    check_objects(claim, said)
    if "proxied" in claim.row:
        found = [t for t, mark in zip(claim.flows, at_the_end(claim, said.proxied), strict=True) if mark]
        assert found == claim.row["proxied"]
    if "logged" in claim.row:
        texts = zip(claim.flows, at_the_end(claim, said.logged), strict=True)
        assert {t: list(logged) for t, logged in texts if logged} == claim.row["logged"]


def at_the_end[T](claim: Claim, answers: Sequence[tuple[T, T]]) -> list[T]:
    """Give what is said of each flow at the end that the claim is about."""
    pairs = zip(claim.flows, answers, strict=True)
    return [said[0 if claim.ingress_at(text) else 1] for text, said in pairs]


def check_objects(claim: Claim, said: Said) -> None:
    """Compare who takes the objects, and what the agent says of them."""
    took = {
        "agent": all(p["valid"] for p in said.policies),
        "schema": all(p.get("schemaValid") is not False for p in said.policies),
    }
    for who, word in took.items():
        if who in claim.row:
            assert word is (claim.row[who] == "takes"), said.policies
    assert (not all(took.values())) is claim.row.get("refused", False), said.policies
    if "because" in claim.row:
        assert any(claim.row["because"] in p.get("error", "") for p in said.policies), said.policies
    if "warns" in claim.row:
        assert any(p.get("warnings") for p in said.policies) is claim.row["warns"], said.policies


@pytest.mark.parametrize("claim", NUMBERS, ids=claim_id)
def test_the_engine_has_the_numbers(engine: Engine, claim: Claim) -> None:
    constants = engine.constants()
    assert {name: constants.get(name) for name in claim.row["constants"]} == claim.row["constants"]


@pytest.mark.parametrize("claim", MODELLED, ids=claim_id)
def test_the_point_evaluator_says_what_the_engine_says(claim: Claim, request: pytest.FixtureRequest) -> None:
    if "known" in claim.row:
        request.applymarker(pytest.mark.xfail(reason=claim.row["known"], strict=True))
    policies = CiliumPolicies.build(claim.world, claim.documents, claim.config)
    assert bool(policies.refused) is claim.row.get("refused", False), policies.refused
    evaluator = PointEvaluator(policies)
    said = {text: decision(evaluator, claim, text) for text in claim.flows}
    assert said == claim.flows


def decision(evaluator: PointEvaluator, claim: Claim, text: str) -> str:
    """Give the verdict at the end that the claim is about."""
    verdict = evaluator.judge(claim.flow(text))
    found: Decision | None = verdict.ingress if claim.ingress_at(text) else verdict.egress
    return str(found.verdict) if found else "none"


@pytest.mark.parametrize("claim", MODELLED, ids=claim_id)
def test_the_matrix_agrees_with_the_point_evaluator_everywhere(claim: Claim) -> None:
    policies = CiliumPolicies.build(claim.world, claim.documents, claim.config)
    side, evaluator = CiliumSide(policies), PointEvaluator(policies)
    universe = build_universe([side], claim.world)
    matrix = side.matrix(universe)
    judged = 0
    for direction, atom, peer in product(Direction, range(len(universe.atoms)), range(len(universe.peers))):
        for row, subject in enumerate(universe.subjects):
            point = MatrixDifference(direction, subject, peer, atom, opens=False)
            asked = flow_of(universe, point)
            if not possible(asked):
                continue
            verdict = evaluator.judge(asked)
            end = verdict.ingress if direction is Direction.INGRESS else verdict.egress
            assert end is not None
            bit = bool(matrix[direction][row][atom] >> peer & 1)
            assert bit is (end.verdict is Verdict.ALLOW), (asked, end)
            judged += 1
    assert judged


def possible(asked: Flow) -> bool:
    """Say whether both ends and the protocol are of one family."""
    ends = (asked.source.address, asked.destination.address)
    families = {a.family for a in ends if a is not None}
    return families <= {asked.family}


def test_every_object_of_a_claim_reaches_the_engine() -> None:
    for claim in CLAIMS:
        assert claim.documents == [] or any(d.kind in POLICY_KINDS for d in claim.documents), claim.name
    assert WORLD.is_cluster
