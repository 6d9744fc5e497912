"""PRE-084: systemd-networkd takes away routes and rules that it did not make, unless told otherwise (F-12)."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.host_files import foreign_flags
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_access import gets_no_file

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node whose networkd is active, with the options that are not ``no``."""
    for facts in case.facts("networkd"):
        if missing := foreign_flags(facts):
            fills = {"n": facts.node, "options": " and ".join(missing)}
            yield Hit(
                f"node/{facts.node}",
                fills,
                {"networkd": facts.at("networkd")},
                facts.node,
                stays=gets_no_file(case, facts.node),
            )


RULE = Rule(
    number=84,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="networkd removes foreign routes",
    message="networkd on {n} deletes Cilium's routes/rules ({options} not set to no)",
    remedy="P2 writes /etc/systemd/networkd.conf.d/90-c2c-cilium.conf and restarts networkd",
    check=check,
    failures=(12,),
    facts=("networkd",),
    repaired_by="HostDropIn",
)
