"""PRE-061: the new range must miss every range that the cluster and its hosts know already.

Every route counts but the default one and those of Cilium's own devices; a network that a device is connected to is
named once, by the device. Where no object tells the Service range, the rule looks at the addresses of Services and
says that the range itself could not be seen (``addresses.services`` of the configuration gives it).
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.addresses import Network, network
from migrate.model.facts import NodeFacts
from migrate.model.fields import items, maps, text
from migrate.model.findings import Severity
from migrate.model.ranges import node_addresses, service_addresses, service_ranges
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_network import devices_of_cilium, interface_networks, new_ranges

__all__ = ["RULE"]

KERNEL = "2"
NO_ROUTE = frozenset({"2", "3", "4", "5"})
"""Route types local, broadcast, anycast, multicast: they stand for addresses of the node, not for a way out."""
Known = tuple[str, str, Network | None]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Hold each new range against podCIDRs, Service range, addresses of nodes and devices, and routes."""
    known = [*_of_api(case), *(found for f in case.facts("addresses", "routes") for found in _of_node(f))]
    for mine in new_ranges(case):
        for owner, what, net in known:
            if net is not None and net.version == mine.version and net.overlaps(mine):
                yield Hit(owner, {"cidr": mine, "what": what}, {"range": str(net)})
    if not service_ranges(case.snapshot, case.draft.settings):
        yield Unread("the Service range (no ServiceCIDR, no static kube-apiserver, no addresses.services)")


def _of_api(case: Case) -> Iterator[Known]:
    for node in case.snapshot.nodes:
        for cidr in node.pod_cidrs:
            yield f"node/{node.name}", f"podCIDR {cidr} of node {node.name}", network(cidr)
    for source, cidr in service_ranges(case.snapshot, case.draft.settings):
        yield source, f"the Service range {cidr}", network(cidr)
    for path, address in service_addresses(case.snapshot):
        yield path, f"the Service address {address}", network(str(address))
    for name, address in node_addresses(case.snapshot):
        yield f"node/{name}", f"address {address} of node {name}", network(str(address))


def _of_node(facts: NodeFacts) -> Iterator[Known]:
    owner = f"node/{facts.node}"
    for device, net, _ in interface_networks(facts):
        yield owner, f"network {net} of device {device} on {facts.node}", net
    for route in maps(facts.data, "routes"):
        hops = [text(hop, "dev") for hop in items(route, "nexthops")]
        device = text(route, "dev") or next((d for d in hops if d), "")
        destination = text(route, "dst")
        connected = text(route, "protocol") == KERNEL or text(route, "type") in NO_ROUTE
        found = network(destination) if destination != "default" and not connected else None
        if found is not None and found.prefixlen and not devices_of_cilium(device):
            way = f" via {device}" if device else ""
            yield owner, f"route {destination}{way} on {facts.node}", found


RULE = Rule(
    number=61,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="New range overlaps a range in use",
    message="{cidr} overlaps {what}",
    remedy="choose a disjoint range in cilium.podCIDRs",
    check=check,
    failures=(28,),
    reads=("nodes", "services"),
    facts=("addresses", "routes"),
)
