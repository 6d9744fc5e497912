"""The summary and the findings for a terminal: 80 columns by cutting, ``wide`` cuts nothing; no colour codes, ever.

Its sentences and numbers are those of ``words`` and of the report's JSON.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from migrate.render import words
from translators.report import Finding, PolicyEntry, Report

__all__ = ["summary"]

WIDTH = 80
MAX_DIFFERENCES = 20


def summary(report: Report, *, wide: bool = False) -> str:
    """Give the verdict, what must be decided, and the proof."""
    lines = (line.rstrip() for line in _lines(report, wide=wide))
    return "\n".join(line if wide else _cut(line) for line in lines) + "\n"


def _lines(report: Report, *, wide: bool) -> Iterator[str]:
    grades = report.grades()
    total = len(report.policies)
    left = f"  {total} {'policy' if total == 1 else 'policies'}"
    yield left + f"for Cilium {report.method.cilium}".rjust(WIDTH - len(left) - 2)
    yield ""
    yield from _counts(report, grades)
    yield ""
    shown = [p for p in report.policies if p.disposition != "kept" and (wide or p.grade in {"A", "X"})]
    for entry in shown:
        yield from _policy(report, entry, wide=wide)
    if shown:
        yield ""
    yield from _differences(report, wide=wide)
    yield from _proof(report)


def _counts(report: Report, grades: dict[str, int]) -> Iterator[str]:
    exact = grades["S0"] + grades["S1"] + grades["S2"]
    parts = [f"{key} {grades[key]}" for key in ("S0", "S1", "S2") if grades[key]]
    if grades["S1"]:
        parts[-1 - bool(grades["S2"])] += " while named objects stay as they are"
    yield f"  {exact:>4}  {'exact':<14} {' · '.join(parts)}"
    sides = [p.direction for p in report.policies if p.grade == "A" and p.disposition == "translated"]
    told = [f"{sides.count(side)} {side}" for side in ("stricter", "looser", "both") if side in sides]
    yield f"  {grades['A']:>4}  {'approximate':<14} {', '.join(told)}"
    yield f"  {grades['X']:>4}  {'not translated':<14}"
    if kept := report.count("kept"):
        yield f"  {kept:>4}  {'kept':<14} as they are"


def _policy(report: Report, entry: PolicyEntry, *, wide: bool) -> Iterator[str]:
    findings = _findings(report, entry)
    shown = findings if wide else findings[:1]
    place = str(shown[0].span) if shown else str(entry.source)
    code = shown[0].code if shown else ""
    direction = f" {entry.direction}" if entry.direction and wide else ""
    yield f"  {entry.grade:<2} {entry.label:<32} {code:<9} {place}{direction}"
    for finding in shown:
        suffix = f"  [{finding.id}]" if wide else ""
        accepted = f"  accepted: {finding.accepted}" if finding.accepted is not None else ""
        yield f"       {finding.text}{suffix}{accepted}"


def _findings(report: Report, entry: PolicyEntry) -> list[Finding]:
    """Give what is grave about one policy, gravest first."""
    by_id = {finding.id: finding for finding in report.findings}
    found = [by_id[key] for key in entry.findings if key in by_id and by_id[key].severity != "note"]
    return sorted(found, key=lambda f: (f.severity != "error", f.code))


def _differences(report: Report, *, wide: bool) -> Iterator[str]:
    limit = len(report.differences) if wide else MAX_DIFFERENCES
    for difference in report.differences[:limit]:
        sign = "✖" if difference.effect == "opens" else "▲"
        for text in (f"{sign} {words.claim(difference)}", *("  " + t for t in words.decided(difference))):
            yield from _wrapped(text, wide=wide)
    if len(report.differences) > limit:
        yield f"  {len(report.differences) - limit} more differences (-o wide)"
    if report.differences:
        yield ""


def _wrapped(text: str, *, wide: bool) -> list[str]:
    """Keep a sentence whole: it is prose, so it wraps, and columns alone are cut."""
    if wide:
        return [f"  {text}"]
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _proof(report: Report) -> Iterator[str]:
    checked = sum(report.method.obligations.values())
    left = report.method.open_obligations
    if not checked and not left:
        yield "  Nothing was translated, so there is nothing to prove."
    elif not left:
        yield f"  Proved for every label set: {checked} obligations hold outside what is named."
    else:
        yield f"  NOT proved: {left} of {checked} obligations are open."
    if points := report.method.compared.get("points"):
        agree = points - report.method.compared["differ"]
        yield f"  Today's cluster: {agree} of {points} points agree, the rest is named above."
    sizes = report.method.sizes
    yield f"  {sizes.get('objects', 0)} objects, {sizes.get('cubes', 0)} cubes from {sizes.get('items', 0)} items."
    if largest := sizes.get("map_entries"):
        naive = sizes.get("naive_map_entries", 0)
        yield f"  Largest policy map: about {largest:,} entries (rule by rule: {naive:,})."


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
