"""The Gantt chart of a run as it was: one row a node, in SVG and in characters; readable in grey.

Bars are hatched by what the node was doing, the plan's own time is an outline above, stops and approvals are lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from migrate.model.run import NodeStatus
from migrate.model.story import Mark, MigrationReport, NodeStory, Stay
from migrate.render.plan_summary import duration

__all__ = ["Window", "chart", "rows", "svg", "window"]

DRAIN, SWITCH, SOAK, WAIT = "drain", "switch and prove", "soak", "waiting"
ROLES = {
    NodeStatus.PREFLIGHTED: DRAIN,
    NodeStatus.CORDONED: DRAIN,
    NodeStatus.DRAINED: SWITCH,
    NodeStatus.LABELLED: SWITCH,
    NodeStatus.CNI_SWITCHED: SWITCH,
    NodeStatus.REBOOTED: SWITCH,
    NodeStatus.RECYCLED: SWITCH,
    NodeStatus.CILIUM_READY: SWITCH,
    NodeStatus.PROBED: SWITCH,
    NodeStatus.ROLLING_BACK: SWITCH,
    NodeStatus.UNCORDONED: SOAK,
    NodeStatus.SOAKED: SOAK,
    NodeStatus.HALTED: WAIT,
}
FULL = {DRAIN: "█", SWITCH: "▓", SOAK: "░", WAIT: "▒"}
PLAIN = {DRAIN: "#", SWITCH: "=", SOAK: ".", WAIT: "~"}
STOPPED = "Halted"
MARKED = frozenset({"Halted", "Paused", "Approve"})
CELLS, MOST = 48, 60


@dataclass(frozen=True, slots=True)
class Window:
    """The seconds that the chart shows: from the first node's begin to the last node's end."""

    start: float
    length: float

    def share(self, at: float) -> float:
        """Give where a moment lies, 0 to 1."""
        return min(1.0, max(0.0, (at - self.start) / self.length))


def window(report: MigrationReport) -> Window:
    """Give the time in which nodes were moved; a whole second where none was."""
    stays = [s for n in report.nodes for s in n.stays]
    start = min((s.at for s in stays), default=0.0)
    return Window(start, max(1.0, max((s.at + s.seconds for s in stays), default=1.0) - start))


def _role(stay: Stay) -> str:
    return ROLES.get(NodeStatus(stay.state), "") if stay.state in set(NodeStatus) else ""


# In characters.


def chart(report: MigrationReport, *, ascii_only: bool = False) -> list[str]:
    """Give the chart as lines: the hours, a row a node, the key; nothing where no node was begun."""
    begun = [n for n in report.nodes if n.stays]
    if not begun:
        return []
    shown, seen = begun[:MOST], window(report)
    width = max(len(n.name) for n in shown)
    found = [f"{'':{width}}  {_axis(report, seen)}"]
    found += [
        f"{name:{width}}  {cells}" for name, cells in rows(shown, report.marks, seen, ascii_only=ascii_only)
    ]
    if len(begun) > MOST:
        found.append(f"{'':{width}}  and {len(begun) - MOST} more")
    signs = PLAIN if ascii_only else FULL
    key = "   ".join(f"{signs[role]} {role}" for role in (DRAIN, SWITCH, SOAK, WAIT))
    return [*found, f"{'':{width}}  {key}   {'X' if ascii_only else '╳'} halt"]


def rows(
    nodes: Sequence[NodeStory], marks: Sequence[Mark], seen: Window, *, ascii_only: bool = False
) -> Iterator[tuple[str, str]]:
    """Give each node's name and its cells."""
    signs = PLAIN if ascii_only else FULL
    for node in nodes:
        cells = [" "] * CELLS
        for stay in node.stays:
            role = _role(stay)
            first = int(seen.share(stay.at) * (CELLS - 1))
            last = int(seen.share(stay.at + stay.seconds) * (CELLS - 1))
            for cell in range(first, last + 1 if stay.seconds else first):
                cells[cell] = signs.get(role, " ")
        for mark in marks:
            if mark.kind == STOPPED and mark.node == node.name:
                cells[int(seen.share(mark.at) * (CELLS - 1))] = "X" if ascii_only else "╳"
        yield node.name, "".join(cells).rstrip()


def _axis(report: MigrationReport, seen: Window) -> str:
    begin = datetime.fromisoformat(report.outcome.start)
    texts = [
        (begin + timedelta(seconds=seen.start + seen.length * i / 4)).strftime("%H:%M") for i in range(4)
    ]
    return "".join(f"{t:<{CELLS // 4}}" for t in texts).rstrip() + " UTC"


# As SVG.

ROW, NAMES, WIDTH, TAIL, TOP = 22, 190, 720, 130, 34
FILLS = {DRAIN: "#3b5b7d", SWITCH: "url(#switch)", SOAK: "#c9d6e4", WAIT: "url(#wait)"}
HATCHES = (
    '<defs><pattern id="switch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#7fa3c7"/><rect width="2" height="6" fill="#2f4a66"/></pattern>'
    '<pattern id="wait" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#ffffff"/>'
    '<circle cx="2" cy="2" r="1.2" fill="#555555"/></pattern></defs>'
)


def svg(report: MigrationReport) -> str:
    """Give the chart as SVG, without a script; a row a node, planned time as an outline, marks as lines."""
    begun = [n for n in report.nodes if n.stays]
    seen = window(report)
    height = TOP + ROW * len(begun) + 50
    whole = NAMES + WIDTH + TAIL
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" viewBox="0 0 {whole} {height}" '
            'font-family="sans-serif" font-size="11" role="img">'
        ),
        (
            f"<title>{'Rehearsal' if report.rehearsal else 'Run'} {escape(report.run[:4])}: "
            f"{escape(report.outcome.sentence)}</title>"
        ),
        HATCHES,
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_hours(report, seen, height),
    ]
    for row, node in enumerate(begun):
        parts += _row(node, TOP + ROW * row, seen)
    parts += _lines(report.marks, seen, height)
    parts += _key(height - 18)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _hours(report: MigrationReport, seen: Window, height: int) -> Iterator[str]:
    begin = datetime.fromisoformat(report.outcome.start)
    for i in range(5):
        x = NAMES + WIDTH * i / 4
        said = (begin + timedelta(seconds=seen.start + seen.length * i / 4)).strftime("%H:%M")
        zone = " UTC" if i == 4 else ""
        yield f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 34}" stroke="#dddddd"/>'
        yield f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle" fill="#444444">{said}{zone}</text>'


def _row(node: NodeStory, y: int, seen: Window) -> Iterator[str]:
    yield f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(_short(node.name))}</text>'
    start = node.stays[0].at
    if node.p50:
        x, width = _place(start, node.p50, seen)
        yield f'<rect x="{x:.1f}" y="{y + 1}" width="{width:.1f}" height="4" fill="none" stroke="#888888"/>'
    for stay in node.stays:
        fill = FILLS.get(_role(stay))
        if fill and stay.seconds:
            x, width = _place(stay.at, stay.seconds, seen)
            yield (
                f'<rect x="{x:.1f}" y="{y + 6}" width="{width:.1f}" height="{ROW - 9}" fill="{fill}" stroke="#33475b" '
                f'stroke-width="0.5"><title>{escape(node.name)}: {escape(stay.state.lower())}, {duration(stay.seconds)}'
                "</title></rect>"
            )
    yield (
        f'<text x="{NAMES + WIDTH + 8}" y="{y + 15}" fill="#444444">{escape(node.state.lower().replace("_", " "))}, '
        f"out {duration(node.out)}</text>"
    )


def _place(at: float, seconds: float, seen: Window) -> tuple[float, float]:
    x = NAMES + seen.share(at) * WIDTH
    return x, max(1.5, NAMES + seen.share(at + seconds) * WIDTH - x)


def _lines(marks: Sequence[Mark], seen: Window, height: int) -> Iterator[str]:
    for mark in marks:
        inside = seen.start <= mark.at <= seen.start + seen.length
        if mark.kind in MARKED and inside:
            x = NAMES + seen.share(mark.at) * WIDTH
            dash = "" if mark.kind == STOPPED else ' stroke-dasharray="4 3"'
            yield (
                f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 34}" stroke="#222222"{dash}>'
                f"<title>{escape(mark.kind)} {escape(mark.time)} {escape(mark.text)}</title></line>"
            )


def _key(y: int) -> Iterator[str]:
    for i, role in enumerate((DRAIN, SWITCH, SOAK, WAIT)):
        x = NAMES + i * 150
        yield f'<rect x="{x}" y="{y}" width="16" height="11" fill="{FILLS[role]}" stroke="#33475b" stroke-width="0.5"/>'
        yield f'<text x="{x + 22}" y="{y + 10}">{role}</text>'
    yield f'<text x="{NAMES + 600}" y="{y + 10}" fill="#444444">outline: as planned</text>'


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"…{name[-29:]}"
