"""The summary and the list of findings for a terminal, 80 columns wide; no colour codes, ever."""

from __future__ import annotations

from collections.abc import Iterator

from translators.report import DifferenceEntry, PolicyEntry, Report

__all__ = ["summary"]

WORDS = {
    "S0": "exact",
    "S1": "exact while conditions hold",
    "S2": "exact today",
    "A": "approximate",
    "X": "not translated",
}
WIDTH = 80


def summary(report: Report, *, wide: bool = False) -> str:
    """Give the verdict, what must be decided, and what stays."""
    return "\n".join(line.rstrip() for line in _lines(report, wide=wide)) + "\n"


def _lines(report: Report, *, wide: bool) -> Iterator[str]:
    grades = report.grades()
    yield f"  {len(report.policies)} policies" + " " * 30 + f"for Cilium {report.method.cilium}"
    yield ""
    exact = grades["S0"] + grades["S1"] + grades["S2"]
    parts = [f"{k} {grades[k]}" for k in ("S0", "S1", "S2") if grades[k]]
    yield f"  {exact:>4}  exact        " + " · ".join(parts)
    yield f"  {grades['A']:>4}  approximate  {_sides(report, 'A')}"
    yield f"  {grades['X']:>4}  refused or not proved"
    if kept := report.count("kept"):
        yield f"  {kept:>4}  kept as they are"
    yield ""
    shown = [p for p in report.policies if p.disposition != "kept" and p.grade in {"A", "X"}]
    for entry in shown:
        yield from _policy(report, entry, wide=wide)
    if shown:
        yield ""
    for difference in report.differences:
        yield from sentence(difference)
    if report.differences:
        yield ""
    yield from _proof(report)


def _sides(report: Report, grade: str) -> str:
    sides = [p.direction for p in report.policies if p.grade == grade and p.disposition != "kept"]
    counted = [f"{sides.count(s)} {s}" for s in ("stricter", "looser", "both") if s in sides]
    return ", ".join(counted)


def _policy(report: Report, entry: PolicyEntry, *, wide: bool) -> Iterator[str]:
    by_id = {f.id: f for f in report.findings}
    findings = [by_id[i] for i in entry.findings if i in by_id and by_id[i].severity != "note"]
    findings.sort(key=lambda f: (f.severity != "error", f.code))
    first = findings[0] if findings else None
    text = first.text if first else ""
    place = str(first.span) if first else str(entry.source)
    code = first.code if first else ""
    line = f"  {entry.grade:<2} {entry.label:<28} {code:<9} {place}"
    yield line if wide else line[:WIDTH]
    if text:
        yield f"       {text}" if wide else f"       {text}"[:WIDTH]


def sentence(difference: DifferenceEntry) -> Iterator[str]:
    """Give one difference as the sentence that can be read aloud (``reports.md`` §1)."""
    opens = difference.effect == "opens"
    first, second = ("Cilium allows", "Calico drops") if opens else ("Calico allows", "Cilium drops")
    yield f"  {first} what {second}: {difference.src} → {difference.dst}, {difference.packets}."
    if difference.calico[1]:
        yield f"    Calico {difference.calico[0]}: {difference.calico[1]} {difference.calico[2]}"
        yield f"    Cilium {difference.cilium[0]}: {difference.cilium[1]} {difference.cilium[2]}"


def _proof(report: Report) -> Iterator[str]:
    checked = sum(report.method.obligations.values())
    left = report.method.open_obligations
    if not left:
        yield f"  Proved for every label set: {checked} obligations hold outside the differences named."
    else:
        yield f"  NOT proved: {left} of {checked} obligations are open."
    sizes = report.method.sizes
    yield f"  {sizes.get('objects', 0)} objects, {sizes.get('cubes', 0)} cubes from {sizes.get('items', 0)} items."
