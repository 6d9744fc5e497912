"""The matrix evaluators: Calico's against its own verdicts, both against their point evaluators, on every point.

A matrix and a point evaluator of one engine share nothing but the normalised policies; where the translation is
exact, the two matrices are equal.
"""

from __future__ import annotations

import random

import pytest

from tests import capabilities
from tests.oracles import worlds
from translators import CiliumConfig, translate
from translators.flows import Direction, Verdict
from translators.frontends import is_policy
from translators.proof.compare import MatrixDifference, build_universe, compare, flow_of
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator as CalicoPoint
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator as CiliumPoint
from translators.universe import Matrix, Universe

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
VERSION = (3, 34)
SAMPLE = 60
SEED = capabilities.seed()
TUNNELS = {(17, 4789), (4, 0)}


def points(universe: Universe, rng: random.Random, count: int) -> list[MatrixDifference]:
    found = []
    for _ in range(count):
        atom = rng.randrange(len(universe.atoms))
        peer = rng.randrange(len(universe.peers))
        direction = rng.choice(list(Direction))
        if universe.subjects:
            found.append(MatrixDifference(direction, rng.choice(universe.subjects), peer, atom, opens=False))
    return found


def possible(universe: Universe, point: MatrixDifference) -> bool:
    ends = [universe.peers[i].representative.address for i in (point.peer, point.subject)]
    families = {a.family if a is not None else 4 for a in ends}
    implied = {1: 4, 58: 6}.get(universe.atoms[point.atom].protocol)
    return len(families) == 1 and implied in {None, *families}


def value(matrix: Matrix, universe: Universe, point: MatrixDifference) -> bool:
    row = matrix[point.direction][universe.subjects.index(point.subject)]
    return bool(row[point.atom] >> point.peer & 1)


@pytest.mark.parametrize("part", worlds.PARTS)
def test_matrix_and_point_agree_for_both_engines_and_exact_translations_are_equal(part: str) -> None:
    print(f"C2C_SEED={SEED}")
    rng, judged, exact = random.Random(f"{SEED}/{part}"), 0, 0
    for world in worlds.part(part):
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        result = translate(
            policies, cluster=around, options=worlds.options(policies, CONFIG), plan=world.world.plan
        )
        calico = CalicoPolicies.build(world.world, world.documents, VERSION)
        cilium = CiliumPolicies.build(world.world, worlds.emitted(result, policies), CONFIG)
        sides = CalicoSide(calico), CiliumSide(cilium)
        universe = build_universe(sides, world.world)
        matrices = [side.matrix(universe) for side in sides]
        evaluators = CalicoPoint(calico), CiliumPoint(cilium)
        for point in points(universe, rng, SAMPLE):
            atom = universe.atoms[point.atom]
            tunnel = (atom.protocol, atom.ports[0]) in TUNNELS or atom.ports[0] <= 4789 <= atom.ports[1]
            if not possible(universe, point) or (tunnel and point.direction is Direction.EGRESS):
                continue
            flow = flow_of(universe, point)
            for matrix, evaluator in zip(matrices, evaluators, strict=True):
                verdict = evaluator.judge(flow)
                side = verdict.ingress if point.direction is Direction.INGRESS else verdict.egress
                assert side is not None
                assert value(matrix, universe, point) is (side.verdict is Verdict.ALLOW), (
                    world.id,
                    flow,
                    side,
                )
                judged += 1
        orphans = any(f.code == "CAL-O312" for f in result.report.findings)
        if not (result.report.differences or result.report.count("refused") or orphans):
            exact += 1
            assert not compare(*sides, world.world).differences, world.id
    assert judged > 5_000
    assert exact > 50
