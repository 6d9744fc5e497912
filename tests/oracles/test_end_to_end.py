"""Calico's own verdicts against Cilium's own engine, with nothing between them but what we emit.

Where the report says exact, the engines agree; where it names a difference, they differ, there and nowhere else.
Every object that is emitted is valid for the genuine parser and for the CRD schema. Source ports and ICMP codes
are no coordinates of Cilium's engine: a region that hangs on them is asked with all of the flow's coordinates.

In the worlds of the vectors Calico's verdict is that of its data plane. In random worlds beyond them it is that of
our point evaluator, which the vectors hold against the data plane. ``C2C_SEED=N pytest tests/oracles/
test_end_to_end.py -k random`` repeats a run; every world has its own number.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest
import yaml

from tests import capabilities
from tests.oracles import worlds
from tests.oracles.engine import POLICY_KINDS, Engine
from tests.oracles.random_calico import PLAN, Case, case
from tests.oracles.test_cilium_engine import exists
from tests.oracles.test_translation_of_vectors import NOT_COMPARED
from translators import CiliumConfig, Translation, translate
from translators.flows import Direction, Flow, PeerKind, Verdict
from translators.frontends import is_policy
from translators.proof.compare import MatrixDifference, build_universe, flow_of
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import PointEvaluator
from translators.semantics.cilium.mapsize import map_sizes
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import Document, from_object
from translators.universe import Universe
from translators.world import World
from translators.worldbuilder import build_world

EVERY = 1 if capabilities.is_long() else 3
CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
MATCH_MODES = replace(CONFIG, cidr_match_mode=frozenset({"pods", "nodes"}))
VERSION = (3, 34)
SEED = capabilities.seed()
PARTS, WORLDS = 4, 1_500 if capabilities.is_long() else 100
FLOWS_A_WORLD = 60
TRIES = 2_000
TUNNELS = {(17, 4789), (4, 0)}


@dataclass
class Tally:
    """What was seen over all worlds."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[object] = field(default_factory=list)
    invalid: list[object] = field(default_factory=list)
    too_small: list[object] = field(default_factory=list)

    def take(
        self, world: str, flow: Flow, direction: Direction, verdicts: tuple[str, str], named: object
    ) -> None:
        """Count one flow seen from one end: the engines' verdicts differ exactly where a difference is named."""
        calico, cilium = verdicts
        self.counts["named" if named else "exact"] += 1
        self.counts[f"calico {calico}"] += 1
        if (calico != cilium) is not bool(named):
            self.wrong.append((world, str(direction), verdicts, named, flow))

    def check(self) -> None:
        """Fail for what is wrong, smallest first."""
        assert not self.invalid, self.invalid[:3]
        assert not self.wrong, (len(self.wrong), self.wrong[:3])
        assert not self.too_small, (len(self.too_small), self.too_small[:5])


@dataclass(frozen=True)
class Target:
    """What the engine is asked about: a world after its translation, under one configuration of the agent."""

    name: str
    world: World
    after: Sequence[Document]
    config: CiliumConfig


def asked(
    engine: Engine, target: Target, flows: Sequence[Flow], tally: Tally
) -> Iterator[tuple[str | None, str | None]]:
    """Give the engine's (egress, ingress) for each flow; note objects it refuses, and maps larger than estimated."""
    name, world, after, config = target.name, target.world, target.after, target.config
    said = engine.judge(world, after, config, flows, explain=True)
    for document, answer in zip([d for d in after if d.kind in POLICY_KINDS], said.policies, strict=True):
        if not answer["valid"] or answer.get("schemaValid") is False:
            tally.invalid.append((name, document.name, answer))
    tally.counts["objects"] += len(said.policies)
    estimates = {s.pod: s.entries for s in map_sizes(CiliumPolicies.build(world, after, config))}
    for end, size in said.map_sizes.items():
        estimate = estimates.get(end.removeprefix("ep:"))
        if estimate is not None and size > estimate + 6:
            tally.too_small.append((name, end, estimate, size))
    for ingress, egress in said.flows:
        yield egress, ingress


def is_nowhere(flow: Flow, world: World) -> bool:
    """Say whether an end is an address of the pods' range that no pod has: a match mode cannot mean it."""
    return any(
        p.kind is PeerKind.WORLD and any(c.holds(p.address) for c in world.plan.pods)
        for p in (flow.source, flow.destination)
    )


def judged(engine: Engine, world: worlds.VectorWorld, tally: Tally, config: CiliumConfig) -> None:
    policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
    around = [d for d in world.documents if not is_policy(d)]
    result = translate(
        policies, cluster=around, options=worlds.options(policies, config), plan=world.world.plan
    )
    assert result.named is not None
    if result.report.count("refused") or world.id in NOT_COMPARED:
        tally.counts["left out"] += 1
        return
    after = worlds.emitted(result, policies)
    target = Target(world.id, world.world, after, config)
    said = asked(engine, target, [e.flow for e in world.flows], tally)
    for expected, (egress, ingress) in zip(world.flows, said, strict=True):
        for direction, engine_says, verdict, by in (
            (Direction.EGRESS, egress, expected.egress, expected.egress_by),
            (Direction.INGRESS, ingress, expected.ingress, expected.ingress_by),
        ):
            if config.cidr_match_mode and is_nowhere(expected.flow, world.world):
                continue
            if engine_says is not None and verdict is not None and by != "Encap#drop":
                named = result.named.of(expected.flow, direction)
                tally.take(world.id, expected.flow, direction, (verdict, engine_says), named)


@pytest.mark.parametrize("part", worlds.PARTS)
def test_both_engines_agree_but_for_what_the_report_names(engine: Engine, part: str) -> None:
    capabilities.shared("vectors", "calico")
    tally = Tally()
    for world in worlds.part(part):
        judged(engine, world, tally, CONFIG)
    print(dict(tally.counts))
    tally.check()
    edges = part == "edges"
    assert tally.counts["exact"] >= (900 if edges else 7_500)
    assert tally.counts["named"] >= (10 if edges else 60)
    assert tally.counts["left out"] <= (20 if edges else 10)


def test_they_agree_in_the_match_modes_too(engine: Engine) -> None:
    """Networks then reach pods and nodes by address: fewer differences are named, and none is missed."""
    capabilities.shared("vectors", "calico")
    tally = Tally()
    for number, (data, is_edge) in enumerate(worlds.lines()):
        if number % EVERY == 0 or is_edge:
            judged(engine, worlds.load(data, edges=is_edge), tally, MATCH_MODES)
    print(dict(tally.counts))
    tally.check()
    assert tally.counts["exact"] >= 5_000


def is_tunnel(universe: Universe, point: MatrixDifference) -> bool:
    """Say whether Calico drops a point before any policy: a pod's own encapsulated traffic."""
    atom = universe.atoms[point.atom]
    drops = (atom.protocol, atom.ports[0]) in TUNNELS or atom.ports[0] <= 4789 <= atom.ports[1]
    return drops and point.direction is Direction.EGRESS


def points(
    result: Translation, universe: Universe, rng: random.Random
) -> Iterator[tuple[Flow, Direction, object]]:
    """Give flows of a universe with what the report names of each: as many inside differences as outside, if any."""
    assert result.named is not None
    wanted = {True: FLOWS_A_WORLD // 2 if result.report.differences else 0, False: FLOWS_A_WORLD // 2}
    for _ in range(TRIES):
        if not any(wanted.values()):
            return
        point = MatrixDifference(
            rng.choice(list(Direction)),
            rng.choice(universe.subjects),
            rng.randrange(len(universe.peers)),
            rng.randrange(len(universe.atoms)),
            opens=False,
        )
        if not exists(universe, point) or is_tunnel(universe, point):
            continue
        flow = flow_of(universe, point)
        named = result.named.of(flow, point.direction)
        if wanted[bool(named)]:
            wanted[bool(named)] -= 1
            yield flow, point.direction, named


class NotProvedError(AssertionError):
    """A translation leaves obligations open that it does not name."""


def judge_case(engine: Engine, made: Case, tally: Tally, config: CiliumConfig = CONFIG) -> None:
    """Judge one random world: our point evaluator for Calico, the engine for what we emit."""
    number = made.number
    options = worlds.options(made.policies, config)
    result = translate(made.policies, cluster=made.around, options=options, plan=PLAN)
    if result.report.method.open_obligations:
        message = f"world {number} is not proved"
        raise NotProvedError(message)
    if result.report.count("refused"):
        tally.counts["left out"] += 1
        return
    tally.counts["approximate" if result.report.differences else "proved exact"] += 1
    after = worlds.emitted(result, made.policies)
    calico = CalicoPolicies.build(made.world, made.documents, VERSION)
    sides = CalicoSide(calico), CiliumSide(CiliumPolicies.build(made.world, after, config))
    universe = build_universe(sides, made.world)
    evaluator = PointEvaluator(calico)
    chosen = list(points(result, universe, random.Random(number)))
    target = Target(f"world {number}", made.world, after, config)
    said = asked(engine, target, [flow for flow, _, _ in chosen], tally)
    for (flow, direction, named), (egress, ingress) in zip(chosen, said, strict=True):
        if config.cidr_match_mode and is_nowhere(flow, made.world):
            continue
        verdict = evaluator.judge(flow)
        ours = verdict.ingress if direction is Direction.INGRESS else verdict.egress
        theirs = ingress if direction is Direction.INGRESS else egress
        assert ours is not None, (number, flow)
        assert theirs is not None, (number, flow)
        calico_says = "allow" if ours.verdict is Verdict.ALLOW else "deny"
        tally.take(f"world {number}", flow, direction, (calico_says, theirs), named)


def numbers(part: int) -> Iterable[int]:
    """Give the worlds of one part of a run."""
    return range(SEED + part * WORLDS, SEED + (part + 1) * WORLDS)


@pytest.mark.parametrize("part", range(PARTS))
def test_in_random_worlds_the_engine_differs_from_calico_exactly_where_the_report_says(
    engine: Engine, part: int
) -> None:
    tally = Tally()
    config = MATCH_MODES if part == PARTS - 1 else CONFIG
    for number in numbers(part):
        judge_case(engine, case(number), tally, config)
    share = tally.counts["calico allow"] / (tally.counts["exact"] + tally.counts["named"])
    print(f"C2C_SEED={SEED} part {part}: {share:.0%} allowed, {dict(tally.counts)}")
    tally.check()
    assert 0.25 < share < 0.75
    assert tally.counts["proved exact"] >= WORLDS // 10
    assert tally.counts["named"] >= WORLDS
    assert tally.counts["exact"] >= 20 * WORLDS


REGRESSIONS = capabilities.ROOT / "tests" / "fixtures" / "regressions"


@pytest.mark.parametrize("config", [CONFIG, MATCH_MODES], ids=["by identity", "match modes"])
@pytest.mark.parametrize("name", sorted(path.name for path in REGRESSIONS.iterdir()))
def test_a_world_that_was_once_wrong_stays_right(engine: Engine, name: str, config: CiliumConfig) -> None:
    """``why.md`` beside each says what was wrong; the worlds stand as files, for the makers of worlds change."""
    read = [
        yaml.safe_load_all((REGRESSIONS / name / f"{part}.yaml").read_text())
        for part in ("policies", "cluster")
    ]
    documents = tuple(from_object(item, name) for part in read for item in part)
    world, _ = build_world(documents, plan=PLAN, is_cluster=True)
    tally = Tally()
    judge_case(engine, Case(0, world, documents), tally, config)
    tally.check()
    assert tally.counts["exact"]
