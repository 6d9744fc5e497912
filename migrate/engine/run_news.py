"""News that nobody asked for: of nodes, of time, of the lock, of the API and of the journal."""

from __future__ import annotations

from dataclasses import replace

from migrate.engine import node_machine
from migrate.engine.asking_again import retry_gates
from migrate.engine.node_moves import successor
from migrate.engine.node_news import VOID, ask_anew
from migrate.engine.run_moves import Rows, gave_up, go_on, halt, stop, without_last_gates
from migrate.engine.run_requests import start
from migrate.engine.script import gate
from migrate.engine.turn import Turn
from migrate.model.events import Event, Kind
from migrate.model.run import IN_HAND, NodeRun, NodeStatus, Open, Phase, Run, RunStatus

__all__ = [
    "alarm",
    "deadline",
    "drift",
    "journal_failed",
    "lease_acquired",
    "lease_lost",
    "lease_refused",
    "node_added",
    "node_complete",
    "node_halted",
    "node_news",
    "node_removed",
    "node_rolled_back",
    "node_skipped",
    "reachable",
    "timer",
    "unreachable",
    "window_closed",
    "window_opened",
]

API_LIMIT_S = 300.0
NEVER_ROLLED_BACK = frozenset({"reboot", "drift", "rollback", "inconclusive"})
"""Halt reasons of a node that ``onFailure: rollback-node`` does not answer with a rollback (R9)."""
UNTOUCHED = frozenset({NodeStatus.PENDING, NodeStatus.PREFLIGHTED})


def node_complete(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note that a node is done; the next one follows from the state."""
    del opened, event
    match turn.run.status:
        case RunStatus.STOPPING:
            return ("18",)
        case RunStatus.RUNNING:
            return ("7",)
    return ("=",)


def node_halted(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Send the node back, or stop the run, as configured."""
    del opened
    run, settings = turn.run, turn.run.plan.draft.settings
    reason = str(event.detail.get("reason", "command"))
    match run.status:
        case RunStatus.STOPPING:
            turn.change(target=RunStatus.HALTED, target_reason=reason)
            return ("18",)
        case RunStatus.ABORTING | RunStatus.ROLLING_BACK:
            return (gave_up(turn),)
        case RunStatus.PAUSED | RunStatus.HALTED:
            return ("=",)
    if reason == "inconclusive":
        wait = settings.gates.inconclusive == "wait"
        stop(turn, RunStatus.PAUSED if wait else RunStatus.HALTED, reason)
        return ("13",)
    if (
        settings.on_failure == "rollback-node"
        and reason not in NEVER_ROLLED_BACK
        and not event.detail.get("denied")  # the way back would not be allowed either
        and _to_take_back(run, event)
    ):
        detail = {"policy": True, "reason": reason}
        node_machine.deliver(turn, Event(Kind.ROLLBACK_REQUESTED, event.node, turn.at, detail=detail))
        return ("9",)
    stop(turn, RunStatus.HALTED, reason)
    return ("10",)


def _to_take_back(run: Run, event: Event) -> bool:
    """Say whether there is anything to take back: a node that was never cordoned is on Calico as it was.

    A machine that was deleted is gone.
    """
    began = run.nodes[event.node].came_from
    if run.nodes[event.node].prior.get("deleted"):
        return False
    return run.phase in {Phase.CANARY, Phase.NODE_LOOP} and began not in UNTOUCHED


def node_rolled_back(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Go on, or stop where too many nodes went back."""
    del opened
    run, settings = turn.run, turn.run.plan.draft.settings
    node = run.nodes[event.node]
    match run.status:
        case RunStatus.STOPPING:
            return ("18",)
        case RunStatus.ROLLING_BACK if run.scope == event.node:
            turn.change(scope="", resume_as=RunStatus.RUNNING, status=RunStatus.STOPPING, target=RunStatus.PAUSED,
                        target_reason="operator")  # fmt: skip
            return ("29",)
        case RunStatus.RUNNING:
            turn.change(rolled_back=run.rolled_back + 1)
            if run.rolled_back + 1 >= settings.failed_nodes and node.rollbacks > settings.node_retries:
                stop(turn, RunStatus.HALTED, "node-rolled-back")
            return ("29",)
    return ("=",)


def node_skipped(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note that a node is left out."""
    del event, opened
    return ("7",) if turn.run.status is RunStatus.RUNNING else ("=",)


def node_added(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Adopt a node that joined: it is migrated like the others; from P6 on it is on Cilium at once, and has to show it."""
    del opened
    run = turn.run
    if event.node and event.node not in run.nodes:
        late = run.phase.number >= Phase.FINAL_HELM.number
        joined = NodeRun(event.node, NodeStatus.DONE, prior={VOID: True}) if late else _joins(run, event)
        turn.set_node(joined)
        first = (
            not late and run.plan.draft.settings.nodes.move == "replace"
        )  # proved before the next one goes
        turn.change(waves=((event.node,), *run.waves) if first else (*run.waves, (event.node,)))
        if late:
            turn.change(order=(*run.order, event.node))
        if late and run.status is RunStatus.RUNNING:
            ask_anew(turn, joined)
            turn.order(gate(11, event.node), event.node)
    match run.status:
        case RunStatus.RUNNING:
            return ("35",)
        case RunStatus.PAUSED | RunStatus.HALTED:
            return ("48",)
    return ("=",)


def _joins(run: Run, event: Event) -> NodeRun:
    """Give a node that joins while nodes are moved; one that carries the label is on Cilium since its birth."""
    born = run.phase in {Phase.CANARY, Phase.NODE_LOOP} and bool(event.detail.get("labelled"))
    return successor(event.node, labelled=True) if born else NodeRun(event.node)


def node_removed(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Let go of a node that was deleted."""
    del opened
    if event.node in turn.run.nodes:
        node_machine.deliver(turn, event)
    match turn.run.status:
        case RunStatus.RUNNING:
            return ("36",)
        case RunStatus.PAUSED | RunStatus.HALTED:
            return ("48",)
    return ("=",)


def node_news(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """A node rebooted, its agent restarted, somebody touched it: its own machine decides."""
    del opened
    if turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("48",)
    if event.node in turn.run.nodes:
        node_machine.deliver(turn, event)
    return ("=",)


def drift(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Halt for a difference that nothing explains."""
    del opened
    if turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("48",)
    if event.detail.get("explained") and turn.run.status is RunStatus.RUNNING:
        if event.node in turn.run.nodes and "status" in event.detail:
            _as_new(turn, event)
        return ("37",)
    halt(turn, "drift")
    return ("38",)


def _as_new(turn: Turn, event: Event) -> None:
    """Begin a node anew from what was observed: what is known of it belongs to another machine."""
    left = {k: o for k, o in turn.run.open.items() if o.owner != event.node}
    turn.change(open=left, order=tuple(n for n in turn.run.order if n != event.node))
    made = successor(event.node, labelled=bool(event.detail.get("labelled")))
    turn.set_node(replace(made, status=NodeStatus(event.detail["status"])))


def alarm(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Halt for a continuous gate that fell."""
    del opened
    match turn.run.status:
        case RunStatus.RUNNING:
            halt(turn, "watch")
            return ("14",)
        case RunStatus.PAUSED | RunStatus.HALTED:
            turn.change(status=RunStatus.HALTED, reason="watch")
            return ("49",)
    if event.gate == "G-14":
        halt(turn, "watch")
        return ("14",)
    return ("50",)


def timer(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Take note of a timer of the run."""
    del turn, event, opened
    return ("=",)


def window_closed(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note that changes may not be made now."""
    del event, opened
    turn.change(window_open=False)
    return ("39",) if turn.run.status in {RunStatus.RUNNING, RunStatus.STOPPING} else ("=",)


def window_opened(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Go on where the window had closed."""
    run = turn.run
    turn.change(window_open=True)
    if run.status is RunStatus.PLANNED:
        return ("3",)
    if run.status is RunStatus.PAUSED:
        if run.reason == "window":
            go_on(turn, event)
        return ("24",)
    del opened
    return ("=",)


def deadline(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Stop at a checkpoint: the working time is used up."""
    del event, opened
    if turn.run.status is RunStatus.RUNNING:
        stop(turn, RunStatus.PAUSED, "deadline")
        return ("40",)
    return ("40",) if turn.run.status is RunStatus.STOPPING else ("=",)


def lease_lost(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Halt at once: another process may act."""
    del event, opened
    if turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("=",)
    halt(turn, "lease")
    return ("32",)


def lease_acquired(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """A process begins to act for this run: it looks whether what was in flight took effect."""
    del opened
    run = turn.run
    match run.status:
        case RunStatus.PLANNED:
            return start(turn, event, None) if event.detail.get("start") else ("1",)
        case RunStatus.STOPPING:
            if run.target is None:  # the process that was to leave has left
                turn.change(status=run.resume_as, target_reason="", now=False)
            _look_again(turn)
            return ("57",)
        case RunStatus.RUNNING | RunStatus.ABORTING | RunStatus.ROLLING_BACK:
            _look_again(turn)
            return ("56",)
        case RunStatus.HALTED:
            return ("52",)
    return ("=",)


def _look_again(turn: Turn) -> None:
    """Send out again, to be looked at first, what another process had in flight; ask its gates again."""
    for opened in list(turn.run.open.values()):
        turn.again(opened, after_s=0, reconcile=True)
    turn.change(done=without_last_gates(turn.run.done))
    for name, node in turn.run.nodes.items():
        if node.status in IN_HAND:
            retry_gates(turn, name)


def lease_refused(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Stay where the run is: somebody else holds the lock."""
    del event, opened
    return ("3",) if turn.run.status is RunStatus.PLANNED else ("=",)


def unreachable(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Wait for the API, and halt where it stays away."""
    del event, opened
    run = turn.run
    if run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("=",)
    since = run.unreachable_since if run.unreachable_since is not None else turn.at
    turn.change(unreachable_since=since)
    if turn.at - since < API_LIMIT_S or run.status is RunStatus.STOPPING:
        return ("33",)
    halt(turn, "api")
    return ("34",)


def reachable(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Note that the API answers again."""
    del event, opened
    turn.change(unreachable_since=None)
    return ("51",)


def journal_failed(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Halt: an intent cannot be made durable."""
    del event, opened
    if turn.run.status in {RunStatus.PAUSED, RunStatus.HALTED}:
        return ("=",)
    halt(turn, "journal")
    return ("59",)
