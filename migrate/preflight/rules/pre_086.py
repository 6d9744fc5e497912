"""PRE-086: whatever else on a host judges packets or processes may stop Cilium.

A packet filter may drop the tunnel even if today's rules open its ports: an update of its rules flushes or re-orders
chains. SELinux and AppArmor judge processes, so they may stop the agent; permissive or complaining ones only report and
are information.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.cilium_ports import node_ports
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_host import PACKET_FILTERS, closed_ports, filters

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every active one, node by node."""
    ports = node_ports(case.draft.settings)
    for facts in case.facts("firewalls"):
        for firewall in filters(facts):
            name, mode = text(firewall, "name"), text(firewall, "mode", default="enforcing")
            fills = {"fw": name, "n": facts.node}
            if name in PACKET_FILTERS:
                closed = [str(p) for p in closed_ports(firewall, ports)]
                yield Hit(
                    f"node/{facts.node}", fills, {"notOpen": closed, "open": firewall.get("open")}, facts.node
                )
                continue
            severity = Severity.WARN if mode == "enforcing" else Severity.INFO
            message = "{fw} on {n} may stop Cilium's agent"
            remedy = "run the chart with the policy that the distribution has for containers, and see the agent start on the canary"
            yield Hit(f"node/{facts.node}", fills, {"mode": mode}, facts.node, severity, message, remedy)


RULE = Rule(
    number=86,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Host firewall or mandatory access control",
    message="{fw} on {n} may drop the tunnel",
    remedy="add rules for the tunnel, health, Hubble and metrics ports between nodes (see PRE-068)",
    check=check,
    failures=(11,),
    facts=("firewalls",),
)
