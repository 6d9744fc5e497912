"""The page of both state machines: their diagrams and tables, made from the tables that the engine checks itself by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from migrate.engine.tables import NODE_CELLS, NODE_ROWS, RUN_CELLS, RUN_ROWS, Cell
from migrate.model.events import Kind
from migrate.model.run import NodeStatus, RunStatus

MADE = "Generated from the code by `make docs`.\n"
UNMARKED = frozenset({"i", "q", "="})
IN_ORDER = re.compile(r"[A-Z][A-Z_]+")
INTRO = """\
What each event does in each state, of a run and of one of its nodes. A cell holds the rows that may answer; which one does
depends on what stands in the row. `i`: ignored, and journalled as such; `q`: kept until the checkpoint; `=`: taken into the
state, which stays. The engine refuses to follow a row that its cell does not hold."""


def leads_to[S: StrEnum](row: str, states: type[S]) -> tuple[S, ...]:
    """Give the states that a row names before its colon; none where the state stays or is what is observed."""
    known = {str(s) for s in states}
    return tuple(states(word) for word in IN_ORDER.findall(row.partition(": ")[0]) if word in known)


def edges[S: StrEnum](
    cells: Mapping[tuple[S, Kind], Cell], rows: Mapping[str, str], states: type[S]
) -> dict[tuple[S, S], list[str]]:
    """Give by (from, to) the rows that lead there, in the order of the table."""
    found: dict[tuple[S, S], list[str]] = {}
    for (state, _), cell in cells.items():
        for row in (r for r in cell if r not in UNMARKED):
            for target in leads_to(rows[row], states):
                if target is not state and row not in found.setdefault((state, target), []):
                    found[state, target].append(row)
    return {pair: sorted(numbers, key=int) for pair, numbers in found.items() if numbers}


def reachable[S: StrEnum](links: Iterable[tuple[S, S]], start: S) -> set[S]:
    """Give the states that edges lead to from one state."""
    pairs, seen, waiting = list(links), {start}, [start]
    while waiting:
        here = waiting.pop()
        for target in (b for a, b in pairs if a is here and b not in seen):
            seen.add(target)
            waiting.append(target)
    return seen


def states() -> str:
    """Give the reference of both machines."""
    run = _part("Run", "R", RUN_CELLS, RUN_ROWS, RunStatus, RunStatus.PLANNED)
    node = _part("Node", "N", NODE_CELLS, NODE_ROWS, NodeStatus, NodeStatus.PENDING)
    return "\n".join(["# State machines", "", MADE, INTRO, "", *run, "", *node]) + "\n"


def _part[S: StrEnum](
    title: str,
    letter: str,
    cells: Mapping[tuple[S, Kind], Cell],
    rows: Mapping[str, str],
    kind: type[S],
    start: S,
) -> list[str]:
    links = edges(cells, rows, kind)
    lines = [f"## {title}", "", "```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
    lines += [
        f"    {a} --> {b}: {' '.join(letter + n for n in numbers)}"
        for (a, b), numbers in sorted(links.items())
    ]
    lines += [f"    {s} --> [*]" for s in kind if isinstance(s, RunStatus) and s.terminal]
    lines += ["```", "", *_matrix(letter, cells, kind), "", "| row | what follows |", "|---|---|"]
    return lines + [f"| {letter}{number} | {text} |" for number, text in rows.items()]


def _matrix[S: StrEnum](letter: str, cells: Mapping[tuple[S, Kind], Cell], kind: type[S]) -> list[str]:
    kinds = [k for k in Kind if any((s, k) in cells for s in kind)]
    lines = [f"| event | {' | '.join(kind)} |", f"|---|{'---|' * len(kind)}"]
    for event in kinds:
        told = [" ".join(f"`{r}`" if r in UNMARKED else letter + r for r in cells[s, event]) for s in kind]
        lines.append(f"| {event} | {' | '.join(told)} |")
    return lines
