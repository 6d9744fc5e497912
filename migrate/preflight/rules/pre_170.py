"""PRE-170: every right that the plan needs, asked of the server before the first write, so that nothing stops half-way.

Also named is any other right that was asked for and denied: whoever asked had a reason. A right that nobody asked for
makes the rule unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.rights import rights_of
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare the server's answers with what the plan does."""
    access = case.snapshot.answers.access or {}
    for verb, resource in dict.fromkeys([*rights_of(case.draft), *access]):
        allowed = access.get((verb, resource))
        if allowed is None:
            yield Unread(f"the right to {verb} {resource}")
        elif not allowed:
            right = {"verb": verb, "resource": resource}
            yield Hit(f"right/{verb} {resource}", right, right)


RULE = Rule(
    number=170,
    group=Group.PERMISSIONS,
    severity=Severity.MANDATORY,
    title="Right missing",
    message="Missing right: {verb} {resource}",
    remedy="c2c rbac -o yaml writes the role; bind it to whoever runs the migration",
    check=check,
    failures=(44,),
    answers=("access",),
)
