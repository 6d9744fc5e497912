"""Mutants of proved output: every one that changes a verdict opens an obligation; a blind prover is no prover.

Ground truth is the matrix comparison over the endpoints of the world, which shares no code with the obligations.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from tests.capabilities import is_long
from tests.oracles import worlds
from translators import CiliumConfig, translate
from translators.frontends import is_policy
from translators.proof import Claims, prove
from translators.proof.compare import compare
from translators.semantics.calico.matrix import CalicoSide
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.matrix import CiliumSide
from translators.semantics.cilium.model import CiliumPolicies
from translators.source import Document, from_object, read

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
LEAST = 2_000 if is_long() else 500
PER_WORLD = 12
SECTIONS = ("ingress", "ingressDeny", "egress", "egressDeny")
OPPOSITE = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}


def specs(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [*([body["spec"]] if "spec" in body else []), *body.get("specs", [])]


def selectors(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield spec["endpointSelector"]
    for section in SECTIONS:
        for element in spec.get(section, []):
            yield from element.get("fromEndpoints", [])
            yield from element.get("toEndpoints", [])


def ports(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        port
        for section in SECTIONS
        for element in spec.get(section, [])
        for rule in element.get("toPorts", [])
        for port in rule["ports"]
    ]


def mutate(body: dict[str, Any], rng: random.Random) -> str:
    """Change one thing in place and say what; an empty text where there was nothing of the kind."""
    spec = rng.choice(specs(body))
    section = rng.choice([s for s in SECTIONS if spec.get(s)])
    way = rng.randrange(7)
    if way == 0 and len(spec[section]) > 1:
        spec[section].pop(rng.randrange(len(spec[section])))
        return "an element dropped"
    if way == 1:
        other = section.removesuffix("Deny") if section.endswith("Deny") else f"{section}Deny"
        spec.setdefault(other, []).append(spec[section].pop())
        return "an element flipped"
    if way == 2 and ports(spec):
        port = rng.choice(ports(spec))
        if port["port"].isdigit() and 0 < int(port["port"]) < 65_000:
            port["endPort"] = int(port.get("endPort", port["port"])) + 1
            return "a range widened by one"
    if way == 3 and ports(spec):
        port = rng.choice(ports(spec))
        port["protocol"] = "UDP" if port["protocol"] == "TCP" else "TCP"
        return "a protocol changed"
    chosen = rng.choice(list(selectors(spec)))
    expressions = chosen.get("matchExpressions", [])
    if way == 4 and expressions:
        expressions.pop(rng.randrange(len(expressions)))
        return "a requirement dropped"
    if way == 5 and expressions:
        item = rng.choice(expressions)
        item["operator"] = OPPOSITE[item["operator"]]
        return "an operator turned round"
    if way == 6 and chosen.get("matchLabels"):
        chosen["matchLabels"].pop(rng.choice(list(chosen["matchLabels"])))
        return "a label dropped"
    return ""


def test_every_mutant_that_changes_a_verdict_opens_an_obligation() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    changed, missed = 0, []
    listed = list(worlds.lines())
    rng.shuffle(listed)
    for data, edges in listed:
        if changed >= LEAST:
            break
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        result = translate(
            policies, cluster=around, options=worlds.options(policies, CONFIG), plan=world.world.plan
        )
        clean = not result.report.differences and not result.report.count("refused")
        codes = {code for entry in result.report.policies for code in entry.codes}
        if not clean or result.report.method.open_obligations or {"CAL-K705", "CAL-L509"} & codes:
            continue
        written = [dict(d.data) for f in result.files for d in read(f.path, f.text.encode()).documents]
        kept = [d for d in policies if d.group == "networking.k8s.io"]
        calico = CalicoPolicies.build(world.world, world.documents, (3, 34))
        for _ in range(PER_WORLD):
            bodies = copy.deepcopy(written)
            able = [b for b in bodies if b["kind"] != "CiliumCIDRGroup"]
            what = mutate(rng.choice(able), rng) if able else ""
            if not what:
                continue
            mutant: list[Document] = [*(from_object(b) for b in bodies), *kept]
            cilium = CiliumPolicies.build(world.world, mutant, CONFIG)
            if not compare(CalicoSide(calico), CiliumSide(cilium), world.world).differences:
                continue
            changed += 1
            if prove(calico, cilium, Claims()).held:
                missed.append((world.id, what))
    assert not missed
    assert changed >= LEAST
