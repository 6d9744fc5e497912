"""The vectors' worlds, translated: proved for every label set, and Cilium's verdict is Calico's own.

Verdicts are Calico's data plane's; the translation is judged by the Cilium point evaluator on the emitted YAML,
read back. Flows inside a named difference may differ, and only those.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.capabilities import shared
from tests.oracles import worlds
from translators import CiliumConfig, translate
from translators.frontends import is_policy
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
NOT_COMPARED = {
    "O74-namespace-missing": "a pod without its Namespace object, which no cluster has: CAL-O312 is a finding, no flow",
}
HOST_ENDPOINTS = "HostEndpoint"


@dataclass
class Tally:
    """What was seen over all worlds."""

    proved: int = 0
    unproved: list[str] = field(default_factory=list)
    refused: int = 0
    flows: int = 0
    wrong: list[tuple[object, ...]] = field(default_factory=list)


def judged(world: worlds.VectorWorld, tally: Tally) -> None:
    policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
    around = [d for d in world.documents if not is_policy(d)]
    result = translate(
        policies, cluster=around, options=worlds.options(policies, CONFIG), plan=world.world.plan
    )
    if result.report.count("refused"):
        tally.refused += 1
        return
    if result.report.method.open_obligations:
        tally.unproved.append(world.id)
        return
    tally.proved += 1
    if result.report.differences or world.id in NOT_COMPARED:
        return
    evaluator = PointEvaluator(CiliumPolicies.build(world.world, worlds.emitted(result, policies), CONFIG))
    for expected in world.flows:
        found = evaluator.judge(expected.flow)
        for decision, verdict, by in (
            (found.egress, expected.egress, expected.egress_by),
            (found.ingress, expected.ingress, expected.ingress_by),
        ):
            if decision is None or verdict is None or by == "Encap#drop":
                continue
            tally.flows += 1
            if decision.verdict.value != verdict:
                tally.wrong.append((world.id, verdict, by, decision.by, expected.text))


@pytest.mark.parametrize("part", worlds.PARTS)
def test_every_translatable_world_is_proved_and_agrees(part: str) -> None:
    shared("vectors", "calico")
    tally = Tally()
    for world in worlds.part(part):
        judged(world, tally)
    assert not tally.unproved
    assert not tally.wrong, tally.wrong[:3]
    assert tally.proved >= (240 if part == "edges" else 110)
    assert tally.flows >= (900 if part == "edges" else 3_750)
