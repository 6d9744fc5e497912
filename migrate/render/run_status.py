"""The picture of a run: its state, its nodes, what it waits for; one document for programs, one table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.engine.reasons import reason_word
from migrate.model.run import IN_HAND, SETTLED, NodeRun, NodeStatus, Run, RunStatus
from migrate.render.junit import ERROR, FAILED, Case, suite
from migrate.render.terminal import Canvas, Column, Line, Piece, Role, Sign, columns, paint, sign

__all__ = ["Picture", "junit", "status_document", "status_table"]

SCHEMA_VERSION = "1.0"
HEAD = ("node", "state", "pods left", "")
SHAPE = (Column(), Column(least=8, tail=True), Column(), Column(right=True), Column(least=8))
_SIGNS = {
    NodeStatus.DONE: Sign.PASS,
    NodeStatus.SKIPPED: Sign.NOT_RUN,
    NodeStatus.GONE: Sign.NOT_RUN,
    NodeStatus.HALTED: Sign.FAIL,
    NodeStatus.ROLLED_BACK: Sign.WARN,
    NodeStatus.PENDING: Sign.TO_COME,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A run as it is looked at: from a driver, a journal or the mirror.

    ``waits`` are sentences with the seconds since; ``live``: a process drives it now; ``since`` seconds since it began.
    """

    run: Run
    cluster: str = ""
    uid: str = ""
    waits: Sequence[tuple[str, float]] = ()
    live: bool = False
    at: float = 0.0


def status_document(picture: Picture) -> dict[str, Any]:
    """Give the document ``RunStatus``."""
    run = picture.run
    return {
        "schemaVersion": SCHEMA_VERSION,
        "kind": "RunStatus",
        "run": run.id,
        "plan": run.plan.hash,
        "cluster": {"name": picture.cluster, "uid": picture.uid},
        "state": run.where,
        "status": str(run.status),
        "phase": str(run.phase),
        "reason": reason_word(run.reason) if run.reason else "",
        "halt": run.reason if run.status is RunStatus.HALTED else "",
        "asked": run.asked,
        "live": picture.live,
        "seconds": round(picture.at, 1),
        "waiting": [{"text": text, "seconds": round(seconds, 1)} for text, seconds in picture.waits],
        "summary": _summary(run),
        "nodes": [_node(run.nodes[name]) for name in sorted(run.nodes)],
    }


def _summary(run: Run) -> Mapping[str, int]:
    counts: dict[str, int] = {"nodes": len(run.nodes)}
    counts["done"] = sum(n.status in SETTLED for n in run.nodes.values())
    counts["inHand"] = sum(n.status in IN_HAND for n in run.nodes.values())
    counts["rolledBack"] = sum(n.status is NodeStatus.ROLLED_BACK for n in run.nodes.values())
    counts["halted"] = sum(n.status is NodeStatus.HALTED for n in run.nodes.values())
    return counts


def _node(node: NodeRun) -> dict[str, Any]:
    return {
        "name": node.name,
        "state": str(node.status),
        "reason": node.reason,
        "podsLeft": len(node.evict),
        "attempts": node.attempts,
        "rollbacks": node.rollbacks,
    }


def status_table(picture: Picture, canvas: Canvas) -> str:
    """Paint the run: one line for the whole, one for each node that is not still to come, a count of the rest."""
    run = picture.run
    lines: list[Line] = [_head(picture)]
    lines += [["  waits for ", text, f", for {_length(seconds)}"] for text, seconds in picture.waits]
    begun = [n for n in run.nodes.values() if n.status is not NodeStatus.PENDING]
    order = {name: place for place, name in enumerate(run.order)}
    begun.sort(key=lambda n: (order.get(n.name, len(order)), n.name))
    rows: list[Line] = [] if canvas.rows_only or not begun else [["", *(Piece(w, Role.DIM) for w in HEAD)]]
    lines += columns([*rows, *(_row(n) for n in begun)], SHAPE, canvas)
    left = len(run.nodes) - len(begun)
    if left:
        lines.append(["  ", sign(Sign.TO_COME), f" {left} to come"])
    return paint(lines, canvas)


def _head(picture: Picture) -> Line:
    run = picture.run
    name = f"{picture.cluster} · " if picture.cluster else ""
    parts = [f"run {run.id[:4]}", *_wave(run), _length(picture.at)]
    mark = {RunStatus.DONE: Sign.PASS, RunStatus.HALTED: Sign.FAIL, RunStatus.PAUSED: Sign.UNSURE}
    asked = f" asks for {run.asked}" if run.asked else ""
    return [name, " · ".join(parts), "    ", sign(mark.get(run.status, Sign.RUNNING)), f" {run.where}{asked}"]


def _wave(run: Run) -> list[str]:
    waves = run.waves or run.plan.draft.waves
    for place, wave in enumerate(waves, start=1):
        if any(name in run.nodes and run.nodes[name].status not in SETTLED for name in wave):
            return [f"wave {place} of {len(waves)}"]
    return [f"{len(waves)} waves"] if waves else []


def _row(node: NodeRun) -> Line:
    left = str(len(node.evict)) if node.evict else ""
    mark = sign(_SIGNS.get(node.status, Sign.RUNNING))
    state = str(node.status).lower().replace("_", " ")
    return [mark, node.name, state, left, Piece(node.reason, Role.DIM)]


def _length(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def junit(picture: Picture) -> str:
    """Give a suite with a case for each node, and one for the run as a whole."""
    run = picture.run
    cases = [Case(name, "nodes", *_outcome(run.nodes[name])) for name in sorted(run.nodes)]
    bad = run.status in {RunStatus.HALTED, RunStatus.ABORTED, RunStatus.ROLLED_BACK}
    waits = run.status is not RunStatus.DONE and not bad
    whole = (FAILED if bad else ERROR if waits else "", run.where)
    return suite(f"c2c run {run.id}", [*cases, Case("run", "run", *whole)], {"plan": run.plan.hash})


def _outcome(node: NodeRun) -> tuple[str, str]:
    if node.status in SETTLED:
        return "", ""
    if node.status in {NodeStatus.HALTED, NodeStatus.ROLLED_BACK}:
        return FAILED, f"{node.status}: {node.reason}"
    return ERROR, f"not moved: {node.status}"
