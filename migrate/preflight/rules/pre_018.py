"""PRE-018: a Calico newer than the newest that was looked at, or one whose version nothing shows.

From 3.33 on Felix programs IPIP routes by default and cluster-wide policies are their own kind; the tool reads the live
state and not a table, so this is a reason to read the report, not to stop.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

NEWEST = (3, 32)


def check(case: Case) -> Iterator[Hit]:
    """Compare the version with the newest known."""
    variant = case.draft.variant
    if variant.minor[0] != NEWEST[0] or variant.minor > NEWEST:
        version = variant.calico_version
        evidence = {"version": version, "newest known": ".".join(map(str, NEWEST))}
        yield Hit("cluster/calico", {"v": version or "of unknown version"}, evidence)


RULE = Rule(
    number=18,
    group=Group.IDENTITY,
    severity=Severity.WARN,
    title="Calico newer than known",
    message="Calico {v}: defaults moved (IPIP routes by Felix, ClusterNetworkPolicy)",
    remedy="the tool reads live state; check the report before you go on",
    check=check,
    reads=("daemonsets.apps",),
)
