"""The requests of an opted-in ``http`` match, as Cilium's own engine takes them: valid, and proxied where limited."""

from __future__ import annotations

from typing import Any

from tests.capabilities import binary
from tests.oracles.engine import Engine
from translators import Options, translate
from translators.flows import TCP, Flow, Peer, PeerKind
from translators.settings import CiliumConfig
from translators.source import from_object, read
from translators.worldbuilder import build_world

GET = {"methods": ["GET"], "paths": [{"prefix": "/v1/"}]}
POLICY = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "NetworkPolicy",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "selector": "app == 'web'",
        "ingress": [
            {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'client'"}, "http": GET},
            {"action": "Allow", "protocol": "TCP", "source": {"selector": "tier == 'trusted'"}},
        ],
    },
}


def _pod(number: int, name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {"nodeName": "n1", "containers": []},
        "status": {"podIPs": [{"ip": f"10.244.0.{number}"}]},
    }


CLUSTER = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    _pod(1, "web", app="web"),
    _pod(2, "client", app="client"),
    _pod(3, "trusted", app="client", tier="trusted"),
    _pod(4, "stranger", app="stranger"),
]


def test_requests_are_limited_where_the_rule_says_so_and_nowhere_else() -> None:
    world, _ = build_world([from_object(item) for item in CLUSTER], is_cluster=True)
    ends = {pod.name: Peer(PeerKind.POD, pod.addresses[0], pod=pod) for pod in world.pods}
    flows = [Flow(ends[name], ends["web"], TCP, port=8080) for name in ("client", "trusted", "stranger")]
    result = translate([POLICY], cluster=CLUSTER, options=Options(http="enforce"))
    written = [d for f in result.files for d in read(f.path, f.text.encode()).documents]
    with Engine(binary("cilium-engine")) as engine:
        said = engine.judge(world, written, CiliumConfig(), flows)
    assert all(policy["valid"] and policy["schemaValid"] for policy in said.policies)
    assert said.flows == (("allow", "allow"), ("allow", "allow"), ("deny", "allow"))
    assert [any(pair) for pair in said.proxied] == [True, False, False]
