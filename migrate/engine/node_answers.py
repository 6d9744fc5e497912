"""Answers to the commands and gates of a node's script, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrate.engine.asking_again import ask_gate_again
from migrate.engine.node_moves import BEHIND_PROOF, Rows, gate_lost, halt
from migrate.engine.node_news import VOID, appeared
from migrate.engine.node_progress import finish_if_done
from migrate.engine.reasons import gate_slug
from migrate.engine.script import gate as of_gate
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.run import NodeRun, NodeStatus, Open

__all__ = ["done", "failed", "gate", "unknown"]

RETRYABLE = frozenset({FailureClass.TRANSIENT, FailureClass.CONFLICT, FailureClass.WAIT})
BUDGET_RETRY_S = 5.0
OF_DRAIN = frozenset({Name.EVICT, Name.RUN_HOOK})
KEPT = ("unschedulable", "agent", "boot_id", "uid", "deleted", "followed", "again", "labelled")
"""What is remembered of what a command saw: the first answer counts."""
BUDGETS, MATRIX, RIGHTS = "G-24", "G-05", "G-22"


def done(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Take a command as done, and move the node on once its script is."""
    command = event.command
    if command is None or opened is None:
        return ("=",)
    if command.name is Name.BASELINE and event.detail.get("go") is False:
        why = ", ".join(str(f) for f in event.detail.get("findings", ()))
        turn.move_node(node.name, NodeStatus.SKIPPED, reason=why, selected=False)
        turn.raise_(Kind.NODE_SKIPPED, node.name, text=f"{node.name}: left out: {why}")
        return ("3",)
    _remember(turn, node, command, event.detail)
    if command.name is Name.PROBE and node.status in BEHIND_PROOF:
        turn.order(of_gate(5, node.name), node.name)
    return finish_if_done(turn, node.name)


def _remember(turn: Turn, node: NodeRun, command: Command, seen: Mapping[str, Any]) -> None:
    """Take what a command's observation says into the node's state."""
    prior = dict(node.prior)
    prior |= {k: seen[k] for k in KEPT if k in seen and k not in prior}
    if command.name is Name.EVICT:
        left = {uid: pod for uid, pod in node.evict.items() if uid != command.args["uid"]}
        turn.change_node(node.name, evict=left)
        return
    evict = (
        {p["uid"]: p for p in seen["pods"]} if command.name is Name.CORDON and "pods" in seen else node.evict
    )
    attempts = (
        node.attempts if command.name is Name.PROBE else 0
    )  # a probe that comes again is part of an attempt
    turn.change_node(node.name, done=(*node.done, command.key), prior=prior, evict=evict, attempts=attempts)


def failed(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Ask again for what may pass, give up the rest."""
    command, failure = event.command, event.failure
    if node.status is NodeStatus.HALTED:
        return ("=",)
    if command is None or opened is None:
        return ("38",)
    if command.name is Name.LABEL_NODE and event.detail.get("pods") and node.status is NodeStatus.DRAINED:
        return appeared(turn, node, event, None)
    late = turn.at >= opened.until
    if failure in RETRYABLE and not late:
        after = float(event.detail.get("after_s", BUDGET_RETRY_S))
        turn.again(opened, after_s=after)
        return ("6",) if command.name is Name.EVICT and node.status is NodeStatus.CORDONED else ("38",)
    return _gave_up(turn, node, command, denied=failure is FailureClass.DENIED, late=late)


def _gave_up(turn: Turn, node: NodeRun, command: Command, *, denied: bool, late: bool) -> Rows:
    if node.status is NodeStatus.ROLLING_BACK:
        return halt(turn, node, "rollback", "30")
    if command.name in OF_DRAIN and node.status is NodeStatus.CORDONED and not denied:
        return halt(turn, node, "drain", "7" if late else "48")
    if command.name is Name.RESTART_AGENT and node.status is NodeStatus.LABELLED and not denied:
        return halt(turn, node, "agent", "11")
    if command.name is Name.REBOOT and node.status is NodeStatus.CNI_SWITCHED and not denied:
        return halt(turn, node, "reboot", "13")
    return halt(turn, node, "command", "39", denied=denied)


def unknown(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Look before anything else; a second time it is given up (``state.md`` N40)."""
    if node.status is NodeStatus.HALTED:
        return ("=",)
    if event.command is None or opened is None:
        return ("40",)
    if event.command.reconcile:
        _gave_up(turn, node, event.command, denied=False, late=True)
        return ("30",) if node.status is NodeStatus.ROLLING_BACK else ("39",)
    turn.again(opened, after_s=0, reconcile=True)
    return ("40",)


def gate(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Take the answer of a gate: pass, again, extend, or give up."""
    command = event.command
    if command is None or opened is None:
        return ("=",)
    if node.status is NodeStatus.HALTED:
        return ("=",)
    outcome = event.outcome
    if outcome is not GateOutcome.PASS and (why := turn.run.acceptance(event.gate, node.name)):
        turn.tell(f"{node.name}: {event.gate} {outcome}, accepted: {why}", node=node.name)
        outcome = GateOutcome.PASS
    if outcome is GateOutcome.PASS:
        void = {VOID} if event.gate == MATRIX else set()
        prior = {k: v for k, v in node.prior.items() if k not in void}
        turn.change_node(node.name, done=(*node.done, command.key), attempts=0, prior=prior)
        return finish_if_done(turn, node.name)
    if node.status is NodeStatus.PENDING:
        return _gate_before(turn, node, event, opened)
    if node.status is NodeStatus.UNCORDONED and outcome is GateOutcome.INCONCLUSIVE:
        return _extend(turn, node)
    if node.attempts < turn.run.plan.draft.settings.gates.retries:
        turn.change_node(node.name, attempts=node.attempts + 1)
        ask_gate_again(turn, node.name, opened)
        return ("=",)
    return gate_lost(turn, node, event)


def _gate_before(turn: Turn, node: NodeRun, event: Event, opened: Open) -> Rows:
    """A budget or a backend allows nothing now: the node waits uncordoned until the drain's deadline.

    A right that is gone does not come back by waiting: it is asked for as often as any gate.
    """
    over = turn.at >= node.drain_until
    if event.gate == RIGHTS:
        over = over or node.attempts >= turn.run.plan.draft.settings.gates.retries
        turn.change_node(node.name, attempts=node.attempts + 1)
    if over:
        return halt(
            turn, turn.node(node.name), "drain" if event.gate == BUDGETS else gate_slug(event.gate), "7"
        )
    turn.again(opened, after_s=BUDGET_RETRY_S)
    return ("49",)


def _extend(turn: Turn, node: NodeRun) -> Rows:
    """Soak once more: what was inconclusive needs another window."""
    if node.extensions >= turn.run.plan.draft.settings.gates.max_extensions:
        return halt(turn, node, "inconclusive", "22")
    turn.change_node(node.name, done=(), extensions=node.extensions + 1)
    return ("22",)
