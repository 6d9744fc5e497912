"""Which findings a person has accepted, and which of the rest make a translation fail.

What refuses an object is never accepted, nor an open proof; the stops that may be are listed, each with the
reading that then holds (``translation.md`` §9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from migrate.errors import Failure
from migrate.render import words
from translators.report import Finding, PolicyEntry, Report
from translators.settings import READINGS

__all__ = ["LEVELS", "accepted", "decided", "failing"]

LEVELS = ("never", "looser", "refused", "stricter", "conditional")
UNREASONED = "accepted on the command line"


@dataclass(frozen=True, slots=True)
class _Acceptance:
    """One ``ID[:OBJECT][=REASON]``; ``key`` is a finding's id or a code."""

    key: str
    object: str
    reason: str

    @classmethod
    def parse(cls, text: str) -> _Acceptance:
        key, _, reason = text.partition("=")
        name, _, wanted = key.partition(":")
        return cls(name, wanted, reason or UNREASONED)

    def covers(self, finding: Finding) -> bool:
        if self.key not in {finding.id, finding.code}:
            return False
        label = finding.object.rpartition(" ")[2]
        return not self.object or self.object in {label, label.rpartition("/")[2]}


def accepted(report: Report, typed: Sequence[str], standing: Sequence[str] = ()) -> Report:
    """Mark the findings that were accepted, by flags as typed and by what stands in the configuration.

    Raises ``Failure`` for one that may not be accepted, and for a typed one that is not there; a standing one may
    have lost its finding.
    """
    found = list(report.findings)
    for text in (*standing, *typed):
        item = _Acceptance.parse(text)
        hits = [i for i, finding in enumerate(found) if item.covers(finding)]
        if not hits and text in typed:
            raise Failure(
                f"--accept {text}: there is no such finding", fix="the ids stand in -o wide and -o json"
            )
        for index in hits:
            if not words.acceptable(found[index].code):
                raise Failure(
                    f"--accept {text}: {found[index].code} cannot be accepted",
                    fix=f"c2c explain {found[index].code}",
                )
            found[index] = replace(found[index], accepted=item.reason)
    return replace(report, findings=tuple(found))


def decided(report: Report, texts: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Give the stops that these texts accept, for the translator to read the one way that then holds."""
    items = [_Acceptance.parse(text) for text in texts]
    return frozenset(
        (finding.code, finding.object.rpartition(" ")[2])
        for finding in report.findings
        if finding.code in READINGS and any(item.covers(finding) for item in items)
    )


def failing(report: Report, level: str) -> list[PolicyEntry]:
    """Give the policies at or above a level of which not every reason for their grade is accepted.

    The levels are cumulative, gravest first: ``looser``, ``refused``, ``stricter``, ``conditional``.
    """
    by_id = {finding.id: finding for finding in report.findings}
    limit = LEVELS.index(level)
    found = []
    for entry in report.policies:
        if 0 < _gravity(entry) <= limit and not words.is_settled(entry, by_id):
            found.append(entry)
    return found


def refused_beside(report: Report, level: str) -> list[Finding]:
    """Give the errors that concern no policy: an object that could not be read fails at every level but ``never``."""
    return [f for f in words.beside(report) if f.severity == "error"] if level != "never" else []


def _gravity(entry: PolicyEntry) -> int:
    """Give the first level at which a policy fails; 0 for one that never does."""
    if entry.disposition == "kept":
        return 0
    if entry.direction in {"looser", "both"}:
        return LEVELS.index("looser")
    if entry.disposition == "refused" or (entry.grade == "X" and entry.direction is None):
        return LEVELS.index("refused")
    if entry.grade in {"A", "X"}:
        return LEVELS.index("stricter")
    return LEVELS.index("conditional") if entry.grade in {"S1", "S2"} else 0
