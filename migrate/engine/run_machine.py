"""The machine of the run: what each event does to it (``state.md`` §2.3).

A handler changes the turn and gives the numbers of the rows that it followed; ``deliver`` checks them against the table.
What is done next follows from the state alone and stands in ``advance``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migrate.engine import run_answers, run_news, run_requests
from migrate.engine.run_moves import Rows
from migrate.engine.tables import RUN_CELLS, RUN_ROWS
from migrate.engine.turn import Turn
from migrate.model.events import Event, Kind
from migrate.model.run import Open

__all__ = ["deliver"]


def deliver(turn: Turn, event: Event, opened: Open | None = None) -> None:
    """Give an event to the run's machine; what no row answers is journalled as ignored."""
    run = turn.run
    cell = RUN_CELLS[(run.status, event.kind)]
    if cell == ("i",):
        turn.tell(f"{event.kind} means nothing in {run.where}", "i")
        return
    if cell == ("q",):
        turn.change(kept=(*run.kept, event))
        return
    rows = _HANDLERS[event.kind](turn, event, opened)
    wrong = set(rows) - set(cell)
    if wrong:
        raise AssertionError(f"{run.status} × {event.kind}: rows {sorted(wrong)} are not in the table")
    if rows and not set(rows) <= {"=", "q", "i"}:
        told = [row for row in rows if row in RUN_ROWS]
        text = event.text or "; ".join(RUN_ROWS[row].partition(": ")[2] for row in told)
        turn.tell(text, *(f"R{row}" for row in told), before=run.where, after=turn.run.where)


_HANDLERS: Mapping[Kind, Callable[[Turn, Event, Open | None], Rows]] = {
    Kind.START: run_requests.start,
    Kind.RESUME: run_requests.resume,
    Kind.SKIP_REQUESTED: run_requests.node_request,
    Kind.RETRY_REQUESTED: run_requests.node_request,
    Kind.PAUSE_REQUESTED: run_requests.pause,
    Kind.STOP_REQUESTED: run_requests.leave,
    Kind.HANG_UP: run_requests.hang_up,
    Kind.ABORT_REQUESTED: run_requests.abort,
    Kind.ROLLBACK_REQUESTED: run_requests.roll_back,
    Kind.APPROVE: run_requests.approve,
    Kind.DENY: run_requests.deny,
    Kind.ACCEPT_FINDING: run_requests.accept,
    Kind.COMMAND_DONE: run_answers.command_done,
    Kind.COMMAND_FAILED: run_answers.command_failed,
    Kind.COMMAND_UNKNOWN: run_answers.command_unknown,
    Kind.GATE_RESULT: run_answers.gate,
    Kind.PHASE_COMPLETE: run_answers.phase_complete,
    Kind.PRECONDITION_FAILED: run_answers.precondition,
    Kind.NODE_COMPLETE: run_news.node_complete,
    Kind.NODE_HALTED: run_news.node_halted,
    Kind.NODE_ROLLED_BACK: run_news.node_rolled_back,
    Kind.NODE_SKIPPED: run_news.node_skipped,
    Kind.NODE_ADDED: run_news.node_added,
    Kind.NODE_REMOVED: run_news.node_removed,
    Kind.NODE_REBOOTED: run_news.node_news,
    Kind.AGENT_RESTARTED: run_news.node_news,
    Kind.CALICO_POD_APPEARED: run_news.node_news,
    Kind.SCHEDULING_CHANGED: run_news.node_news,
    Kind.LABEL_CHANGED: run_news.node_news,
    Kind.DRIFT_FOUND: run_news.drift,
    Kind.WATCH_ALARM: run_news.alarm,
    Kind.TIMER_FIRED: run_news.timer,
    Kind.WINDOW_CLOSED: run_news.window_closed,
    Kind.WINDOW_OPENED: run_news.window_opened,
    Kind.DEADLINE_EXPIRED: run_news.deadline,
    Kind.LEASE_LOST: run_news.lease_lost,
    Kind.LEASE_ACQUIRED: run_news.lease_acquired,
    Kind.LEASE_REFUSED: run_news.lease_refused,
    Kind.API_UNREACHABLE: run_news.unreachable,
    Kind.API_BACK: run_news.reachable,
    Kind.JOURNAL_FAILED: run_news.journal_failed,
}
