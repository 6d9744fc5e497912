"""PRE-062: the new range must miss what lies outside of the cluster, which only its owner knows.

An empty list in the configuration is an answer (there is nothing outside); a list that is not given is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.addresses import network
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views import overlapping
from migrate.preflight.views_network import new_ranges

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Hold the new ranges against ``externalCIDRs``; an entry that is no network is named too."""
    given = case.draft.settings.external_cidrs
    if given is None:
        yield Hit(
            "config/externalCIDRs",
            evidence={"externalCIDRs": "not given"},
            message="no list of external ranges given",
        )
        return
    for cidr in given:
        if network(cidr) is None:
            yield Hit(f"externalCIDRs/{cidr}", message="{name} is no network", fills={"name": cidr})
    for mine, name, cidr in overlapping(new_ranges(case), ((c, c) for c in given)):
        yield Hit(f"externalCIDRs/{name}", {"cidr": mine, "name": name}, {"external": cidr})


RULE = Rule(
    number=62,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="New range overlaps an external range",
    message="{cidr} overlaps {name}",
    remedy="give externalCIDRs (VPC, on-premises, VPN, other clusters; [] if there are none) and a range that misses them",
    check=check,
    failures=(28,),
)
