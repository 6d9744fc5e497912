"""The sentences of a report, in one place: table, comment and page say the same with the same numbers.

Grammar: ``reports.md`` §1. Numbers of rules count from 1 in a sentence and from 0 in the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from translators.diagnostics import CODES
from translators.lowering.sayable import GRADES
from translators.report import DifferenceEntry, Finding, PolicyEntry, Report
from translators.settings import READINGS

if TYPE_CHECKING:
    from migrate.preflight.rule import Rule

__all__ = [
    "OBLIGATIONS",
    "SIDES",
    "Group",
    "Pending",
    "acceptable",
    "allows",
    "choices",
    "claim",
    "counted",
    "decided",
    "grouped",
    "pending",
    "place",
    "plural",
    "preflight_rule",
    "remedy",
    "rule",
    "title",
    "verdict",
]

ENGINES = ("Calico", "Cilium")
SIDES = {"looser": "looser", "both": "stricter and looser", "stricter": "stricter"}
"""How a policy that differs is called, gravest first."""
OBLIGATIONS = {
    "P0": "whom Cilium isolates, Calico selects",
    "P1": "what is allowed, some Calico rule allows",
    "P2": "what a Calico Deny stops, is stopped unless an earlier rule allows it",
    "P3": "no denial covers what Calico allows first",
    "P4": "what Calico allows, is allowed",
    "P5": "what is denied, some Calico rule denies",
}
"""What is proved, by the names that the data uses."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One decision: a finding (None where a difference names none), its differences, whether flows open."""

    finding: Finding | None
    differences: tuple[DifferenceEntry, ...]
    opens: bool

    @property
    def sign(self) -> str:
        """Give the sign that stands before it."""
        grave = self.opens or (self.finding is not None and self.finding.severity == "error")
        return "✖" if grave else "▲"


@dataclass(frozen=True, slots=True)
class Group:
    """Differences of one effect that the same rules decided: told together."""

    effect: str
    decided: tuple[str, ...]
    differences: tuple[DifferenceEntry, ...]


_RULE = re.compile(r"[A-Za-z]+:(?P<name>.*)#(?P<index>\d+)\Z")
_TIER = re.compile(r"Tier:(?P<name>.*)#end\Z")
_CILIUM = re.compile(r"Cilium[A-Za-z]+:(?P<rest>.*)\Z")


def verdict(report: Report) -> str:
    """Say in one sentence what the whole report comes to."""
    grades = report.grades()
    exact = grades["S0"] + grades["S1"] + grades["S2"]
    total = len(report.policies)
    parts = [f"{exact} of {total} {plural(total, 'policy', 'policies')} {_mean(exact)} the same"]
    if grades["S1"] or grades["S2"]:
        parts[0] += (
            f" ({grades['S0']} for every cluster state, {grades['S1'] + grades['S2']} under conditions)"
        )
    sides = [p.direction for p in report.policies if p.grade == "A" and p.disposition == "translated"]
    for word, named in SIDES.items():
        if count := sides.count(word):
            parts.append(f"{count} {plural(count, 'is', 'are')} {named}")
    if refused := grades["X"]:
        parts.append(f"{refused} {plural(refused, 'is', 'are')} not translated")
    if kept := report.count("kept"):
        parts.append(f"{kept} {plural(kept, 'is', 'are')} kept as {plural(kept, 'it is', 'they are')}")
    return "; ".join(parts) + "."


def claim(difference: DifferenceEntry, sides: tuple[str, str] = ENGINES) -> str:
    """Say which flows differ, as a sentence that can be read aloud."""
    today = _today(difference.pods)
    told = f"{difference.src} → {difference.dst}, {difference.packets}" + (f", {today}" if today else "")
    return f"{allows(difference.effect, sides)}: {told}."


def allows(effect: str, sides: tuple[str, str] = ENGINES) -> str:
    """Say which engine allows what the other drops, as the beginning of a sentence."""
    second, first = sides if effect == "opens" else sides[::-1]
    text = f"{first} allows what {second} drops"
    return text[0].upper() + text[1:]


def counted(pods: tuple[int | None, int | None] | None) -> str:
    """Give how many pods of today it concerns, senders by receivers; an end that is not pods alone is left out."""
    known = [count for count in pods or () if count is not None]
    return "none" if 0 in known else " × ".join(f"{count:,}" for count in known)


def _today(pods: tuple[int | None, int | None] | None) -> str:
    count = counted(pods)
    if count in {"", "none"}:
        return "no pod today" if count else ""
    return f"{count} {plural(1 if set(count.split(' × ')) == {'1'} else 2, 'pod', 'pods')} today"


def grouped(differences: Iterable[DifferenceEntry]) -> tuple[Group, ...]:
    """Give differences together that one sentence covers, in the order in which they came."""
    found: dict[tuple[str, tuple[str, ...]], list[DifferenceEntry]] = {}
    for item in differences:
        found.setdefault((item.effect, tuple(decided(item))), []).append(item)
    return tuple(Group(effect, by, tuple(items)) for (effect, by), items in found.items())


def decided(difference: DifferenceEntry, sides: tuple[str, str] = ENGINES) -> Iterator[str]:
    """Say, side by side, what decided the confirmed example."""
    if not difference.confirmed:
        return
    for name, (word, by, where) in zip(sides, (difference.calico, difference.cilium), strict=True):
        told = "allows" if word == "allow" else "drops"
        text = f"{name} {told} it: {rule(by, difference.direction)}" + (f", {where}." if where else ".")
        yield text[0].upper() + text[1:]


def rule(by: str, direction: str = "") -> str:
    """Turn what an evaluator names (``NetworkPolicy:shop/web#1``) into words (``shop/web, ingress rule 2``)."""
    if found := _TIER.match(by):
        return f"end of tier {found['name']}"
    if found := _RULE.match(by):
        number = int(found["index"]) + 1
        return (
            f"{found['name']}, {direction} rule {number}" if direction else f"{found['name']}, rule {number}"
        )
    if found := _CILIUM.match(by):
        return found["rest"].replace(" ", ", ", 1)
    return by


def place(entry: PolicyEntry) -> str:
    """Say where a policy stands: kind, tier, order."""
    parts = [entry.kind, f"tier {entry.tier}" if entry.tier else ""]
    if entry.order is not None:
        parts.append(f"order {entry.order:g}")
    return " · ".join(part for part in parts if part)


def pending(report: Report) -> list[Pending]:
    """Give what nobody has accepted yet, what opens first, then errors.

    A finding counts if flows differ by it, if it is an error, or if it is why a policy is less than exact.
    """
    by_id = {finding.id: finding for finding in report.findings}
    grouped: dict[str, list[DifferenceEntry]] = {}
    for difference in report.differences:
        grouped.setdefault(difference.finding, []).append(difference)
    opening = {key for key, items in grouped.items() if any(d.effect == "opens" for d in items)}
    for entry in report.policies:
        if entry.disposition == "kept" or entry.grade not in {"A", "X"}:
            continue
        reasons = [key for key in entry.findings if key in by_id and _weighs(by_id[key])]
        for key in reasons:
            grouped.setdefault(key, [])
        if entry.disposition == "refused" and entry.direction in {"looser", "both"}:
            opening.update(reasons)
    for finding in report.findings:
        if finding.severity == "error":
            grouped.setdefault(finding.id, [])
    found = [Pending(by_id.get(key), tuple(items), key in opening) for key, items in grouped.items()]
    left = [item for item in found if item.finding is None or item.finding.accepted is None]
    return sorted(left, key=_gravity)


def beside(report: Report) -> list[Finding]:
    """Give what the grades do not hold: errors that concern no policy, and inputs that were read with a warning."""
    told = {key for entry in report.policies for key in entry.findings}
    left = [f for f in report.findings if f.accepted is None]
    return [f for f in left if (f.severity == "error" and f.id not in told) or _is_of_input(f)]


def _is_of_input(finding: Finding) -> bool:
    return finding.code.startswith("CAL-P") and finding.severity == "warning"


def is_settled(entry: PolicyEntry, by_id: Mapping[str, Finding]) -> bool:
    """Say whether every reason for a policy's grade is accepted; what is only worth knowing asks for nothing."""
    found = [by_id[key] for key in entry.findings if key in by_id]
    reasons = [f for f in found if _can_cause(f.code, entry.grade)]
    return bool(reasons) and all(finding.accepted is not None for finding in reasons)


def _can_cause(code: str, grade: str) -> bool:
    if code not in CODES:
        return True
    grades = {"refuse", "stop", "X", "A"} if grade in {"A", "X"} else {"X", "A", "S2", "S1"}
    return not grades.isdisjoint(re.findall(r"\w+", CODES[code].cls))


def _weighs(finding: Finding) -> bool:
    return CODES[finding.code].cls.startswith(("refuse", "stop", "X", "A")) if finding.code in CODES else True


def _gravity(item: Pending) -> tuple[bool, bool, str, int, str]:
    if item.finding is None:
        return (not item.opens, True, "", 0, "")
    span = item.finding.span
    return (not item.opens, item.finding.severity != "error", span.file, span.line, item.finding.id)


def title(code: str) -> str:
    """Give the title of a code; a code of elsewhere is its own title."""
    if code in CODES:
        return CODES[code].title
    rule = preflight_rule(code)
    return rule.title if rule is not None else code


def preflight_rule(code: str) -> Rule | None:
    """Give the preflight rule of a code ``CP2nnn``; the rules are loaded for such a code alone."""
    if not code.startswith("CP2"):
        return None
    from migrate.preflight.registry import rule_named  # noqa: PLC0415  # see above

    return rule_named(code)


def remedy(text: str) -> str:
    """Give what to do; nothing where nothing is to be done."""
    return "" if text.startswith("None") else text


def acceptable(code: str) -> bool:
    """Say whether a finding of this code may be accepted: no open proof, no refusal but those with one reading."""
    if code in {"CAL-V808", "CAL-V809"}:
        return False
    return code not in CODES or not CODES[code].refuses or code in READINGS


def choices(finding: Finding) -> Iterator[str]:
    """Give what can be typed or written to settle a finding, as text to copy."""
    if acceptable(finding.code):
        yield f'--accept {finding.id}="why"'
    if finding.code in GRADES:
        yield f"translate.approximate: {{{finding.code}: looser}}"


def plural(count: int, one: str, many: str) -> str:
    """Give the word for so many."""
    return one if count == 1 else many


def _mean(count: int) -> str:
    return plural(count, "means", "mean")
