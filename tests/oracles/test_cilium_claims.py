"""Claims about Cilium's policy engine as data: each row one object, and what becomes of flows under it.

The rows are the statements of the engine at v1.20.2, written from its description and not from the evaluator;
a row with ``known`` says what the evaluator does not model, and fails as soon as it does.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from translators import CiliumConfig
from translators.algebra.cidrs import parse_address, parse_cidr
from translators.flows import PROTOCOLS, Decision, Direction, Flow, Peer, PeerKind, Verdict
from translators.proof.compare import MatrixDifference, build_universe, flow_of
from translators.semantics.cilium import CiliumPolicies, PointEvaluator
from translators.semantics.cilium.matrix import CiliumSide
from translators.source import Document, from_object
from translators.world import AddressPlan, NamedPort, Namespace, Node, Pod, Service, World

CLAIMS = yaml.safe_load((Path(__file__).parent / "claims.yaml").read_text())
API = "cilium.io/v2"
KINDS = {
    "cnp": (API, "CiliumNetworkPolicy"),
    "ccnp": (API, "CiliumClusterwideNetworkPolicy"),
    "np": ("networking.k8s.io/v1", "NetworkPolicy"),
}
NODES = {"n1": "10.0.0.11", "n2": "10.0.0.12"}
NODE_KINDS = {"n1": PeerKind.HOST, "n2": PeerKind.REMOTE}
ENTITIES = {"health", "ingress", "init", "unmanaged"}


def pod(namespace: str, name: str, address: str, **labels: str) -> Pod:
    ports = (NamedPort("http", "TCP", 8080), NamedPort("dns", "UDP", 53)) if name == "db" else ()
    return Pod(
        namespace,
        name,
        {"app": name, **{k.replace("__", "/"): v for k, v in labels.items()}},
        node="n1",
        addresses=(parse_address(address),),
        ports=ports,
        service_account=name,
    )


WORLD = World(
    namespaces={"a": Namespace("a", {"env": "prod"}), "b": Namespace("b", {"env": "dev"})},
    pods=(
        pod("a", "web", "10.244.1.1", **{"pod-template-hash": "x1"}),
        pod("a", "db", "10.244.1.2"),
        pod("b", "web", "10.244.2.1"),
        pod("b", "db", "10.244.2.2"),
    ),
    nodes={n: Node(n, {"role": n}, (parse_address(a),)) for n, a in NODES.items()},
    services={
        ("a", "db"): Service("a", "db", {"app": "db"}),
        ("a", "bare"): Service("a", "bare"),
    },
    plan=AddressPlan(
        pods=(parse_cidr("10.244.0.0/16"),),
        nodes=(parse_cidr("10.0.0.0/24"),),
        api_servers=(parse_cidr("203.0.113.9/32"),),
        stated=True,
    ),
    is_cluster=True,
)


def peer(text: str) -> Peer:
    if text in ENTITIES:
        return Peer(PeerKind.ENTITY, entity=text)
    if text in NODES:
        return Peer(NODE_KINDS[text], parse_address(NODES[text]), node=WORLD.nodes[text])
    for found in WORLD.pods:
        if text == f"{found.namespace}/{found.name}":
            return Peer(PeerKind.POD, found.addresses[0], pod=found)
    return Peer(PeerKind.WORLD, parse_address(text))


def flow(text: str) -> Flow:
    """Read ``SOURCE > DESTINATION PROTOCOL[/PORT or type]``."""
    source, _, destination, traffic = text.split()
    protocol, _, number = traffic.partition("/")
    ends = peer(source), peer(destination)
    named = PROTOCOLS.get(protocol)
    value = int(number or 0)
    is_icmp = named in {1, 58}
    return Flow(
        *ends,
        named if named is not None else int(protocol),
        port=0 if is_icmp else value,
        icmp_type=value if is_icmp else 0,
        family=6 if any(p.address and p.address.family == 6 for p in ends) else 4,
    )


def documents(claim: dict[str, Any]) -> list[Document]:
    version, kind = KINDS[claim.get("kind", "cnp")]
    listed = claim["specs"] if "specs" in claim else [claim["spec"]]
    found = []
    for index, spec in enumerate(listed):
        whole = spec
        if kind != "NetworkPolicy" and not claim.get("raw"):
            whole = {"endpointSelector": {"matchLabels": {"app": "db"}}, **spec}
        metadata = {"name": f"p{index}"} | ({} if kind.startswith("CiliumCluster") else {"namespace": "a"})
        found.append({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": whole})
    for name, group in claim.get("groups", {}).items():
        metadata = {"name": name, "labels": group.get("labels", {})}
        spec = {"externalCIDRs": group["cidrs"]}
        found.append({"apiVersion": API, "kind": "CiliumCIDRGroup", "metadata": metadata, "spec": spec})
    return [from_object(item) for item in found]


def config(claim: dict[str, Any]) -> CiliumConfig:
    return CiliumConfig.from_map({k: str(v) for k, v in claim.get("config", {}).items()}, ipv6=True)


def decision(evaluator: PointEvaluator, text: str) -> Decision:
    """Give the decision at the pod ``a/db``, which is the subject of every claim."""
    verdict = evaluator.judge(flow(text))
    found = verdict.ingress if text.split()[2] == "a/db" else verdict.egress
    assert found is not None, text
    return found


@pytest.mark.parametrize("claim", [pytest.param(c, id=c["claim"]) for c in CLAIMS])
def test_the_evaluator_says_what_the_engine_says(
    claim: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if "known" in claim:
        request.applymarker(pytest.mark.xfail(reason=claim["known"], strict=True))
    policies = CiliumPolicies.build(WORLD, documents(claim), config(claim))
    assert bool(policies.refused) is claim.get("refused", False), policies.refused
    evaluator = PointEvaluator(policies)
    said = {text: str(decision(evaluator, text).verdict) for text in claim.get("flows", {})}
    assert said == claim.get("flows", {})


@pytest.mark.parametrize("claim", [pytest.param(c, id=c["claim"]) for c in CLAIMS])
def test_the_matrix_agrees_with_the_point_evaluator_everywhere(claim: dict[str, Any]) -> None:
    policies = CiliumPolicies.build(WORLD, documents(claim), config(claim))
    side, evaluator = CiliumSide(policies), PointEvaluator(policies)
    universe = build_universe([side], WORLD)
    matrix = side.matrix(universe)
    judged = 0
    for direction, atom, peer_index in product(
        Direction, range(len(universe.atoms)), range(len(universe.peers))
    ):
        for row, subject in enumerate(universe.subjects):
            point = MatrixDifference(direction, subject, peer_index, atom, opens=False)
            asked = flow_of(universe, point)
            if not possible(asked):
                continue
            verdict = evaluator.judge(asked)
            end = verdict.ingress if direction is Direction.INGRESS else verdict.egress
            assert end is not None
            bit = bool(matrix[direction][row][atom] >> peer_index & 1)
            assert bit is (end.verdict is Verdict.ALLOW), (asked, end)
            judged += 1
    assert judged


def possible(asked: Flow) -> bool:
    """Say whether both ends and the protocol are of one family."""
    ends = (asked.source.address, asked.destination.address)
    families = {a.family for a in ends if a is not None}
    return families <= {asked.family}
