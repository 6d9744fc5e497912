"""The machine of one node: what each event does to it (``state.md`` §3.2).

A handler changes the turn and gives the numbers of the rows that it followed; ``deliver`` checks them against the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migrate.engine import node_answers, node_news, node_requests
from migrate.engine.node_moves import Rows
from migrate.engine.node_progress import finish_if_done
from migrate.engine.tables import NODE_CELLS, NODE_ROWS
from migrate.engine.turn import Turn
from migrate.model.events import Event, Kind
from migrate.model.run import NodeRun, Open

__all__ = ["deliver", "finish_if_done", "words"]

NEWS = frozenset(
    {
        Kind.NODE_REBOOTED,
        Kind.AGENT_RESTARTED,
        Kind.CALICO_POD_APPEARED,
        Kind.SCHEDULING_CHANGED,
        Kind.LABEL_CHANGED,
        Kind.TIMER_FIRED,
        Kind.WATCH_ALARM,
    }
)
"""News that change nothing where the table says ``=``."""


def deliver(turn: Turn, event: Event, opened: Open | None = None) -> None:
    """Give an event to a node's machine; what no row answers is journalled as ignored."""
    node = turn.node(event.node)
    cell = NODE_CELLS.get((node.status, event.kind), ("i",))
    if cell == ("i",):
        _ignore(turn, node, event)
        return
    if cell == ("=",) and event.kind in NEWS:
        return
    rows = _HANDLERS[event.kind](turn, node, event, opened)
    wrong = set(rows) - set(cell)
    if wrong:
        raise AssertionError(f"{node.status} × {event.kind}: rows {sorted(wrong)} are not in the table")
    if rows == ("i",):
        _ignore(turn, node, event)
        return
    after = turn.node(event.node).status
    if rows and rows != ("=",):
        turn.tell(
            event.text or words(event.node, rows),
            *(f"N{r}" for r in rows),
            node=event.node,
            before=str(node.status),
            after=str(after),
        )


def _ignore(turn: Turn, node: NodeRun, event: Event) -> None:
    turn.tell(f"{node.name}: {event.kind} means nothing in {node.status}", "i", node=node.name)


def words(name: str, rows: Rows) -> str:
    """Give the sentence of the rows that a node followed."""
    return f"{name}: {'; '.join(NODE_ROWS[row].partition(': ')[2] or NODE_ROWS[row] for row in rows if row in NODE_ROWS)}"


_HANDLERS: Mapping[Kind, Callable[[Turn, NodeRun, Event, Open | None], Rows]] = {
    Kind.SELECTED: node_requests.selected,
    Kind.RETRY_REQUESTED: node_requests.selected,
    Kind.COMMAND_DONE: node_answers.done,
    Kind.COMMAND_FAILED: node_answers.failed,
    Kind.COMMAND_UNKNOWN: node_answers.unknown,
    Kind.GATE_RESULT: node_answers.gate,
    Kind.WATCH_ALARM: node_news.alarm,
    Kind.ROLLBACK_REQUESTED: node_requests.roll_back,
    Kind.ABORT_REQUESTED: node_requests.abort,
    Kind.RESUME: node_requests.resume,
    Kind.PAUSE_REQUESTED: node_requests.pause,
    Kind.SKIP_REQUESTED: node_requests.skip,
    Kind.NODE_REBOOTED: node_news.rebooted,
    Kind.AGENT_RESTARTED: node_news.agent_restarted,
    Kind.CALICO_POD_APPEARED: node_news.appeared,
    Kind.SCHEDULING_CHANGED: node_news.scheduling,
    Kind.LABEL_CHANGED: node_news.label,
    Kind.NODE_REMOVED: node_news.removed,
    Kind.TIMER_FIRED: node_news.timer,
}
