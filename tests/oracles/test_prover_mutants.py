"""Mutants of proved pairs: one thing is changed in the emitted set, or in Calico's; the prover must see each.

A mutant that changes a verdict gets a counterexample that Cilium's engine and Calico's point evaluator confirm; one
that is called equal is equal in the matrices, and in the engine. The matrices share no code with the obligations.
``C2C_SEED=N pytest tests/oracles/test_prover_mutants.py`` repeats a run.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests import capabilities
from tests.capabilities import is_long
from tests.oracles import worlds
from tests.oracles.engine import Engine
from tests.oracles.mutants import EMITTED, SOURCE, Object
from tests.oracles.test_cilium_engine import exists
from tests.oracles.test_end_to_end import is_tunnel
from translators import CiliumConfig, translate
from translators.flows import Direction, Flow, Verdict
from translators.frontends import is_policy
from translators.proof import Claims, prove
from translators.proof.compare import MatrixDifference, build_universe, compare, flow_of
from translators.proof.obligations import Obligations
from translators.proof.settle import Difference, Settler
from translators.proof.witness import witnesses
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import Document, from_object
from translators.world import World

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
SEED = capabilities.seed()
LEAST = 2_000 if is_long() else 500
PER_WORLD = 14
FLOWS = 20
TRIES = 2_000
SHOWN = 3
WAYS = (*EMITTED, *SOURCE)
VERSION = (3, 34)
DECIDED = {"CAL-K705", "CAL-L509"}
"""What a set claims of itself beside its objects, so that the objects alone are not the whole of it."""


@dataclass(frozen=True)
class Pair:
    """A proved pair: Calico's documents, and what the cluster holds afterwards."""

    id: str
    world: World
    before: Sequence[Document]
    after: Sequence[Document]


@dataclass(frozen=True)
class Mutant:
    """A pair of which one thing is changed; ``what`` says which."""

    pair: Pair
    what: str
    calico: CalicoPolicies
    cilium: CiliumPolicies
    after: Sequence[Document]


def pairs(rng: random.Random) -> Iterator[Pair]:
    """Give the worlds of the vectors that are translated exactly, in random order."""
    listed = list(worlds.lines())
    rng.shuffle(listed)
    for data, edges in listed:
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        options = worlds.options(policies, CONFIG)
        result = translate(policies, cluster=around, options=options, plan=world.world.plan)
        report = result.report
        codes = {code for entry in report.policies for code in entry.codes}
        exact = not (report.differences or report.count("refused") or report.method.open_obligations)
        if exact and not DECIDED & codes:
            yield Pair(world.id, world.world, world.documents, worlds.emitted(result, policies))


def mutants(pair: Pair, rng: random.Random) -> Iterator[Mutant]:
    """Change one thing, again and again; a third of the changes are Calico's side."""
    for _ in range(PER_WORLD):
        before, after = list(pair.before), list(pair.after)
        ours = rng.random() > 1 / 3
        side, ways = (after, EMITTED) if ours else (before, SOURCE)
        kinds = {"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"} if ours else {
            "NetworkPolicy", "GlobalNetworkPolicy", "Tier",
        }  # fmt: skip
        able = [i for i, d in enumerate(side) if d.kind in kinds and d.group != "networking.k8s.io"]
        if not able:
            continue
        place = rng.choice(able)
        body: Object = copy.deepcopy(dict(side[place].data))
        what = rng.choice(ways)(body, rng)
        if not what:
            continue
        side[place] = from_object(body)
        calico = CalicoPolicies.build(pair.world, before, VERSION)
        yield Mutant(pair, what, calico, CiliumPolicies.build(pair.world, after, CONFIG), after)


def differences(mutant: Mutant, found: Obligations) -> list[Difference]:
    """Give what is left of the open obligations once they are worked out: the points that differ."""
    settler = Settler(mutant.calico, mutant.cilium, found)
    cubes = {d: [o.cube for o in found.open if o.direction is d] for d in Direction}
    return [item for d in Direction if cubes[d] for item in settler.settle(d, cubes[d])]


def placed(mutant: Mutant, found: Obligations, difference: Difference) -> tuple[World, Flow, Direction]:
    """Give the example of a difference, and the world that it is in."""
    assert difference.example is not None
    flow, direction = difference.example.flow, difference.direction
    made = witnesses(found.space, difference.cubes[0], direction, mutant.pair.world)
    return (*next(pair for pair in made if pair[1] == flow), direction)


def is_true(engine: Engine, mutant: Mutant, world: World, flow: Flow, direction: Direction) -> bool:
    """Say whether Cilium's engine decides otherwise than Calico does."""
    said = engine.judge(world, mutant.after, CONFIG, [flow]).flows[0]
    return said[0 if direction is Direction.INGRESS else 1] != calico_says(mutant, world, flow, direction)


def calico_says(mutant: Mutant, world: World, flow: Flow, direction: Direction) -> str:
    verdict = PointEvaluator(replace(mutant.calico, world=world)).judge(flow)
    decision = verdict.ingress if direction is Direction.INGRESS else verdict.egress
    assert decision is not None
    return "allow" if decision.verdict is Verdict.ALLOW else "deny"


def is_equal(engine: Engine, mutant: Mutant, rng: random.Random) -> bool:
    """Say whether the engine decides as Calico does on flows drawn from what the two sides can tell apart."""
    sides = CalicoSide(mutant.calico), CiliumSide(mutant.cilium)
    universe = build_universe(sides, mutant.pair.world)
    chosen: list[tuple[Flow, Direction]] = []
    for _ in range(TRIES):
        point = MatrixDifference(
            rng.choice(list(Direction)),
            rng.choice(universe.subjects),
            rng.randrange(len(universe.peers)),
            rng.randrange(len(universe.atoms)),
            opens=False,
        )
        if exists(universe, point) and not is_tunnel(universe, point):
            chosen.append((flow_of(universe, point), point.direction))
        if len(chosen) == FLOWS:
            break
    said = engine.judge(mutant.pair.world, mutant.after, CONFIG, [flow for flow, _ in chosen]).flows
    return all(
        verdict[0 if direction is Direction.INGRESS else 1]
        == calico_says(mutant, mutant.pair.world, flow, direction)
        for (flow, direction), verdict in zip(chosen, said, strict=True)
    )


def judged(engine: Engine, mutant: Mutant, rng: random.Random) -> str:
    """Say what became of a mutant; what begins with "!" breaks the promise."""
    if mutant.cilium.refused:
        said = engine.judge(mutant.pair.world, mutant.after, CONFIG, [])
        seen = any(not p["valid"] or p.get("schemaValid") is False for p in said.policies)
        return "refused" if seen else "! refused by us alone"
    sides = CalicoSide(mutant.calico), CiliumSide(mutant.cilium)
    differs = bool(compare(*sides, mutant.pair.world).differences)
    found = prove(mutant.calico, mutant.cilium, Claims())
    left = differences(mutant, found)
    if not left:
        if differs:
            return "! changed, and called equal"
        return "equal" if is_equal(engine, mutant, rng) else "! equal here, and not in the engine"
    examples = [placed(mutant, found, item) for item in left if item.example is not None]
    if not all(is_true(engine, mutant, *example) for example in examples[:SHOWN]):
        return "! a counterexample that is none"
    if examples:
        return "changed" if differs else "changed for other labels"
    return "! changed without a counterexample" if differs else "! open without a counterexample"


def test_every_mutant_is_caught_with_a_true_counterexample_or_is_equal(engine: Engine) -> None:
    rng = random.Random(SEED)
    counts: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    wrong = []
    for pair in pairs(rng):
        for mutant in mutants(pair, rng):
            outcome = judged(engine, mutant, rng)
            counts[outcome] += 1
            ways[mutant.what] += outcome == "changed"
            if outcome.startswith("!"):
                wrong.append((pair.id, mutant.what, outcome))
        if counts["changed"] >= LEAST:
            break
    print(f"C2C_SEED={SEED}: {dict(counts)}, caught {dict(ways)}")
    assert not wrong, (len(wrong), wrong[:5])
    assert counts["changed"] >= LEAST
    assert counts["equal"] >= LEAST // 20
    assert sum(count > 0 for count in ways.values()) >= len(WAYS) * 3 // 4, ways
