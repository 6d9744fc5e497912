"""The batch contract of ``c2c explain``: verdicts of Calico's data plane, and word by word what walking gives."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests import capabilities
from tests.oracles import worlds
from tests.oracles.random_cilium import case
from translators import Options
from translators.algebra.cidrs import Address
from translators.batch import Batch
from translators.explanation import Explainer
from translators.source import Document
from translators.world import World

FEWEST_AT_HOSTS = 30
FLOWS_A_WORLD = 60
RANDOM_WORLDS = 3_000 if capabilities.is_long() else 300
EVERY = 1 if capabilities.is_long() else 3
PROTOCOLS = (
    "TCP",
    "UDP",
    "SCTP",
    "ICMP",
    "ICMPv6",
    "tcp",
    6,
    4,
    47,
    99,
    132,
    "UDPLite",
    "no-such",
    256,
    None,
)
PORTS = (80, 443, 53, 8080, 8081, 22, 4789, 1, 65535, 0, None, "80", 70_000)
ENTITIES = ("world", "host", "remote-node", "health", "ingress", "init", "unmanaged", "nobody")
ADDRESSES = ("203.0.113.9", "203.0.113.70", "198.51.100.7", "10.0.0.11", "10.0.0.99", "10.244.0.5", "8.8.8.8",
             "2001:db8::1", "fd00::5", "0.0.0.0", "not an address")  # fmt: skip


def asked(item: Mapping[str, Any]) -> dict[str, Any]:
    """Write a flow of the vectors as the contract has it; a host endpoint is the address of its node."""
    flow = {"id": 1, "protocol": item["proto"], "port": item.get("dport"), "src_port": item.get("sport")}
    flow |= {key: item[key] for key in ("icmp_type", "icmp_code") if item.get(key) is not None}
    for end in ("src", "dst"):
        is_pod = "/" in item[end] and not item[end].startswith("hep:")
        flow[end] = {"pod": item[end]} if is_pod else {"ip": item[f"{end}_ip"]}
    return flow | {"family": 6 if ":" in item["src_ip"] else 4}


def test_the_batch_gives_every_verdict_of_the_edge_worlds() -> None:
    judged, at_hosts, wrong = 0, 0, []
    for data, edges in worlds.lines():
        if not edges:
            continue
        world = worlds.load(data, edges=True)
        batch = Batch(world.world, world.documents, "calico", Options())
        for expected in world.flows:
            item = json.loads(expected.text)
            text, answered = batch.answer(asked(item))
            assert answered, text
            answer = json.loads(text)
            for side, end in (("egress", "src"), ("ingress", "dst")):
                verdict = getattr(expected, side)
                if verdict is None:
                    continue
                judged += 1
                at_hosts += item[end].startswith("hep:")
                if (answer[side] or {}).get("verdict") != verdict:
                    wrong.append((world.id, item, side, answer[side]))
    assert not wrong, wrong[:3]
    assert judged >= 1_271
    assert at_hosts >= FEWEST_AT_HOSTS


def ends(world: World, rng: random.Random) -> Iterator[object]:
    """Give ends of every kind that the contract knows, odd ones among them."""
    pods = [f"{p.namespace}/{p.name}" for p in world.pods]
    known = [a for p in world.pods for a in p.addresses] + [
        a for n in world.nodes.values() for a in n.addresses
    ]
    known += [a for h in world.host_endpoints.values() for a in h.addresses]
    known += [a for s in world.slices for a in s.addresses]
    known += [Address(net.family, net.first) for s in world.network_sets for net in s.nets]
    while True:
        kind = rng.choices(("pod", "ip", "node", "entity", "odd"), (60, 25, 8, 5, 2))[0]
        match kind:
            case "pod":
                yield {"pod": rng.choice(pods)} if pods else {"pod": "a/missing"}
            case "ip":
                chosen = str(rng.choice(known)) if known and rng.random() < 0.6 else rng.choice(ADDRESSES)
                yield {"ip": chosen}
            case "node":
                yield {"node": rng.choice([*world.nodes, "no-such"])}
            case "entity":
                yield {"entity": rng.choice(ENTITIES)}
            case _:
                yield rng.choice([None, "a/b", {}, {"pod": 3}, {"pod": "a/b", "ip": "10.0.0.1"}])


def drawn(world: World, rng: random.Random) -> Iterator[dict[str, Any]]:
    given = ends(world, rng)
    for number in range(FLOWS_A_WORLD):
        flow: dict[str, Any] = {"id": rng.choice([number, f"flow-{number}", 'ü"', None, [1]])}
        flow |= {"src": next(given), "dst": next(given)}
        flow["protocol"] = rng.choice(PROTOCOLS[:4]) if rng.random() < 0.8 else rng.choice(PROTOCOLS)
        flow["port"] = rng.choice(PORTS[:6]) if rng.random() < 0.8 else rng.choice(PORTS)
        if rng.random() < 0.2:
            flow["src_port"] = rng.choice([1, 53, 1024, 65_535, 65_536])
        if rng.random() < 0.3:
            flow |= {"icmp_type": rng.choice([0, 3, 8, 255, 256]), "icmp_code": rng.choice([0, 1, 4])}
        if rng.random() < 0.1:
            flow["family"] = rng.choice([4, 6, "6", 0])
        yield flow


def compared(
    world: World, documents: Sequence[Document], engine: str, options: Options, rng: random.Random
) -> int:
    """Assert that lists and walks answer alike, and give how many answers came from lists."""
    walked = Explainer(world, documents, engine, options)
    batch = Batch(world, documents, engine, options)
    for flow in drawn(world, rng):
        text, answered = batch.answer(flow)
        wanted = walked.answer(flow)
        assert text == json.dumps(wanted, ensure_ascii=False), flow
        assert answered == ("error" not in wanted)
    return batch.from_lists


def test_lists_answer_as_the_walk_does_in_calicos_worlds() -> None:
    seed = capabilities.seed()
    print(f"seed {seed}")
    rng, listed, seen = random.Random(seed), 0, 0
    for number, (data, edges) in enumerate(worlds.lines()):
        if number % EVERY == seed % EVERY:
            world = worlds.load(data, edges=edges)
            listed += compared(world.world, world.documents, "calico", Options(), rng)
            seen += FLOWS_A_WORLD
    assert listed > 0.4 * seen


def test_lists_answer_as_the_walk_does_in_ciliums_worlds() -> None:
    seed = capabilities.seed()
    print(f"seed {seed}")
    rng, listed = random.Random(seed), 0
    for number in range(RANDOM_WORLDS):
        world = case(seed + number)
        listed += compared(world.world, world.documents, "cilium", Options(cilium=world.config), rng)
    assert listed > 0.4 * RANDOM_WORLDS * FLOWS_A_WORLD
