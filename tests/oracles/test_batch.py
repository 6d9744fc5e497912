"""The batch contract of ``c2c explain`` gives the verdicts of Calico's data plane, host endpoints among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.oracles import worlds
from translators import Options
from translators.explanation import Explainer

FEWEST_AT_HOSTS = 30


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
        explainer = Explainer(world.world, world.documents, "calico", Options())
        for expected in world.flows:
            item = json.loads(expected.text)
            answer = explainer.answer(asked(item))
            assert "error" not in answer, answer
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
