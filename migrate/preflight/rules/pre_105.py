"""PRE-105: Cilium must write where the runtime reads, on every node (F-26).

Compared are ``cni.confPath`` and ``cni.binPath`` of the migration's values, or the chart's own, with what the runtime's
configuration says; of binaries it may search several directories.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from migrate.model.draft import Stage
from migrate.model.fields import items, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]

CONF, BINARIES = "/etc/cni/net.d", "/opt/cni/bin"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare both directories on each node."""
    values = case.draft.values.get(Stage.MIGRATION, {})
    conf = normpath(text(values, "cni", "confPath", default=CONF))
    binaries = normpath(text(values, "cni", "binPath", default=BINARIES))
    for facts in case.facts("cni"):
        read = text(facts.data, "cni", "conf_dir")
        searched = [normpath(str(d)) for d in items(facts.data, "cni", "bin_dirs")]
        if not read or not searched:
            yield Unread(f"the runtime's CNI directories on node/{facts.node}")
        evidence = {"confPath": conf, "binPath": binaries, "conf_dir": read, "bin_dirs": searched}
        if read and normpath(read) != conf:
            fills = {"n": facts.node, "dir": read, "ours": conf}
            yield Hit(f"node/{facts.node}", fills, evidence, facts.node)
        if searched and binaries not in searched:
            fills = {"n": facts.node, "dir": ", ".join(searched), "ours": binaries}
            yield Hit(f"node/{facts.node}", fills, evidence, facts.node)


RULE = Rule(
    number=105,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Runtime reads another directory",
    message="{n}: runtime reads {dir}, Cilium would use {ours}",
    remedy="set cni.confPath and cni.binPath to what the runtime reads; where nodes differ, one CiliumNodeConfig a pool of nodes",
    check=check,
    failures=(26,),
    facts=("cni",),
)
