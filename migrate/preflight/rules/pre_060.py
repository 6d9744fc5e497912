"""PRE-060: the new pod range must not overlap any of Calico's pools, disabled ones included."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views import calico_pools, networks, overlapping

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every pool that shares an address with the new range, in both families."""
    ours = networks(case.draft.settings.cilium.pod_cidrs)
    for mine, pool, cidr in overlapping(ours, calico_pools(case.snapshot)):
        yield Hit(pool, {"cidr": mine, "pool": cidr}, {"pool": cidr})


RULE = Rule(
    number=60,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="New range overlaps a Calico pool",
    message="{cidr} overlaps Calico pool {pool}",
    remedy="choose a disjoint range in cilium.podCIDRs",
    check=check,
    failures=(28, 43),
    calico=("ippools",),
)
