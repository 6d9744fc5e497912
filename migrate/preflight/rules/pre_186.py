"""PRE-186: a HostEndpoint that outlives its policies denies its host everything but the failsafes; it must go first."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every HostEndpoint that is left."""
    for item in case.snapshot.calico("hostendpoints"):
        yield Hit(item.path, {"h": item.name}, {"node": text(item.data, "spec", "node")})


RULE = Rule(
    number=186,
    group=Group.NO_RETURN,
    severity=Severity.BLOCK,
    title="HostEndpoints are left",
    message="Remove HostEndpoints first: {h}",
    remedy="autoCreate: Disabled in KubeControllersConfiguration, then delete them (removal.md §4 step 4 does both)",
    check=check,
    failures=(40,),
    calico=("hostendpoints",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
