"""PRE-106: MetalLB that speaks to routers through Calico's BIRD falls silent with it.

Either its speakers peer with an address of their own node, where BIRD listens, or Calico announces MetalLB's addresses
(``serviceLoadBalancerIPs``). Read are MetalLB's custom resources and, of old versions, its ConfigMap.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import summarize_address_range
from typing import Any

import yaml

from migrate.model.addresses import Network, address, networks
from migrate.model.fields import items, maps, text
from migrate.model.findings import Severity
from migrate.model.ranges import node_addresses
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

Peers = Iterator[tuple[str, str]]


def check(case: Case) -> Iterator[Hit]:
    """Name each peer that is a node itself, and each pool of addresses that Calico announces."""
    own = {found for _, found in node_addresses(case.snapshot)}
    for path, where in _peers(case):
        found = address(where)
        if found is not None and (found in own or found.is_loopback):
            yield Hit(path, {"how": f"it peers with {where}, which is a node"}, {"peerAddress": where})
    announced = networks(
        text(entry, "cidr")
        for item in case.snapshot.calico("bgpconfigurations")
        for entry in maps(item.data, "spec", "serviceLoadBalancerIPs")
    )
    for path, given in _pools(case):
        shared = [str(a) for a in announced for g in given if a.version == g.version and a.overlaps(g)]
        if shared:
            how = f"Calico announces its addresses ({', '.join(dict.fromkeys(shared))})"
            yield Hit(path, {"how": how}, {"serviceLoadBalancerIPs": shared})


def _peers(case: Case) -> Peers:
    for item in case.snapshot.of("bgppeers.metallb.io"):
        yield item.path, text(item.data, "spec", "peerAddress")
    for path, config in _old(case):
        for peer in maps(config, "peers"):
            yield path, text(peer, "peer-address")


def _pools(case: Case) -> Iterator[tuple[str, list[Network]]]:
    for item in case.snapshot.of("ipaddresspools.metallb.io"):
        yield item.path, [net for a in items(item.data, "spec", "addresses") for net in _networks(str(a))]
    for path, config in _old(case):
        for pool in maps(config, "address-pools"):
            yield path, [net for a in items(pool, "addresses") for net in _networks(str(a))]


def _networks(written: str) -> list[Network]:
    """Read a network, or a range ``FIRST-LAST``."""
    first, dash, last = written.partition("-")
    low, high = address(first), address(last)
    if not dash or low is None or high is None or low.version != high.version:
        return networks([written])
    try:
        return list(summarize_address_range(low, high))
    except ValueError:
        return []


def _old(case: Case) -> Iterator[tuple[str, Any]]:
    """Give the configuration of MetalLB before 0.13."""
    content = (case.snapshot.config_map("metallb-system", "config") or {}).get("config")
    if isinstance(content, str):
        try:
            yield "ConfigMap/metallb-system/config", yaml.safe_load(content)
        except yaml.YAMLError:
            return


RULE = Rule(
    number=106,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="MetalLB depends on Calico's BGP",
    message="MetalLB depends on Calico BGP: {how}",
    remedy="let MetalLB speak to the routers itself, or plan Cilium's BGP control plane and LB IPAM",
    check=check,
    failures=(28,),
    reads=("configmaps",),
    calico=("bgpconfigurations",),
)
