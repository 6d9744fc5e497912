"""The summary of a translation for a terminal: the verdict in counts, what is not exact, what differs, the proof.

It fits the canvas by giving up columns from the right; sentences wrap, being prose. Its sentences and numbers are
those of ``words`` and of the report's JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from migrate.render import words
from migrate.render.terminal import (
    PLAIN,
    Canvas,
    Column,
    Line,
    Piece,
    Role,
    Sign,
    columns,
    paint,
    prose,
    sign,
)
from translators.report import DifferenceEntry, Finding, PolicyEntry, Report
from translators.span import Span

__all__ = ["claims", "folder_of", "short_place", "summary"]

MAX_DIFFERENCES = 5
MAX_BESIDE = 10
_SHAPE = (Column(), Column(24), Column(), Column(12), Column(), Column(16, tail=True))
_SIDES = {**words.SIDES, "both": "both"}
_GRADES = {"A": Role.WARN, "X": Role.BAD}


def summary(report: Report, canvas: Canvas = PLAIN) -> str:
    """Give the verdict, what must be decided, and the proof; only the policies where rows alone are wanted."""
    lines = _policies(report, canvas) if canvas.rows_only else _lines(report, canvas)
    return paint(lines, canvas)


def _lines(report: Report, canvas: Canvas) -> Iterator[Line]:
    total = len(report.policies)
    left, right = (
        f"  {total} {words.plural(total, 'policy', 'policies')}",
        f"for Cilium {report.method.cilium}",
    )
    yield [left, Piece(right.rjust(max((canvas.width or 80) - len(left), len(right) + 2)), Role.DIM)]
    yield []
    yield from columns(list(_counts(report)), (Column(right=True), Column(), Column(8)), canvas)
    yield []
    policies = list(_policies(report, canvas))
    yield from [*policies, []] if policies else []
    yield from _beside(report, canvas)
    yield from claims(report.differences, canvas)
    yield from _proof(report, canvas)


def _beside(report: Report, canvas: Canvas) -> Iterator[Line]:
    found = words.beside(report)
    shown = found if canvas.wide else found[:MAX_BESIDE]
    for finding in shown:
        which = Sign.FAIL if finding.severity == "error" else Sign.WARN
        text = f"{finding.text}  {finding.code}  {finding.span}"
        yield from prose(text, canvas, first=["  ", sign(which), " "])
    if len(found) > len(shown):
        yield [Piece(f"  {len(found) - len(shown)} more of the input (-o wide)", Role.DIM)]
    if found:
        yield []


def _counts(report: Report) -> Iterator[Line]:
    grades = report.grades()
    exact = grades["S0"] + grades["S1"] + grades["S2"]
    yield [f"{exact:,}", Piece("exact", Role.GOOD if exact else Role.TEXT), _exact(report, grades)]
    sides = [p.direction for p in report.policies if p.grade == "A" and p.disposition == "translated"]
    told = [f"{sides.count(side)} {words.SIDES[side]}" for side in words.SIDES if side in sides]
    yield [f"{grades['A']:,}", Piece("approximate", Role.WARN if grades["A"] else Role.TEXT), ", ".join(told)]
    refused = report.count("refused")
    partly = f"{grades['X'] - refused} in part" if 0 < refused < grades["X"] else ""
    yield [f"{grades['X']:,}", Piece("not translated", Role.BAD if grades["X"] else Role.TEXT), partly]
    if kept := [p for p in report.policies if p.disposition == "kept"]:
        staged = sum(p.kind.startswith("Staged") for p in kept)
        counts = {"of Kubernetes": len(kept) - staged, "staged": staged}
        yield [f"{len(kept):,}", "kept", ", ".join(f"{n} {name}" for name, n in counts.items() if n)]


def _exact(report: Report, grades: dict[str, int]) -> str:
    parts = [f"S0 {grades['S0']:,}"] if grades["S0"] else []
    if grades["S1"]:
        count = len(report.conditions)
        stay = words.plural(count, "named object stays as it is", "named objects stay as they are")
        parts.append(f"S1 {grades['S1']:,} while {count} {stay}")
    if grades["S2"]:
        parts.append(f"S2 {grades['S2']:,} today")
    return " · ".join(parts)


def _policies(report: Report, canvas: Canvas) -> Iterator[Line]:
    """Give one row a policy that is not exact (wide: one for every policy that is not kept), gravest first."""
    shown = [p for p in report.policies if p.disposition != "kept" and (canvas.wide or p.grade in {"A", "X"})]
    shown.sort(key=lambda p: (p.direction not in {"looser", "both"}, p.grade != "X"))
    folder = "" if canvas.wide else folder_of(p.source for p in report.policies)
    by_id = {finding.id: finding for finding in report.findings}
    found = [_grave(entry, by_id) for entry in shown]
    settled = {entry.source for entry in shown if words.is_settled(entry, by_id)}
    rows = [
        _row(entry, findings, folder, settled=entry.source in settled)
        for entry, findings in zip(shown, found, strict=True)
    ]
    if not any(canvas.text(row[2]) for row in rows):
        rows = [[*row[:2], *row[3:]] for row in rows]
        laid = columns(rows, _SHAPE[:2] + _SHAPE[3:], canvas)
    else:
        laid = columns(rows, _SHAPE, canvas)
    for line, entry in zip(laid, shown, strict=True):
        yield line
        for finding in _all(entry, by_id) if canvas.wide and not canvas.rows_only else ():
            accepted = f"  accepted: {finding.accepted}" if finding.accepted is not None else ""
            yield [f"       {finding.text}  ", Piece(f"[{finding.id}]", Role.DIM), accepted]


def _grave(entry: PolicyEntry, by_id: dict[str, Finding]) -> list[Finding]:
    """Give what is grave about one policy, gravest first."""
    return [finding for finding in _all(entry, by_id) if finding.severity != "note"]


def _all(entry: PolicyEntry, by_id: dict[str, Finding]) -> list[Finding]:
    """Give all that is said about one policy, gravest first, notes last."""
    found = [by_id[key] for key in entry.findings if key in by_id]
    return sorted(found, key=lambda f: (f.severity != "error", f.severity == "note", f.code))


def _row(entry: PolicyEntry, findings: Sequence[Finding], folder: str, *, settled: bool) -> Line:
    first = findings[0] if findings else None
    more = f" +{len(findings) - 1}" if len(findings) > 1 else ""
    side = "accepted" if settled else _SIDES.get(entry.direction or "", "")
    return [
        Piece(entry.grade, _GRADES.get(entry.grade, Role.GOOD)),
        entry.label,
        side,
        words.title(first.code) if first else "",
        Piece(first.code + more if first else "", Role.ACCENT),
        Piece(short_place(first.span if first else entry.source, folder), Role.DIM),
    ]


def folder_of(spans: Iterable[Span]) -> str:
    """Give the folder, with its slash, in which all of these stand; empty if there is none."""
    parts = [span.file.split("/")[:-1] for span in spans if span.line or not span.file.startswith("<")]
    if not parts:
        return ""
    shared = parts[0]
    for other in parts[1:]:
        same = next((i for i, (a, b) in enumerate(zip(shared, other, strict=False)) if a != b), None)
        shared = shared[: min(len(shared), len(other)) if same is None else same]
    return "/".join(shared) + "/" if shared else ""


def short_place(span: Span, folder: str) -> str:
    """Give a place without the folder that everything shares."""
    return str(span).removeprefix(folder) if folder else str(span)


def claims(
    differences: Sequence[DifferenceEntry], canvas: Canvas, limit: int = MAX_DIFFERENCES
) -> Iterator[Line]:
    """Say of each difference who is affected, and what decided it in either engine."""
    shown = differences if canvas.wide else differences[:limit]
    for difference in shown:
        which = Sign.FAIL if difference.effect == "opens" else Sign.WARN
        yield from prose(words.claim(difference), canvas, first=["  ", sign(which), " "])
        for text in words.decided(difference):
            yield from prose(text, canvas, first=["      "], indent="        ")
    if len(differences) > len(shown):
        left = len(differences) - len(shown)
        yield [Piece(f"  {left} more {words.plural(left, 'difference', 'differences')} (-o wide)", Role.DIM)]
    if differences:
        yield []


def _proof(report: Report, canvas: Canvas) -> Iterator[Line]:
    checked, left = sum(report.method.obligations.values()), report.method.open_obligations
    if not checked and not left:
        yield ["  Nothing was translated, so there is nothing to prove."]
        return
    if left:
        yield [Piece("  NOT proved", Role.BAD), f": {left:,} of {checked:,} obligations are open."]
    else:
        held = f": {checked:,} obligations hold outside what is named."
        yield from prose(held, canvas, first=[Piece("  Proved for every label set", Role.GOOD)], indent="  ")
    if points := report.method.compared.get("points"):
        differ = report.method.compared["differ"]
        rest = f"{differ:,} differ, all named above" if differ else "none differs"
        text = f"Today's cluster: {points - differ:,} of {points:,} points agree, {rest}."
        yield from prose(text, canvas, indent="  ")
    sizes = report.method.sizes
    count = sizes.get("objects", 0)
    text = f"{count:,} {words.plural(count, 'object', 'objects')} for Cilium"
    if largest := sizes.get("map_entries"):
        text += f"; the largest policy map takes about {largest:,} entries"
    yield from prose(f"{text}.", canvas, indent="  ")
