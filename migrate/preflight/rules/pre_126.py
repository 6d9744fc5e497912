"""PRE-126: in stage M packets must take the host's own routing, which knows the way to Calico's pods.

BPF host routing skips kernel routes and iptables. The agent falls back to the host's routing by itself where
kube-proxy stays, but that is its choice and not the plan's; the key must say it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures, is_on

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at the switch in stage M."""
    for value, _ in departures(case, "enable-host-legacy-routing", is_on, [Stage.MIGRATION]):
        yield Hit(config_map_path(case), {"v": value}, {"enable-host-legacy-routing": value})


RULE = Rule(
    number=126,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Host routing skipped",
    message="Packets to Calico pods would skip kernel routes (enable-host-legacy-routing is {v})",
    remedy="bpf.hostLegacyRouting=true",
    check=check,
    failures=(5,),
)
