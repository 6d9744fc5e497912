"""One flow under both engines: side by side on a terminal, with every step as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import yaml

from migrate.render.terminal import PLAIN, Canvas, Line, Piece, Role, paint
from migrate.render.words import rule
from translators.flows import Decision, FlowVerdict, Step, Verdict
from translators.question import Explanation
from translators.span import NOWHERE

__all__ = ["data", "renderers", "table"]

LEAST_BESIDE = 76
INDENT, GAP = "  ", "  "


def table(found: Explanation, packet: str, canvas: Canvas = PLAIN) -> str:
    """Give both walks beside each other, or one below the other where there is no room."""
    lines: list[Line] = (
        [] if canvas.rows_only else [[f"  {found.source} → {found.destination}, {packet}"], []]
    )
    beside = canvas.width is not None and canvas.width >= LEAST_BESIDE
    room = ((canvas.width or 0) - len(INDENT) - len(GAP)) // 2
    sides = [list(_side(name, verdict, found, wide=canvas.wide)) for name, verdict in _engines(found)]
    if not beside:
        for side in sides:
            lines += [[INDENT, *line] for line in side] + [[]]
        return paint(lines[:-1], canvas)
    for left, right in zip_longest(*sides, fillvalue=[]):
        lines.append([INDENT, *_fitted(left, room, canvas), GAP, *_fitted(right, room, canvas)])
    return paint(lines, canvas)


def _engines(found: Explanation) -> tuple[tuple[str, FlowVerdict], tuple[str, FlowVerdict]]:
    return ("Calico", found.calico), ("Cilium", found.cilium)


def _side(name: str, verdict: FlowVerdict, found: Explanation, *, wide: bool) -> Iterator[Line]:
    yield [f"{name:<8} ", _verdict(verdict.verdict)]
    for direction, end, decision in (
        ("egress", found.source, verdict.egress),
        ("ingress", found.destination, verdict.ingress),
    ):
        if decision is None:
            yield [Piece(f"{direction} of {end}: not policed there", Role.DIM)]
            continue
        yield [f"{direction} of {end}"]
        for text, outcome, step in _steps(decision):
            where = f"  {step.span}" if wide and step.span and step.span != NOWHERE else ""
            yield ["  ", text, "  ", outcome, Piece(where, Role.DIM)]
        if not wide and decision.span is not None and decision.span != NOWHERE:
            yield [Piece(f"  at {decision.span}", Role.DIM)]


def _verdict(verdict: Verdict) -> Piece:
    return Piece("allow", Role.GOOD) if verdict is Verdict.ALLOW else Piece("drop", Role.BAD)


def _steps(decision: Decision) -> Iterator[tuple[str, Piece, Step]]:
    """Give every rule that was met, and what ended the walk where no rule did."""
    met = [step for step in decision.trace if step.rule]
    for step in met:
        name = step.place.partition(":")[2] or step.place
        yield f"{name} {step.rule}", _outcome(step.outcome), step
    if not met or met[-1].outcome not in {"allow", "deny"}:
        yield rule(decision.by), _verdict(decision.verdict), Step(decision.by, "", str(decision.verdict))


def _outcome(text: str) -> Piece:
    match text:
        case "allow":
            return Piece("Allow", Role.GOOD)
        case "deny":
            return Piece("Deny", Role.BAD)
    return Piece(text.capitalize(), Role.DIM)


def _fitted(line: Line, room: int, canvas: Canvas) -> Line:
    """Cut a line to its half, and fill it up; a place keeps its end, the rest its beginning."""
    pieces = [(canvas.text(p), p.role if isinstance(p, Piece) else Role.TEXT) for p in line]
    length = sum(len(text) for text, _ in pieces)
    if length <= room:
        return [*(Piece(text, role) for text, role in pieces), " " * (room - length)]
    mark = canvas.text("…")
    if len(pieces) == 1 and pieces[0][0].startswith("  at "):
        return [Piece("  at " + mark + pieces[0][0][length - room + 5 + len(mark) :], pieces[0][1])]
    widest = max(range(len(pieces)), key=lambda i: len(pieces[i][0]))
    text, role = pieces[widest]
    pieces[widest] = (text[: max(len(text) - (length - room) - len(mark), 0)] + mark, role)
    return [Piece(text, role) for text, role in pieces]


def data(found: Explanation, packet: str) -> dict[str, Any]:
    """Give the trace as plain data."""
    return {
        "schemaVersion": "1.0",
        "kind": "FlowTrace",
        "flow": {"src": found.source, "dst": found.destination, "packet": packet},
        "agrees": found.agrees,
        **{name.lower(): _engine(verdict) for name, verdict in _engines(found)},
    }


def _engine(verdict: FlowVerdict) -> dict[str, Any]:
    sides = {"egress": verdict.egress, "ingress": verdict.ingress}
    return {"verdict": str(verdict.verdict), **{key: _decision(value) for key, value in sides.items()}}


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    trace = [
        {"at": step.place, "rule": step.rule, "outcome": step.outcome, "place": str(step.span or "")}
        for step in decision.trace
    ]
    place = str(decision.span) if decision.span else None
    return {"verdict": str(decision.verdict), "by": decision.by, "place": place, "trace": trace}


def renderers(found: Explanation, packet: str) -> dict[str, Callable[[], str]]:
    """Give every format but the table."""
    return {
        "json": lambda: json.dumps(data(found, packet), indent=2, ensure_ascii=False) + "\n",
        "yaml": lambda: yaml.safe_dump(data(found, packet), sort_keys=False, allow_unicode=True),
    }
