"""A plan for people: what, in which order, how long, how it goes back, what is open meanwhile; and its Gantt chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from migrate.model.draft import Draft
from migrate.model.fields import text
from migrate.model.plan import Plan, Step
from migrate.render.plan_summary import duration, summary
from migrate.render.terminal import Canvas, Column, Line, Piece, Role, Sign, columns, paint, sign

__all__ = ["Bar", "bars", "gantt", "markdown", "table"]

PHASES: Mapping[str, str] = {
    "P1": "back up", "P2": "pin Calico", "P3": "install Cilium", "P4": "canary", "P5": "node loop",
    "P6": "final values", "P7": "audit", "P8": "enforce", "P9": "soak", "P10": "point of no return",
    "P11": "remove Calico", "P12": "clean nodes", "P13": "verify", "P14": "report",
}  # fmt: skip
SHAPE = (Column(), Column(least=10, tail=True), Column(), Column(least=12), Column(least=10))
STEPS = (Column(), Column(least=8, tail=True), Column(least=12), Column(least=8), Column(least=4))
CHART = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the chart: a node or a phase, in seconds from the beginning."""

    name: str
    start: float
    length: float
    phase: str


def bars(plan: Plan) -> list[Bar]:
    """Give the bars: phases before and after the nodes, and each node in its wave; waves one after another."""
    draft, settings = plan.draft, plan.draft.settings
    at = 0.0
    found = []
    for phase in ("P1", "P2", "P3"):
        length = sum(60.0 for s in plan.steps if s.phase == phase)
        found.append(Bar(f"{phase} {PHASES[phase]}", at, length, phase))
        at += length
    canaries = draft.canaries
    at = _lay(found, _lengths(draft, canaries, settings.waves.canary_soak_s), at, 1)
    for wave in draft.waves:
        rest = [n for n in wave if n not in canaries]
        at = _lay(found, _lengths(draft, rest, settings.waves.soak_s), at, max(1, settings.waves.parallel))
    for phase, length in (
        ("P6", 60.0 * len(draft.nodes)),
        ("P7", settings.audit_s),
        ("P8", len(draft.nodes) * settings.waves.soak_s),
        ("P9", settings.final_soak_s),
    ):
        found.append(Bar(f"{phase} {PHASES[phase]}", at, length, phase))
        at += length
    return [b for b in found if b.length > 0]


def _lengths(draft: Draft, nodes: Iterable[str], soak_s: float) -> dict[str, float]:
    return {n: draft.nodes[n].p50_s + soak_s for n in nodes if n in draft.nodes}


def _lay(found: list[Bar], lengths: Mapping[str, float], at: float, parallel: int) -> float:
    """Lay the nodes of a wave into as many lanes as nodes may be out at once; gives when the last one ends."""
    lanes = [at] * parallel
    for name, length in lengths.items():
        lane = min(range(parallel), key=lambda i: lanes[i])
        found.append(Bar(name, lanes[lane], length, "P5"))
        lanes[lane] += length
    return max(lanes)


# The table.


def table(plan: Plan, canvas: Canvas) -> str:
    """Paint the plan: its summary, the canary with its reasons, phases and waves with a chart of the times."""
    parts = (_canary(plan), _chart(plan, canvas), _steps(plan, canvas), _exposed(plan), _findings(plan))
    return paint([*summary(plan), *(line for part in parts for line in part)], canvas)


def _steps(plan: Plan, canvas: Canvas) -> Iterator[Line]:
    """Give a line a step: phase, node, what is done, how it is undone, what is proved after it.

    A node to which the same is done as to one before is told by that one's name; a reader of rows gets every row.
    """
    rows: list[Line] = []
    if canvas.rows_only:
        rows += map(_step, plan.steps)
    else:
        rows.append([Piece(word, Role.DIM) for word in ("step", "node", "command", "undo", "gates")])
        rows += _told_once(plan.steps)
    yield [""]
    yield from columns(rows, STEPS, canvas)


def _step(step: Step) -> Line:
    gates = " ".join(step.gates)
    return [step.phase, step.node, step.command, Piece(step.undo or "–", Role.DIM), Piece(gates, Role.DIM)]


def _told_once(steps: Iterable[Step]) -> Iterator[Line]:
    """Give the rows of each script once; of nodes that follow it how many they are, or which one."""
    by_node = (list(group) for _, group in groupby(steps, lambda s: (s.phase, s.node)))
    told: dict[object, str] = {}
    for script, alike in groupby(by_node, _script):
        first, *others = list(alike)
        phase, node = first[0].phase, first[0].node
        if not node or script not in told:
            told[script] = node
            yield from map(_step, first)
        else:
            others = [first, *others]
        if others:
            which = others[0][0].node if len(others) == 1 else f"{len(others)} nodes"
            yield [phase, which, Piece(f"as {told[script]}", Role.DIM), "", ""]


def _script(steps: Sequence[Step]) -> object:
    """Give what is done to a node; what is done to none is a script of its own."""
    first = steps[0]
    return first.phase, bool(first.node), tuple((s.command, s.undo, s.gates) for s in steps)


def _canary(plan: Plan) -> Iterator[Line]:
    canary = plan.draft.canary
    if canary.node:
        yield [f"  canary        {canary.node}: {'; '.join(canary.reasons) or 'the first that may be moved'}"]
    for given_up in canary.given_up:
        yield ["                ", sign(Sign.WARN), f" {given_up}"]


def _chart(plan: Plan, canvas: Canvas) -> Iterator[Line]:
    """Give a line a bar: its name, its length, where it lies in the whole."""
    found = bars(plan)
    total = max((b.start + b.length for b in found), default=0.0) or 1.0
    rows: list[Line] = [["", Piece("step", Role.DIM), Piece("about", Role.DIM), Piece("when", Role.DIM), ""]]
    if canvas.rows_only:
        rows = []
    for bar in _few(found):
        before = int(bar.start / total * CHART)
        length = max(1, round(bar.length / total * CHART))
        full = "#" if canvas.ascii else "█"
        drawn = " " * before + full * min(length, CHART - before)
        rows.append(["", bar.name, duration(bar.length), drawn.ljust(CHART), ""])
    yield [""]
    yield from columns(rows, SHAPE, canvas)
    if len(found) > MANY:
        yield [f"  and {len(found) - MANY} more; all in -o plan.svg"]


MANY = 40


def _few(found: Sequence[Bar]) -> Sequence[Bar]:
    return found if len(found) <= MANY else [*found[: MANY // 2], *found[-MANY // 2 :]]


def _exposed(plan: Plan) -> Iterator[Line]:
    """Give what is not protected meanwhile, by namespace and direction."""
    rows: dict[tuple[str, str, str], int] = {}
    for item in plan.exposure:
        key = (text(item, "namespace"), text(item, "direction"), text(item, "why"))
        rows[key] = max(rows.get(key, 0), int(item.get("pods") or 0))
    if not rows:
        return
    yield [""]
    yield ["  ", sign(Sign.WARN), " not protected while nodes move"]
    for (namespace, direction, why), pods in sorted(rows.items()):
        yield [f"    {namespace} {direction}: {pods} pods, {why}"]


def _findings(plan: Plan) -> Iterator[Line]:
    blocking = [
        f for f in plan.findings if text(f, "severity") in {"mandatory", "block"} and not f.get("accepted")
    ]
    if plan.blocked:
        yield [""]
        yield [
            "  ",
            sign(Sign.FAIL),
            f" blocked by {len(blocking)} findings of preflight; apply refuses this plan",
        ]
        yield from ([f"    {text(f, 'code')} {text(f, 'message')}"] for f in blocking[:10])


# Markdown and SVG.


def markdown(plan: Plan) -> str:
    """Give the plan for a change board: the summary, every step with its undo."""
    lines = [f"# Plan {plan.hash[:12]}", "", "```"]
    lines += ["".join(p if isinstance(p, str) else p.text for p in line) for line in summary(plan)]
    lines += [
        "```",
        "",
        f"Canary: **{plan.draft.canary.node or 'none'}**. " + "; ".join(plan.draft.canary.reasons),
        "",
    ]
    lines += ["| step | phase | node | command | gates | undo | at most |", "|---|---|---|---|---|---|---|"]
    lines += [_markdown_row(step) for step in plan.steps]
    if plan.exposure:
        lines += [
            "",
            "## Not protected meanwhile",
            "",
            "| namespace | direction | phase | pods | why |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {_cell(e.get('namespace'))} | {_cell(e.get('direction'))} | {_cell(e.get('phase') or e.get('phases'))} "
            f"| {_cell(e.get('pods'))} | {_cell(e.get('why'))} |"
            for e in plan.exposure
        ]
    return "\n".join(lines) + "\n"


def _markdown_row(step: Step) -> str:
    gates = ", ".join(step.gates)
    cells = (step.id, step.phase, step.node, step.command, gates, step.undo or "–", duration(step.timeout_s))
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def _cell(value: Any) -> str:  # noqa: ANN401  # anything that has a text
    shown = (
        ", ".join(map(str, value))
        if isinstance(value, (list, tuple))
        else str(value if value is not None else "")
    )
    return shown.replace("|", "\\|").replace("\n", " ")


ROW, NAMES, WIDTH = 18, 190, 720
COLOURS = {"P5": "#4a7fb5", "P4": "#4a7fb5"}
OTHER = "#8a8f98"


def gantt(plan: Plan) -> str:
    """Give the Gantt chart as SVG: one bar a row, hours below; readable in grey."""
    found = bars(plan)
    total = max((b.start + b.length for b in found), default=0.0) or 1.0
    height = ROW * (len(found) + 2)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{NAMES + WIDTH + 90}" height="{height}" '
            f'viewBox="0 0 {NAMES + WIDTH + 90} {height}" font-family="sans-serif" font-size="11" role="img">'
        ),
        f"<title>Plan {escape(plan.hash[:12])}: {len(plan.draft.nodes)} nodes, about {duration(total)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for row, bar in enumerate(found):
        y = ROW * (row + 1)
        x, width = NAMES + bar.start / total * WIDTH, max(2.0, bar.length / total * WIDTH)
        colour = COLOURS.get(bar.phase, OTHER)
        parts.append(
            f'<text x="{NAMES - 6}" y="{y + 12}" text-anchor="end">{escape(_short(bar.name))}</text>'
        )
        parts.append(f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="{ROW - 5}" fill="{colour}">'
                     f"<title>{escape(bar.name)}: {duration(bar.length)}</title></rect>")  # fmt: skip
        parts.append(
            f'<text x="{min(x + width + 4, NAMES + WIDTH + 4):.1f}" y="{y + 12}" fill="#444444">{duration(bar.length)}</text>'
        )
    parts.append(f'<text x="{NAMES}" y="{ROW * (len(found) + 2) - 4}" fill="#444444">0</text>')
    parts.append(
        f'<text x="{NAMES + WIDTH}" y="{ROW * (len(found) + 2) - 4}" text-anchor="end" fill="#444444">{duration(total)}</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"…{name[-29:]}"
