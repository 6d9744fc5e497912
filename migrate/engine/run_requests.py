"""What an operator asks of a run: start, pause, stop, abort, roll back, approve, accept (``state.md`` §7)."""

from __future__ import annotations

from migrate.engine import node_machine
from migrate.engine.run_moves import Rows, begin_phase, forward_only, go_on, halt, phases, stop
from migrate.engine.tables import NODE_CELLS
from migrate.engine.turn import Turn
from migrate.model.events import Event, Kind
from migrate.model.run import IN_HAND, NodeStatus, Open, Phase, RunStatus

__all__ = [
    "abort",
    "accept",
    "approve",
    "deny",
    "hang_up",
    "leave",
    "node_request",
    "pause",
    "resume",
    "roll_back",
    "start",
]


def start(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Begin the run, unless the plan is stale or blocked."""
    del opened
    run = turn.run
    if run.plan.blocked or event.detail.get("stale"):
        return ("2",)
    if (not run.window_open or event.detail.get("outside")) and not run.plan.clean_up:
        return ("3",)
    begin_phase(turn, phases(run)[0])
    return ("42",) if run.plan.clean_up else ("1",)


def resume(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Go on, or withdraw a stop."""
    del opened
    run = turn.run
    if run.status is RunStatus.STOPPING:
        turn.change(status=run.resume_as, target=None, target_reason="", now=False)
        return ("44",)
    if run.status is RunStatus.PAUSED and run.reason == "approval" and run.asked not in run.approvals:
        turn.tell(f"the approval {run.asked!r} is still awaited", "R22")
        return ()
    go_on(turn, event)
    return ("22",) if run.status is RunStatus.PAUSED else ("25",)


def node_request(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Skip or take in again one node."""
    del opened
    if event.node in turn.run.nodes:
        node_machine.deliver(turn, event)
    return ("=",)


def pause(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Finish the nodes in hand, then pause."""
    del opened
    row = "45" if turn.run.status is RunStatus.ROLLING_BACK else "15"
    stop(turn, RunStatus.PAUSED, "hang-up" if event.kind is Kind.HANG_UP else "operator")
    turn.change(now=bool(event.detail.get("now")))
    for name, node in list(turn.run.nodes.items()):
        if node.status is NodeStatus.CORDONED:
            node_machine.deliver(turn, Event(Kind.PAUSE_REQUESTED, name, turn.at, by=event.by))
    return (row,)


def leave(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """The process is asked to leave: at the checkpoint, or at once when asked twice."""
    del opened, event
    match turn.run.status:
        case RunStatus.STOPPING:
            turn.change(now=True, target=None)
            return ("17",)
        case RunStatus.PAUSED | RunStatus.HALTED:
            return ("46",)
        case RunStatus.ABORTING | RunStatus.ROLLING_BACK:
            stop(turn, None, "")
            return ("47",)
    stop(turn, None, "")
    return ("16",)


def hang_up(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Answer a lost terminal as configured."""
    policy = str(event.detail.get("policy", "finish-node"))
    if turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("46",)
    if policy == "continue":
        return ("i",) if turn.run.status is RunStatus.RUNNING else ()
    if policy == "checkpoint" and turn.run.status is RunStatus.RUNNING:
        return leave(turn, event, opened)
    return pause(turn, event, opened)


def abort(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Bring every node in hand to its nearest stable state."""
    del opened
    if forward_only(turn.run):
        stop(turn, RunStatus.HALTED, "abort-incomplete")
        turn.tell("past the point of no return there is no way back: the run halts where it is", "R19")
        return ("19",)
    stopped = turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}
    turn.change(status=RunStatus.ABORTING, reason="", target=None, done=(), resume_as=RunStatus.ABORTING,
                rollback_wanted=bool(event.detail.get("rollback")), open={} if stopped else turn.run.open)  # fmt: skip
    for name, node in list(turn.run.nodes.items()):
        if node.selected or node.status in IN_HAND or node.status is NodeStatus.HALTED:
            node_machine.deliver(
                turn, Event(Kind.ABORT_REQUESTED, name, turn.at, detail=event.detail, by=event.by)
            )
    return ("19",)


def roll_back(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Go back: one node, or everything. What was under way when the run stopped is nobody's any more: the undo looks itself."""
    run = turn.run
    if forward_only(run):
        turn.tell("rollback is refused: past the point of no return", "R28")
        return ("28",)
    if run.status is RunStatus.RUNNING:
        stop(turn, RunStatus.PAUSED, "operator")
        turn.change(kept=(*turn.run.kept, event))
        return ("61",)
    if event.node:
        return _rollback_node(turn, event, opened)
    turn.change(status=RunStatus.ROLLING_BACK, scope="all", reason="", done=(), resume_as=RunStatus.ROLLING_BACK,
                rollback_wanted=False, target=None, open={})  # fmt: skip
    return ("27",)


def _rollback_node(turn: Turn, event: Event, opened: Open | None) -> Rows:
    del opened
    run = turn.run
    if run.status.terminal:
        turn.tell("the run has ended: only `rollback --all` leads back", "R28")
        return ("28",)
    if run.phase not in {Phase.CANARY, Phase.NODE_LOOP}:
        turn.tell(
            f"{event.node} cannot go back alone: outside P4 and P5 only `rollback --all` leads back", "R26"
        )
        return ("26",)
    if NODE_CELLS[(run.nodes[event.node].status, Kind.ROLLBACK_REQUESTED)] == ("i",):
        turn.tell(f"{event.node} is {run.nodes[event.node].status}: nothing of it is to be taken back", "R26")
        return ("26",)
    turn.change(
        status=RunStatus.ROLLING_BACK, scope=event.node, reason="", resume_as=RunStatus.ROLLING_BACK, open={}
    )
    node_machine.deliver(turn, event)
    return ("26",)


def approve(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note an approval, and go on if the run waits for it; while it is halted (a refusal) it counts once it goes on."""
    del opened
    run = turn.run
    turn.change(approvals=run.approvals | {str(event.detail.get("id", ""))})
    if run.status is not RunStatus.PAUSED:
        return ("=",)
    if run.reason == "approval" and run.asked in turn.run.approvals:
        go_on(turn, event)
    return ("22",)


def deny(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Halt: the approval was refused."""
    del event, opened
    halt(turn, "denied")
    return ("23",)


def accept(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note an accepted finding or gate: of one node where an object is named, else wherever it is found."""
    del opened
    parts = [str(event.detail.get(key, "")) for key in ("id", "object")]
    key = ":".join(part for part in parts if part)
    turn.change(accepted={**turn.run.accepted, key: str(event.detail.get("reason", "accepted"))})
    return ("=",)
