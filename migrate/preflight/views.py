"""Questions about a cluster that several rules ask; each is answered from the snapshot alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.model.addresses import Network, networks
from migrate.model.fields import text
from migrate.model.installs import flannel_network
from migrate.model.snapshot import Snapshot

__all__ = ["Network", "calico_pools", "networks", "overlapping"]


def overlapping(
    ours: Iterable[Network], theirs: Iterable[tuple[str, str]]
) -> Iterator[tuple[Network, str, str]]:
    """Give every pair that shares an address: our network, and (name, CIDR) of theirs."""
    known = [(name, cidr, net) for name, cidr in theirs for net in networks([cidr])]
    for mine in ours:
        for name, cidr, net in known:
            if mine.version == net.version and mine.overlaps(net):
                yield mine, name, cidr


def calico_pools(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Give (name, CIDR) of every range that pods have today: Calico's IPPools, disabled ones too, and flannel's.

    The cover pool that is ours is none.
    """
    pools = [
        (pool.path, text(pool.data, "spec", "cidr"))
        for pool in snapshot.calico("ippools")
        if pool.labels.get("c2c/owned") != "true" and text(pool.data, "spec", "cidr")
    ]
    return [*pools, *(("flannel/net-conf.json", cidr) for cidr in flannel_network(snapshot))]
