"""Questions about addresses and pools that several network rules ask; each is answered from the case alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.addresses import Network, contains, mentioned, network, networks
from migrate.model.facts import NodeFacts
from migrate.model.fields import maps, number, text
from migrate.model.ippools import Pool, ip_pools
from migrate.preflight.rule import Case

__all__ = [
    "clouds",
    "devices_of_cilium",
    "interface_networks",
    "new_ranges",
    "old_ranges",
    "only_old",
    "only_old_in",
    "pools",
]

_CILIUM = ("cilium_", "lxc")


def new_ranges(case: Case) -> list[Network]:
    """Give the ranges that Cilium's pods will have."""
    return case.once(_new_ranges)


def _new_ranges(case: Case) -> list[Network]:
    return networks(case.draft.settings.cilium.pod_cidrs)


def pools(case: Case) -> list[Pool]:
    """Give Calico's pools, disabled ones too, without the cover pools that are ours."""
    return case.once(_pools)


def _pools(case: Case) -> list[Pool]:
    return [p for p in ip_pools(case.snapshot) if not p.ours]


def old_ranges(case: Case) -> list[Network]:
    """Give the networks of Calico's pools."""
    return case.once(_old_ranges)


def _old_ranges(case: Case) -> list[Network]:
    return [p.network for p in pools(case) if p.network is not None]


def only_old(net: Network, case: Case) -> bool:
    """Say whether a network means pods of today's ranges and would not mean them after the move.

    A network that holds the new range of its family too (``10.0.0.0/8``, everything) means both and loses nothing.
    """
    ours = [r for r in new_ranges(case) if r.version == net.version]
    reaches = any(net.version == old.version and net.overlaps(old) for old in old_ranges(case))
    holds_new = bool(ours) and all(contains(net, r) for r in ours)
    return reaches and not holds_new and net.prefixlen > 0


def only_old_in(words: str, case: Case) -> list[str]:
    """Give every address and network of a free text that means pods of today's ranges only, as they are written."""
    return list(dict.fromkeys(written for written, net in mentioned(words) if only_old(net, case)))


def devices_of_cilium(name: str) -> bool:
    """Say whether a device bears one of Cilium's names; those are the business of the rules on earlier Ciliums."""
    return name.startswith(_CILIUM)


def interface_networks(facts: NodeFacts) -> Iterator[tuple[str, Network, Mapping[str, Any]]]:
    """Give (device, network, entry) of every address that a node's devices have, Cilium's left out."""
    for entry in maps(facts.data, "addresses"):
        device = text(entry, "ifname")
        if devices_of_cilium(device):
            continue
        for item in maps(entry, "addr_info"):
            net = network(f"{text(item, 'local')}/{number(item, 'prefixlen')}")
            if net is not None:
                yield device, net, item


CLOUDS = {
    "aws": "AWS", "azure": "Azure", "gce": "Google Cloud", "openstack": "OpenStack", "vsphere": "vSphere",
    "hcloud": "Hetzner Cloud", "digitalocean": "DigitalOcean", "oci": "Oracle Cloud", "alicloud": "Alibaba Cloud",
}  # fmt: skip
FILTERING = frozenset(CLOUDS) - {"vsphere"}
"""Providers whose networks have security groups or check the sender; vSphere's do not by themselves."""


def clouds(case: Case) -> dict[str, list[str]]:
    """Give by cloud its nodes, for the clouds whose network may drop what it does not know."""
    found: dict[str, list[str]] = {}
    for node in case.snapshot.nodes:
        provider = node.provider_id.partition(":")[0]
        if provider in FILTERING:
            found.setdefault(CLOUDS[provider], []).append(node.name)
    return found
