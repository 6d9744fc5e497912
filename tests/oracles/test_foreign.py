"""Cilium policies that stay, beside the translated worlds of the vectors: proved, and named wherever they differ.

Every matrix difference that no claim names counts as an open obligation, so a wrong region shows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests import capabilities
from tests.oracles import worlds
from translators import CiliumConfig, translate
from translators.frontends import is_policy
from translators.source import Document, from_object
from translators.world import World

CONFIG = CiliumConfig(enable_sctp=True, enable_extended_ip_protocols=True, ipv6=True)
EVERY = 1 if capabilities.is_long() else 8


def term(dice: random.Random, world: World) -> dict[str, Any]:
    """Give a selector over labels that the world's pods have, or over none."""
    labels = sorted({(k, v) for pod in world.pods for k, v in pod.labels.items() if "/" not in k})
    found: dict[str, Any] = {}
    if labels and dice.random() < 0.8:
        key, value = dice.choice(labels)
        if dice.random() < 0.7:
            found["matchLabels"] = {key: value}
        else:
            found["matchExpressions"] = [{"key": key, "operator": "NotIn", "values": [value]}]
    return found


def element(dice: random.Random, world: World, side: str) -> dict[str, Any]:
    peers: dict[str, Any] = dice.choice(
        (
            {f"{side}Endpoints": [term(dice, world)]},
            {f"{side}Entities": [dice.choice(("world", "cluster", "remote-node", "all"))]},
            {f"{side}CIDR": [dice.choice(("203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/0"))]},
            {},
        )
    )
    ports = {
        "toPorts": [
            {"ports": [{"port": str(dice.choice((80, 443, 0))), "protocol": dice.choice(("TCP", "UDP"))}]}
        ]
    }
    return {**peers, **(ports if not peers or dice.random() < 0.5 else {})}


def foreign(dice: random.Random, world: World) -> Iterator[Document]:
    for number in range(dice.randint(1, 2)):
        spec: dict[str, Any] = {"endpointSelector": term(dice, world)}
        for section, side in (("ingress", "from"), ("egress", "to")):
            if dice.random() < 0.7:
                spec[section] = [element(dice, world, side) for _ in range(dice.randint(1, 2))]
            if dice.random() < 0.25:
                spec[f"{section}Deny"] = [element(dice, world, side)]
        if dice.random() < 0.3:
            spec["enableDefaultDeny"] = {"ingress": False, "egress": False}
        if not {"ingress", "egress", "ingressDeny", "egressDeny"} & spec.keys():
            spec["ingress"] = [{}]
        metadata: dict[str, Any] = {"name": f"there-{number}"}
        kind = dice.choice(("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"))
        if kind == "CiliumNetworkPolicy":
            metadata["namespace"] = dice.choice(sorted(world.namespaces))
        yield from_object({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec})


def test_policies_that_stay_take_part_in_the_proof() -> None:
    capabilities.shared("vectors", "calico")
    seed = capabilities.seed()
    print(f"seed {seed}")
    counts = {"worlds": 0, "named": 0, "denied": 0}
    for number, (data, edges) in enumerate(worlds.lines()):
        if number % EVERY != seed % EVERY:
            continue
        world = worlds.load(data, edges=edges)
        policies = [d for d in world.documents if is_policy(d) or d.kind == "Tier"]
        around = [d for d in world.documents if not is_policy(d)]
        dice = random.Random(seed + number)
        others = list(foreign(dice, world.world))
        result = translate(
            policies,
            cluster=[*around, *others],
            options=worlds.options(policies, CONFIG),
            plan=world.world.plan,
        )
        report = result.report
        if report.count("refused") or any(f.code == "CAL-O312" for f in report.findings):
            continue
        assert report.method.open_obligations == 0, (seed, world.id, [d.data for d in others])
        counts["worlds"] += 1
        counts["named"] += bool(report.differences)
        counts["denied"] += any("Deny" in f.text for f in result.files)
    assert counts["worlds"] > 40
    assert counts["named"] > 10
    assert counts["denied"] > 10
