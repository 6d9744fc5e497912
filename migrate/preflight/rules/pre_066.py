"""PRE-066: a stale tunnel device, or one with the planned port, keeps Cilium's agent from starting."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

STALE = frozenset({"cilium_vxlan", "cilium_geneve"})
KINDS = frozenset({"vxlan", "geneve"})


def check(case: Case) -> Iterator[Hit]:
    """Name Cilium's own devices of an earlier life, and foreign tunnels on the port that the plan wants."""
    port = case.draft.settings.cilium.tunnel_port
    for facts in case.facts("links"):
        for link in facts.at("links") or ():
            name = text(link, "ifname")
            tunnel = text(link, "linkinfo", "info_kind") in KINDS
            same_port = tunnel and number(link, "linkinfo", "info_data", "port") == port
            if name in STALE or same_port:
                yield Hit(f"node/{facts.node}", {"d": name, "n": facts.node}, {"device": name}, facts.node)


RULE = Rule(
    number=66,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Stale tunnel device",
    message="Stale device {d} on {n}",
    remedy="on {n}: ip link delete {d}, then run preflight again",
    check=check,
    failures=(3,),
    facts=("links",),
)
