"""PRE-181: the way back after the point of no return is a new cluster from the backup, so the backup must be whole.

Whoever holds the run's folder has read it again: ``answers.backup`` is ``{files, missing, broken}``, ``missing`` parts of
``procedure.md`` §13 and ``broken`` files whose sum differs. An empty one means that there is none at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import items, number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every part that is missing or broken."""
    backup = case.snapshot.answers.backup or {}
    if not number(backup, "files"):
        yield Hit("backup", {"part": "there is none"}, {"files": 0})
    for part in items(backup, "missing"):
        yield Hit(f"backup/{part}", {"part": f"{part} is missing"}, {"missing": part})
    for part in items(backup, "broken"):
        yield Hit(f"backup/{part}", {"part": f"{part} is not what was written (checksum)"}, {"broken": part})


RULE = Rule(
    number=181,
    group=Group.NO_RETURN,
    severity=Severity.MANDATORY,
    title="Backup incomplete",
    message="Backup incomplete: {part}",
    remedy="repeat P1 for the parts that still exist",
    check=check,
    failures=(23,),
    answers=("backup",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
