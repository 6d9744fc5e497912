"""One network for several ranges: where a setting takes one CIDR, it must hold all of them and nothing that is not a pod's."""

from __future__ import annotations

from collections.abc import Sequence

from migrate.model.addresses import Network, contains, covering, networks
from migrate.model.ranges import node_addresses, service_ranges
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot

__all__ = ["clean_cover"]

PRIVATE = networks(
    ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7")
)
"""Blocks in which addresses between two ranges are nobody's on the internet."""


def clean_cover(ranges: Sequence[Network], snapshot: Snapshot, settings: Settings) -> Network | None:
    """Give the smallest network that holds these ranges of one family; None where it would hold strangers too.

    Strangers are nodes, Services, the external ranges of the configuration, and public addresses; what lies in one of
    the ranges themselves is none, whatever it is.
    """
    cover = covering(ranges)
    if cover is None or cover in ranges:
        return cover
    others = networks(
        (
            *(str(address) for _, address in node_addresses(snapshot)),
            *(cidr for _, cidr in service_ranges(snapshot, settings)),
            *(settings.external_cidrs or ()),
        )
    )
    strangers = (o for o in others if cover.overlaps(o) and not any(contains(r, o) for r in ranges))
    is_private = any(contains(block, cover) for block in PRIVATE)
    return cover if is_private and not any(strangers) else None
