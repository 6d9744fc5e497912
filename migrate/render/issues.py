"""What a report has to say, one value an issue: the common ground of SARIF, JUnit and annotations.

Translation reports, comparisons and lint findings are turned into the same values here, so that no format
counts or words anything for itself. The order is that of ``reports.md`` §1: opens, errors, warnings, notes;
then file and line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrate.render import words
from translators.diagnostics import Diagnostic
from translators.report import DifferenceEntry, Report
from translators.span import NOWHERE, Span

__all__ = [
    "COUNTEREXAMPLE",
    "REFUSED",
    "Issue",
    "key_of",
    "of_findings",
    "of_report",
    "place",
    "sorted_issues",
]

COUNTEREXAMPLE = "CAL-V809"
REFUSED = "CAL-V801"
_RANK = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to look at: ``level`` is error, warning or note; ``related`` is where Cilium's side decides.

    ``key`` names the same issue in every run, wherever its lines have moved to. ``accepted`` holds the reason
    where somebody accepted it; ``differences`` are the sentences of the flows that differ.
    """

    code: str
    level: str
    text: str
    span: Span
    key: str
    object: str = ""
    remedy: str = ""
    related: tuple[Span, ...] = ()
    accepted: str | None = None
    differences: tuple[str, ...] = ()
    opens: bool = False

    @property
    def message(self) -> str:
        """Give the whole sentence: what differs, why, and what to do."""
        return " ".join(part for part in (*self.differences, self.text, words.remedy(self.remedy)) if part)


def of_report(report: Report) -> tuple[Issue, ...]:
    """Give one issue for every finding, and one for every difference that no finding names."""
    named: dict[str, list[DifferenceEntry]] = {}
    for difference in report.differences:
        named.setdefault(difference.finding, []).append(difference)
    found = []
    for finding in report.findings:
        differing = named.pop(finding.id, [])
        found.append(
            Issue(
                finding.code,
                finding.severity,
                finding.text,
                finding.span,
                finding.id,
                finding.object,
                finding.remedy,
                _deciding(d.cilium for d in differing),
                finding.accepted,
                tuple(words.claim(d) for d in differing),
                any(d.effect == "opens" for d in differing),
            )
        )
    found += [_unnamed(difference) for differing in named.values() for difference in differing]
    return sorted_issues(found)


def _unnamed(difference: DifferenceEntry) -> Issue:
    opens = difference.effect == "opens"
    return Issue(
        COUNTEREXAMPLE,
        "error" if opens else "warning",
        "",
        place(difference.calico[2] or difference.cilium[2]),
        difference.id or key_of(COUNTEREXAMPLE, difference.src, difference.dst, difference.packets),
        related=_deciding([difference.cilium]),
        differences=(words.claim(difference),),
        opens=opens,
    )


def of_findings(findings: Sequence[Diagnostic]) -> tuple[Issue, ...]:
    """Give one issue for every diagnostic."""
    return sorted_issues(
        Issue(
            d.code,
            str(d.severity),
            d.message,
            d.span,
            key_of(d.code, d.object, d.message),
            d.object,
            d.remedy,
        )
        for d in findings
    )


def place(text: str) -> Span:
    """Read ``file:line:column`` back; what holds no place is nowhere."""
    file, _, rest = text.partition(":") if text.count(":") < 2 else _split(text)
    line, _, column = rest.partition(":")
    if not (file and line.isdigit() and column.isdigit()):
        return Span(text) if text else NOWHERE
    return Span(file, int(line), int(column))


def _split(text: str) -> tuple[str, str, str]:
    file, line, column = text.rsplit(":", 2)
    return file, ":", f"{line}:{column}"


def _deciding(sides: Iterable[tuple[str, str, str]]) -> tuple[Span, ...]:
    places = dict.fromkeys(where for _, _, where in sides if where)
    return tuple(place(where) for where in places)


def key_of(*parts: str) -> str:
    """Give a name that an issue keeps wherever its lines move to: its code, and a digest of what it says."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return f"{parts[0]}-{digest}"


def sorted_issues(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Give issues in the order of every list: what opens, errors, warnings, notes; then file and line."""
    return tuple(sorted(issues, key=_gravity))


def _gravity(issue: Issue) -> tuple[bool, int, str, int, str]:
    return (not issue.opens, _RANK[issue.level], issue.span.file, issue.span.line, issue.key)
