"""PRE-170: every right of the one table, asked of the server before the first write, so that nothing stops half-way.

The table is what ``c2c rbac`` prints. A right on a group that the cluster does not serve is not needed. One that nobody
asked for makes the rule unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.rights import Asked, Right, rights_for
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]

CRDS, SERVICES = "customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare the server's answers with the table."""
    for verb, resource, namespace in _wanted(case):
        place = f"{resource} in {namespace}" if namespace else resource
        allowed = case.snapshot.answers.may(verb, resource, namespace)
        if allowed is None:
            yield Unread(f"the right to {verb} {place}")
        elif not allowed:
            fields = {"verb": verb, "resource": place}
            yield Hit(f"right/{verb} {place}", fields, fields)


def _wanted(case: Case) -> tuple[Asked, ...]:
    rights = [r for r in rights_for(["apply"]) if not r.where_served or _is_served(case, r)]
    return tuple(dict.fromkeys(asked for right in rights for asked in right.asked))


def _is_served(case: Case, right: Right) -> bool:
    """Say whether the cluster serves the group; where that could not be read, it is taken to."""
    if not (case.snapshot.knows(CRDS) and case.snapshot.knows(SERVICES)):
        return True
    found = (*case.snapshot.of(CRDS), *case.snapshot.of(SERVICES))
    return any(item.at("spec", "group") == right.group for item in found)


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
