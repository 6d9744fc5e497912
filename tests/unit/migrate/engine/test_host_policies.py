"""Which host endpoints stand between nodes, and what they would drop of what Cilium's nodes say to each other."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.host_policies import HostTraffic, host_traffic
from migrate.model.facts import NodeFacts
from migrate.model.settings import Settings
from migrate.model.snapshot import SnapshotBuilder
from migrate.model.variant import Variant
from tests import clusters
from translators.flows import Direction

ALL = ["UDP 8473", "TCP 4240", "TCP 4244", "TCP 4245", "TCP 9234", "TCP 9962-9965", "ICMP"]
IN, OUT = Direction.INGRESS, Direction.EGRESS


def endpoint(node: str = "wrk-1", name: str = "", **spec: Any) -> dict[str, Any]:
    whole = {"node": node, "interfaceName": "*", "profiles": ["projectcalico-default-allow"], **spec}
    return clusters.thing(
        "HostEndpoint", name or f"{node}-hep", api=clusters.CALICO, labels={"host": node}, spec=whole
    )


def policy(name: str = "hosts", **spec: Any) -> dict[str, Any]:
    whole = {"selector": "has(host)", "types": ["Ingress"], **spec}
    return clusters.thing("GlobalNetworkPolicy", f"default.{name}", api=clusters.CALICO, spec=whole)


def judged(*items: dict[str, Any], facts: dict[str, Any] | None = None) -> HostTraffic:
    builder = SnapshotBuilder()
    for item in (*(o for o in clusters.healthy() if o["kind"] == "Node"), *items):
        builder.add(item)
    seen = [NodeFacts(node, parts) for node, parts in (facts or {}).items()]
    return host_traffic(builder.snapshot(facts=seen), Settings.from_mapping(clusters.settings()), Variant())


def drops(found: HostTraffic) -> dict[tuple[str, Direction], list[str]]:
    return {(d.endpoint, d.direction): [str(p) for p in d.ports] for d in found.drops}


def test_without_host_endpoints_nothing_is_judged() -> None:
    assert judged(policy()) == HostTraffic()


def test_a_policy_closes_its_own_direction_alone() -> None:
    assert drops(judged(endpoint(), policy())) == {("HostEndpoint/wrk-1-hep", IN): ALL}
    assert drops(judged(endpoint(), policy(types=["Egress"]))) == {("HostEndpoint/wrk-1-hep", OUT): ALL}


def test_the_drop_says_what_decides() -> None:
    deny = policy(order=1, ingress=[{"action": "Deny", "protocol": "UDP"}, {"action": "Allow"}])
    (found,) = judged(endpoint(), deny).drops
    assert ([str(p) for p in found.ports], found.by) == (["UDP 8473"], ("GlobalNetworkPolicy:hosts#0",))


def test_of_a_range_one_closed_port_is_enough() -> None:
    most = policy(ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": ["1:9963"]}}])
    found = drops(judged(endpoint(), most))["HostEndpoint/wrk-1-hep", IN]
    assert found == ["UDP 8473", "TCP 9962-9965", "ICMP"]


@pytest.mark.parametrize("missing", ["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13"])
def test_the_one_node_that_a_policy_forgets_is_found_among_many_endpoints(missing: str) -> None:
    nets = [f"{a}/32" for a in clusters.NODES.values() if a != missing]
    allow = policy(ingress=[{"action": "Allow", "source": {"nets": nets}}])
    found = judged(*(endpoint(node) for node in clusters.NODES), allow)
    assert {d.direction for d in found.drops} == {IN}
    assert len(found.drops) == len(clusters.NODES)


def test_a_policy_that_tells_its_own_hosts_apart_is_judged_host_by_host() -> None:
    allow = policy(ingress=[{"action": "Allow", "destination": {"nets": ["10.0.0.11/32"]}}])
    found = judged(endpoint("wrk-1"), endpoint("wrk-2"), endpoint("wrk-3"), allow)
    assert {d.endpoint for d in found.drops} == {"HostEndpoint/wrk-2-hep", "HostEndpoint/wrk-3-hep"}


def test_a_peer_is_known_by_the_labels_of_its_own_endpoint() -> None:
    allow = policy(ingress=[{"action": "Allow", "source": {"selector": "host == 'wrk-2'"}}])
    found = judged(endpoint("wrk-1"), endpoint("wrk-2", expectedIPs=["10.0.0.12"]), allow)
    assert {d.endpoint for d in found.drops} == {"HostEndpoint/wrk-1-hep", "HostEndpoint/wrk-2-hep"}


ETH1 = {"addresses": [{"ifname": "eth1", "addr_info": [{"local": "10.0.0.11", "prefixlen": 24}]}]}


@pytest.mark.parametrize(
    ("spec", "facts", "stands"),
    [
        ({"interfaceName": "eth1"}, {}, True),
        ({"interfaceName": "eth1"}, {"wrk-1": ETH1}, True),
        ({"interfaceName": "eth0"}, {"wrk-1": ETH1}, False),
        ({"interfaceName": "", "expectedIPs": ["10.0.0.11"]}, {}, True),
        ({"interfaceName": "", "expectedIPs": ["192.168.9.9"]}, {}, False),
        ({"interfaceName": "*", "expectedIPs": ["192.168.9.9", "10.0.0.11"]}, {}, True),
    ],
)
def test_an_endpoint_stands_in_the_way_if_it_is_of_the_nodes_own_device(
    spec: Any, facts: Any, stands: bool
) -> None:
    assert bool(judged(endpoint(**spec), policy(), facts=facts).drops) is stands


def test_an_endpoint_of_a_node_that_is_gone_stands_nowhere() -> None:
    assert judged(endpoint("gone"), policy()).drops == ()


def test_failsafes_of_the_whole_cluster_open_a_port_to_everybody() -> None:
    felix = clusters.thing(
        "FelixConfiguration",
        "default",
        api=clusters.CALICO,
        spec={
            "failsafeInboundHostPorts": [
                {"protocol": "udp", "port": 8473},
                {"port": 4240},
                {"protocol": "tcp", "port": 4244, "net": "10.0.0.0/8"},
            ],
        },
    )
    other = clusters.thing(
        "FelixConfiguration",
        "node.wrk-1",
        api=clusters.CALICO,
        spec={"failsafeInboundHostPorts": [{"protocol": "tcp", "port": 4245}]},
    )
    found = drops(judged(endpoint(), policy(types=["Ingress", "Egress"]), felix, other))
    assert found["HostEndpoint/wrk-1-hep", IN] == ALL[2:]
    assert found["HostEndpoint/wrk-1-hep", OUT] == ALL


def test_untracked_policies_are_named_and_not_judged() -> None:
    raw = policy("raw", doNotTrack=True, applyOnForward=True, ingress=[{"action": "Allow"}])
    found = judged(endpoint(), raw)
    assert "GlobalNetworkPolicy:raw" in found.unjudged["wrk-1-hep"]


def test_a_policy_that_cannot_be_read_leaves_the_whole_unjudged() -> None:
    found = judged(endpoint(), policy(selector="has("))
    assert found.drops == ()
    assert set(found.unjudged) == {""}
