"""Calico's own verdicts against Cilium's own engine, with nothing between them but what we emit.

Where the report says exact, the engines agree; where it names a difference, they differ, there and nowhere else.
Every object that is emitted is valid for the genuine parser and for the CRD schema. Source ports and ICMP codes
are no coordinates of Cilium's engine: a region that hangs on them is asked with all of the flow's coordinates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from tests import capabilities
from tests.oracles import worlds
from tests.oracles.engine import POLICY_KINDS, Engine
from tests.oracles.test_translation_of_vectors import NOT_COMPARED
from translators import CiliumConfig, translate
from translators.flows import Direction, Flow, PeerKind
from translators.frontends import is_policy
from translators.semantics.cilium.mapsize import map_sizes
from translators.semantics.cilium.model import CiliumPolicies
from translators.world import World

EVERY = 1 if capabilities.is_long() else 3
CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)


@dataclass
class Tally:
    """What was seen over all worlds."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[object] = field(default_factory=list)
    invalid: list[object] = field(default_factory=list)
    too_small: list[object] = field(default_factory=list)


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
        return
    after = worlds.emitted(result, policies)
    said = engine.judge(world.world, after, config, [e.flow for e in world.flows], explain=True)
    for document, answer in zip([d for d in after if d.kind in POLICY_KINDS], said.policies, strict=True):
        if not answer["valid"] or answer.get("schemaValid") is False:
            tally.invalid.append((world.id, document.name, answer))
    tally.counts["objects"] += len(said.policies)
    estimates = {s.pod: s.entries for s in map_sizes(CiliumPolicies.build(world.world, after, config))}
    for end, size in said.map_sizes.items():
        estimate = estimates.get(end.removeprefix("ep:"))
        if estimate is not None and size > estimate + 6:
            tally.too_small.append((world.id, end, estimate, size))
    for expected, (ingress, egress) in zip(world.flows, said.flows, strict=True):
        for direction, engine_says, verdict, by in (
            (Direction.EGRESS, egress, expected.egress, expected.egress_by),
            (Direction.INGRESS, ingress, expected.ingress, expected.ingress_by),
        ):
            if engine_says is None or verdict is None or by == "Encap#drop":
                continue
            if config.cidr_match_mode and is_nowhere(expected.flow, world.world):
                continue
            named = result.named.of(expected.flow, direction)
            tally.counts["named" if named else "exact"] += 1
            if (engine_says != verdict) is not bool(named):
                tally.wrong.append((world.id, str(direction), verdict, engine_says, named, expected.text))


@pytest.mark.parametrize("edges", [False, True], ids=["worlds", "edges"])
def test_both_engines_agree_but_for_what_the_report_names(engine: Engine, edges: bool) -> None:
    capabilities.shared("vectors", "calico")
    tally = Tally()
    for data, is_edge in worlds.lines():
        if is_edge is edges:
            judged(engine, worlds.load(data, edges=edges), tally, CONFIG)
    print(dict(tally.counts))
    assert not tally.invalid, tally.invalid[:3]
    assert not tally.wrong, (len(tally.wrong), tally.wrong[:3])
    assert not tally.too_small, (len(tally.too_small), tally.too_small[:5])
    assert tally.counts["exact"] >= (900 if edges else 15_000)
    assert tally.counts["named"] >= (10 if edges else 200)


def test_they_agree_in_the_match_modes_too(engine: Engine) -> None:
    """Networks then reach pods and nodes by address: fewer differences are named, and none is missed."""
    capabilities.shared("vectors", "calico")
    tally = Tally()
    config = replace(CONFIG, cidr_match_mode=frozenset({"pods", "nodes"}))
    for number, (data, is_edge) in enumerate(worlds.lines()):
        if number % EVERY == 0 or is_edge:
            judged(engine, worlds.load(data, edges=is_edge), tally, config)
    print(dict(tally.counts))
    assert not tally.invalid, tally.invalid[:3]
    assert not tally.wrong, (len(tally.wrong), tally.wrong[:3])
    assert tally.counts["exact"] >= 5_000
