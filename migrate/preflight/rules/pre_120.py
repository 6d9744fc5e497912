"""PRE-120: a key that stands twice in the values is decided by its last place, in silence.

Every level counts: the field report behind F-02 had ``operator:`` twice, so the watcher's setting was gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every key that the reader of the file found twice."""
    for key in dict.fromkeys(case.draft.repeated_keys):
        yield Hit(f"values/{key}", {"k": key}, {"key": key})


RULE = Rule(
    number=120,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Key stands twice in the values",
    message="Key {k} appears twice; the later one wins silently",
    remedy="merge both places of {k} in the values file",
    check=check,
    failures=(2, 46),
)
