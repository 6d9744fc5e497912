"""Answers to commands that belong to the run itself, and what follows from the run's own progress."""

from __future__ import annotations

from dataclasses import replace

from migrate.engine.gates import OF_PROBES
from migrate.engine.phase_scripts import phase_script
from migrate.engine.reasons import gate_slug
from migrate.engine.run_moves import Rows, before_the_window, gave_up, next_phase, stop
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, FailureClass, GateOutcome
from migrate.model.run import Open, Phase, Run, RunStatus

__all__ = ["command_done", "command_failed", "command_unknown", "gate", "phase_complete", "precondition"]

GATE_RETRY_S = 10.0


def command_done(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Take a command as done and move the cursor."""
    if event.command is None or opened is None:
        return _settled(turn.run, "=")
    undo = {**turn.run.undo, **event.detail.get("undo", {})}
    attempts = (
        turn.run.attempts if event.command.name is Name.PROBE else 0
    )  # a probe that comes again is part of one
    turn.change(done=(*turn.run.done, event.command.key), attempts=attempts, undo=undo)
    return _settled(turn.run, "60" if event.command.node else "=")


def _settled(run: Run, row: str) -> Rows:
    return (
        ("18",) if run.status is RunStatus.STOPPING else (row,) if run.status is RunStatus.RUNNING else ("=",)
    )


def command_failed(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Try again what may pass, halt for the rest."""
    run = turn.run
    if run.status is RunStatus.STOPPING:
        return ("18",)
    if run.status in {RunStatus.PAUSED, RunStatus.HALTED} or opened is None:
        return ("=",) if run.status in {RunStatus.PAUSED, RunStatus.HALTED} else ("53",)
    again = event.failure in {FailureClass.TRANSIENT, FailureClass.CONFLICT, FailureClass.WAIT}
    if again and turn.at < opened.until:
        turn.again(opened, after_s=float(event.detail.get("after_s", 5.0)))
        return ("53",)
    return (gave_up(turn),)


def command_unknown(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Look whether it took effect; a second time halt."""
    run = turn.run
    if run.status is RunStatus.STOPPING:
        return ("18",)
    if run.status in {RunStatus.PAUSED, RunStatus.HALTED} or opened is None or event.command is None:
        return ("=",) if run.status in {RunStatus.PAUSED, RunStatus.HALTED} else ("55",)
    if event.command.reconcile:
        return (gave_up(turn),)
    turn.again(opened, after_s=0, reconcile=True)
    return ("55",)


def gate(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Take a gate of the phase: pass, again, extend, or stop."""
    run = turn.run
    if event.command is None or opened is None:
        return ("=",)
    outcome = event.outcome
    if outcome is not GateOutcome.PASS and (why := run.acceptance(event.gate, event.node)):
        turn.tell(f"{event.gate} {outcome}, accepted: {why}")
        outcome = GateOutcome.PASS
    if outcome is GateOutcome.PASS:
        turn.change(done=(*run.done, event.command.key), attempts=0)
        return ("18",) if run.status is RunStatus.STOPPING else ("=",)
    if run.status in {RunStatus.STOPPING, RunStatus.PAUSED, RunStatus.HALTED}:
        return ("18",) if run.status is RunStatus.STOPPING else ("=",)
    if run.status is not RunStatus.RUNNING:
        return _gate_on_the_way_back(turn, opened)
    if outcome is GateOutcome.INCONCLUSIVE:
        return _inconclusive(turn, opened)
    return _gate_failed(turn, event, opened)


def _gate_on_the_way_back(turn: Turn, opened: Open) -> Rows:
    if turn.run.attempts < turn.run.plan.draft.settings.gates.retries:
        turn.change(attempts=turn.run.attempts + 1)
        _ask_again(turn, opened)
        return ("=",)
    return (gave_up(turn),)


def _ask_again(turn: Turn, opened: Open) -> None:
    """Ask a gate once more in a while; for one that judges probes they come again first: what they found is on record."""
    probes = [k for k in turn.run.done if k.startswith(f"{Name.PROBE}(")]
    if opened.command.args.get("gate") not in OF_PROBES or not probes:
        turn.again(opened, after_s=GATE_RETRY_S)
        return
    turn.change(done=tuple(k for k in turn.run.done if k != probes[-1]))
    for command in phase_script(turn.run):
        if command.key == probes[-1]:
            turn.order(replace(command, after_s=GATE_RETRY_S))


def _inconclusive(turn: Turn, opened: Open) -> Rows:
    """Extend the window, then wait for a person or halt; it never passes by itself.

    A gate without a window, which could not be measured at all, is asked again in a while.
    """
    run, gates = turn.run, turn.run.plan.draft.settings.gates
    if run.extensions < gates.max_extensions:
        before = before_the_window(run.done)
        windows = [k for k in run.done[len(before) :] if not k.startswith(f"{Name.EVALUATE_GATE}(")]
        turn.change(extensions=run.extensions + 1, done=before if windows else run.done)
        if not windows:
            turn.again(opened, after_s=GATE_RETRY_S)
        return ("12",)
    if gates.inconclusive == "wait":
        stop(turn, RunStatus.PAUSED, "inconclusive")
    else:
        stop(turn, RunStatus.HALTED, "inconclusive")
    return ("13",)


def _gate_failed(turn: Turn, event: Event, opened: Open) -> Rows:
    run, settings = turn.run, turn.run.plan.draft.settings
    if run.attempts < settings.gates.retries:
        turn.change(attempts=run.attempts + 1)
        _ask_again(turn, opened)
        return ("=",)
    if run.phase is Phase.ENFORCE and event.node and settings.on_failure == "rollback-node":
        stop(turn, RunStatus.HALTED, "node-rolled-back")
        own = f"({event.node}"
        turn.change(done=tuple(k for k in run.done if own not in k))
        turn.order(Command(Name.SET_ENFORCEMENT, event.node, {"on": False}))
        return ("11",)
    stop(turn, RunStatus.HALTED, gate_slug(event.gate))
    return ("11",)


def phase_complete(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Go to the next phase, wait for its approval, or be done."""
    del event, opened
    run = turn.run
    if run.status is not RunStatus.RUNNING:
        return ("=",)
    if run.phase is Phase.REPORT:
        turn.change(status=RunStatus.DONE, reason="")
        return ("43",)
    if approval := _approval_after(run):
        turn.change(asked=approval)
        stop(turn, RunStatus.PAUSED, "approval")
        turn.order(Command(Name.ASK, args={"id": approval}))
        return ("5",)
    last = run.phase is Phase.SOAK
    next_phase(turn)
    return ("41",) if last else ("4",)


def _approval_after(run: Run) -> str:
    """Give the approval that the next phase waits for; empty where none is, or it is given already."""
    waves = run.plan.draft.settings.waves
    wanted = "canary" if run.phase is Phase.CANARY and waves.canary_approval else ""
    return wanted if wanted and wanted not in run.approvals else ""


def precondition(turn: Turn, event: Event, opened: Open | None) -> Rows:
    """Stop before a phase whose precondition does not hold."""
    del event, opened
    match turn.run.status:
        case RunStatus.PLANNED:
            return ("2",)
        case RunStatus.RUNNING:
            stop(turn, RunStatus.HALTED, "precondition")
            return ("6",)
        case RunStatus.HALTED:
            return ("=",)
    return (gave_up(turn),)
