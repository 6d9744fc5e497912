"""Both evaluators of Cilium against Cilium's own policy engine in random worlds.

``C2C_SEED=N pytest tests/oracles/test_cilium_engine.py`` repeats a run. Every world has its own number, and
``python -m tests.oracles.shrink cilium NUMBER`` repeats and shrinks one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import capabilities
from tests.oracles.engine import POLICY_KINDS, Engine, Said
from tests.oracles.random_cilium import Case, case
from translators.flows import ICMP, ICMPV6, Direction, Flow, PeerKind, Verdict
from translators.proof.compare import MatrixDifference, build_universe, flow_of
from translators.semantics.cilium import CiliumPolicies, PointEvaluator
from translators.semantics.cilium.matrix import CiliumSide
from translators.universe import Universe

PARTS, WORLDS = 4, 10_000 if capabilities.is_long() else 750
SEED = capabilities.seed()
FLOWS_A_WORLD = 30


def refusals(said: Said) -> list[bool]:
    return [not p["valid"] or p.get("schemaValid") is False for p in said.policies]


@dataclass(frozen=True)
class Asked:
    """One point of a world's universe, as a flow, with what both evaluators say of it."""

    flow: Flow
    direction: Direction
    point: bool
    matrix: bool


def asked_points(
    world: Case, side: CiliumSide, rng: random.Random, *, subject: str = "", count: int = FLOWS_A_WORLD
) -> tuple[Universe, list[MatrixDifference]]:
    """Give the universe of a world, and random points of it that can be; of one pod alone if it is named."""
    universe = build_universe([side], world.world)
    everything = range(len(universe.peers)), range(len(universe.atoms))
    narrow = [i for i, atom in enumerate(universe.atoms) if atom.ports[0] == atom.ports[1]]
    others = [i for i, p in enumerate(universe.peers) if p.representative.pod is None]
    subjects = [i for i in universe.subjects if not subject or subject in universe.peers[i].members]
    found: list[MatrixDifference] = []
    for _ in range(4 * count):
        # A third between pods at single ports, where names of ports are seen, a third with nodes and the outside.
        peers, atoms = rng.choice([everything, (universe.subjects, narrow), (others, everything[1])])
        point = MatrixDifference(
            rng.choice(list(Direction)),
            rng.choice(subjects),
            rng.choice(peers),
            rng.choice(atoms),
            opens=False,
        )
        if len(found) == count:
            break
        if exists(universe, point):
            found.append(point)
    return universe, found


def questions(world: Case, policies: CiliumPolicies, rng: random.Random) -> Iterator[Asked]:
    side = CiliumSide(policies)
    universe, points = asked_points(world, side, rng)
    matrix, evaluator = side.matrix(universe), PointEvaluator(policies)
    for point in points:
        flow = flow_of(universe, point)
        verdict = evaluator.judge(flow)
        decision = verdict.ingress if point.direction is Direction.INGRESS else verdict.egress
        assert decision is not None
        row = matrix[point.direction][universe.subjects.index(point.subject)]
        yield Asked(
            flow, point.direction, decision.verdict is Verdict.ALLOW, bool(row[point.atom] >> point.peer & 1)
        )


def exists(universe: Universe, point: MatrixDifference) -> bool:
    """Say whether such a flow can be: one family, and a node that is where the peer says it is."""
    own = universe.peers[point.subject].representative
    other = universe.peers[point.peer].representative
    families = {p.address.family for p in (own, other) if p.address is not None}
    implied = {ICMP: 4, ICMPV6: 6}.get(universe.atoms[point.atom].protocol)
    if len(families) > 1 or (implied is not None and implied not in families):
        return False
    here = own.pod is not None and other.node is not None and own.pod.node == other.node.name
    return {PeerKind.HOST: here, PeerKind.REMOTE: not here}.get(other.kind, True)


def differences(engine: Engine, number: int, tally: dict[str, int]) -> list[tuple[Any, ...]]:
    """Give what differs in the world of a number."""
    return world_differences(engine, case(number), random.Random(number), number, tally)


def world_differences(
    engine: Engine, world: Case, rng: random.Random, number: int, tally: dict[str, int] | None = None
) -> list[tuple[Any, ...]]:
    """Give what differs in one world: validity of objects, then verdicts."""
    tally = tally if tally is not None else {"flows": 0, "allowed": 0}
    policies = CiliumPolicies.build(world.world, world.documents, world.config)
    asked = list(questions(world, policies, rng))
    said = engine.judge(world.world, world.documents, world.config, [a.flow for a in asked])
    ours = {id(document) for document, _ in policies.refused}
    listed = [d for d in world.documents if d.kind in POLICY_KINDS]
    if [id(d) in ours for d in listed] != refusals(said):
        return [(number, "validity", policies.refused, said.policies)]
    wrong: list[tuple[Any, ...]] = []
    for item, (ingress, egress) in zip(asked, said.flows, strict=True):
        verdict = ingress if item.direction is Direction.INGRESS else egress
        allowed = verdict == "allow"
        tally["flows"] += 1
        tally["allowed"] += allowed
        if verdict is None or item.point is not allowed or item.matrix is not allowed:
            wrong.append((number, item, verdict))
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_both_evaluators_say_what_the_engine_says_in_random_worlds(engine: Engine, part: int) -> None:
    tally = {"flows": 0, "allowed": 0}
    numbers = range(SEED + part * WORLDS, SEED + (part + 1) * WORLDS)
    wrong = [item for number in numbers for item in differences(engine, number, tally)]
    share = tally["allowed"] / tally["flows"]
    print(f"C2C_SEED={SEED} part {part}: {WORLDS} worlds, {tally['flows']} flows, {share:.0%} allowed")
    assert not wrong, (f"python -m tests.oracles.shrink cilium {wrong[0][0]}", wrong[:3])
    assert 0.3 < share < 0.7
    assert tally["flows"] > 25 * WORLDS
