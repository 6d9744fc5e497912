"""PRE-158: whoever knows a pod by its address loses it when the pod gets another one.

Two ways show it: connections that come from outside straight to an address of Calico's pools (seen by the nodes, part
``conntrack_external``), and EndpointSlices that somebody keeps by hand, without a controller and without a target, with
addresses of those pools.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from migrate.model.fields import items, labels, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views import Network, calico_pools, networks

__all__ = ["RULE"]

BY_CONTROLLER = "endpointslice-controller.k8s.io"
MANAGED = "endpointslice.kubernetes.io/managed-by"


def check(case: Case) -> Iterator[Hit]:
    """Name every client of a bare address, then every slice kept by hand."""
    pools = networks(cidr for _, cidr in calico_pools(case.snapshot))
    for facts in case.facts("conntrack_external"):
        for entry in maps(facts.data, "conntrack_external"):
            client, address = text(entry, "client"), text(entry, "address")
            if _inside(address, pools):
                yield Hit(f"node/{facts.node}", {"client": client, "ip": address}, dict(entry), facts.node)
    for item in case.snapshot.of("endpointslices.discovery.k8s.io"):
        if labels(item.data, "metadata", "labels").get(MANAGED, "") == BY_CONTROLLER:
            continue
        for endpoint in maps(item.data, "endpoints"):
            for address in items(endpoint, "addresses"):
                if "targetRef" not in endpoint and _inside(str(address), pools):
                    yield Hit(item.path, {"client": item.path, "ip": address}, {"address": address})


def _inside(address: str, pools: list[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found.version == net.version and found in net for net in pools)


RULE = Rule(
    number=158,
    group=Group.FLOWS,
    severity=Severity.WARN,
    title="Addresses of pods are pinned",
    message="{client} talks to {ip}",
    remedy="put a Service or a load balancer before it first",
    check=check,
    failures=(28,),
    calico=("ippools",),
)
