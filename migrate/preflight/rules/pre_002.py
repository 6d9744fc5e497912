"""PRE-002: one run at a time: nobody else may hold the Lease.

A Lease counts as expired by the times that it carries, measured when the snapshot was taken. That is a hint for people
only: whoever acquires it watches it for its whole duration, by a clock of his own (``state.md`` §5.3). Without any
time, a Lease with a holder is neither held nor free, and the rule is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import number, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule, Unread
from migrate.preflight.views_time import seconds_between

__all__ = ["RULE"]

NAME = "c2c-run"
DURATION_S = 30


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at the Lease of the tool's namespace."""
    for lease in case.snapshot.of("leases.coordination.k8s.io"):
        holder = text(lease.data, "spec", "holderIdentity")
        ours = lease.name == NAME and lease.namespace == case.draft.settings.namespace
        if not ours or not holder or holder == case.draft.holder:
            continue
        renewed = text(lease.data, "spec", "renewTime")
        age = seconds_between(renewed, case.moment)
        duration = number(lease.data, "spec", "leaseDurationSeconds", default=DURATION_S)
        if age is None:
            yield Unread(f"the age of {lease.path}, held by {holder}")
        elif age <= duration:
            since = text(lease.data, "spec", "acquireTime", default=renewed)
            fills = {
                "run": holder.rpartition(":")[2],
                "holder": holder.rpartition(":")[0] or holder,
                "t": since,
            }
            yield Hit(
                lease.path, fills, {"holder": holder, "renewTime": renewed, "leaseDurationSeconds": duration}
            )


RULE = Rule(
    number=2,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Another run holds the lock",
    message="Run {run} by {holder} holds the lock since {t}",
    remedy="wait for that run (c2c status); --steal-lock {run} only after checking that its process is dead",
    check=check,
    failures=(44,),
    reads=("leases.coordination.k8s.io",),
    repeat=frozenset({Repeat.CONTINUOUS}),
)
