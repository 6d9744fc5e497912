"""PRE-149: a translation of half the policies is a hole: every kind must have been read, or be known not to exist.

403 is a missing right, 503 the dead backend of an aggregated API, which kubectl shows as "doesn't have a resource type".
Calico's kinds may be read in either of their groups. What the translation itself could not read counts too. A kind that
nobody asked for, and that may not exist at all, is not held against a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.staging import is_of_policies
from migrate.model.findings import Severity
from migrate.model.resources import CALICO_GROUPS
from migrate.model.snapshot import ReadState
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

WHY = {ReadState.FORBIDDEN: "no right to read it", ReadState.UNAVAILABLE: "its API is not answering"}


def check(case: Case) -> Iterator[Hit]:
    """Name every kind that could not be read, with the reason."""
    named: dict[str, str] = dict.fromkeys(case.draft.policies.unread, "the translation could not read it")
    for resource, read in case.snapshot.reads.items():
        plural, _, group = resource.partition(".")
        twin = group in CALICO_GROUPS and case.snapshot.knows_calico(plural)
        if read.state in WHY and is_of_policies(resource) and not twin:
            named[resource] = read.reason or WHY[read.state]
    for kind, why in sorted(named.items()):
        yield Hit(f"resource/{kind}", {"kind": f"{kind} ({why})"}, {"why": why})


RULE = Rule(
    number=149,
    group=Group.POLICY,
    severity=Severity.MANDATORY,
    title="Policies could not all be read",
    message="Policies incomplete: {kind}",
    remedy="give the right to list {kind} (c2c rbac), or repair its API server; then make the plan anew",
    check=check,
    failures=(23,),
)
