"""One network for several ranges, with nobody else in it."""

from __future__ import annotations

from typing import Any

import pytest

from migrate.engine.covers import clean_cover
from migrate.engine.local_traffic import edited, pod_ranges
from migrate.model.addresses import networks
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot, SnapshotBuilder
from tests import clusters


def snapshot(*kinds: str) -> Snapshot:
    builder = SnapshotBuilder()
    for item in clusters.healthy():
        if item["kind"] in kinds:
            builder.add(item)
    return builder.snapshot()


@pytest.mark.parametrize(
    ("ranges", "more", "cover"),
    [
        (["10.244.0.0/16"], {}, "10.244.0.0/16"),
        (["10.244.0.0/16", "10.245.0.0/16"], {}, "10.244.0.0/15"),
        (["10.244.0.0/16", "10.244.128.0/17"], {}, "10.244.0.0/16"),
        (["10.244.0.0/16", "10.2.0.0/16"], {}, None),  # nodes at 10.0.0.x
        (["10.244.0.0/16", "10.247.0.0/16"], {"externalCIDRs": ["10.246.0.0/16"]}, None),
        (["10.244.0.0/16", "10.247.0.0/16"], {"externalCIDRs": ["10.244.9.0/24"]}, "10.244.0.0/14"),
        (["10.96.0.0/16", "10.98.0.0/16"], {"addresses": {"services": ["10.97.0.0/16"]}}, None),
        (["172.16.0.0/16", "172.40.0.0/16"], {}, None),  # public between them
        (["8.8.0.0/16"], {}, "8.8.0.0/16"),  # theirs, whatever it is
        (["fd00:244::/64", "fd00:245::/64"], {}, "fd00:244::/31"),
        (["2001:db8:1::/64", "2001:db8:2::/64"], {}, None),
        ([], {}, None),
    ],
)
def test_a_cover_holds_its_ranges_and_no_stranger(
    ranges: list[str], more: dict[str, Any], cover: str | None
) -> None:
    settings = Settings.from_mapping({**clusters.settings(), "externalCIDRs": [], **more})
    found = clean_cover(networks(ranges), snapshot("Node"), settings)
    assert (str(found) if found is not None else None) == cover


def test_pods_have_addresses_of_pools_in_use_and_of_the_new_ranges() -> None:
    settings = Settings.from_mapping(clusters.settings())
    assert [str(r) for r in pod_ranges(snapshot("Node", "IPPool"), settings)] == [
        clusters.POOL,
        clusters.NEW_RANGE,
    ]
    without = [str(r) for r in pod_ranges(snapshot("Node"), settings)]
    assert without == [*(f"10.244.{n}.0/24" for n in range(4)), clusters.NEW_RANGE]


def test_a_file_without_the_line_gets_one() -> None:
    assert edited("kind: X", "10.0.0.0/8", "ClusterCIDR") == 'kind: X\nclusterCIDR: "10.0.0.0/8"\n'
    changed = edited("detectLocalMode: NodeCIDR\nclusterCIDR: a\n", "", "NodeCIDR")
    assert changed == 'detectLocalMode: "ClusterCIDR"\nclusterCIDR: ""\n'
