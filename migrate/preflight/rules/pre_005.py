"""PRE-005: the target release has a known defect that matters during a migration.

One finding an issue. A release that cannot be read as a version has no known issues: PRE-004 stops it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.versions import Release, issues_of
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every issue whose range holds the target."""
    version = case.draft.settings.cilium.version
    release = Release.parse(version)
    for issue in issues_of(release) if release is not None else ():
        fills = {"v": version, "issue": issue.id, "text": issue.text}
        yield Hit(f"cilium.version/{issue.id}", fills, {"version": version})


RULE = Rule(
    number=5,
    group=Group.IDENTITY,
    severity=Severity.WARN,
    title="Target has a known issue",
    message="Cilium {v} has known issue {issue}: {text}",
    remedy="choose another patch release, or go on: the gates that see it stay armed",
    check=check,
    failures=(3, 30, 31),
)
