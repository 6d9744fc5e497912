"""PRE-068: what Cilium's nodes say to each other must get through; what is not known open is named.

*Not known open* is a port that an active packet filter of the host does not list, and every port of a node in a cloud,
whose security groups no object shows. Where neither stands between nodes the rule is silent: that the wire carries the
packets is for the canary's pair probe to show.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.cilium_ports import node_ports
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_host import closed_ports, packet_filters
from migrate.preflight.views_network import clouds

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name by node the ports that its firewall does not open, and once the cloud that may filter between nodes."""
    ports = node_ports(case.draft.settings)
    for facts in case.facts("firewalls"):
        for firewall in packet_filters(facts):
            closed = closed_ports(firewall, ports)
            if closed:
                shown, name = ", ".join(str(p) for p in closed), text(firewall, "name")
                told = (
                    "its rules could not be read"
                    if firewall.get("open") is None
                    else "its rules do not list them"
                )
                evidence = {"firewall": name, "ports": [str(p) for p in closed], "why": told}
                yield Hit(f"node/{facts.node}", {"p": shown}, evidence, facts.node)
    for cloud, nodes in clouds(case).items():
        message = "Ports {p} between nodes not proved open: security groups of {cloud} are not readable"
        fills = {"p": ", ".join(str(p) for p in ports), "cloud": cloud}
        yield Hit(f"cloud/{cloud}", fills, {"nodes": len(nodes)}, message=message)


RULE = Rule(
    number=68,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Ports between nodes not proved open",
    message="Port {p} between nodes not proved open",
    remedy="open them between all nodes (host firewall, security group); the canary's pair probe proves it",
    check=check,
    failures=(4, 40),
    reads=("nodes",),
    facts=("firewalls",),
)
