"""Moves of the run that several of its handlers make: halt, stop, begin a phase, go on.

A handler gives the numbers of the rows that it followed.
"""

from __future__ import annotations

from migrate.engine import node_machine
from migrate.engine.node_news import VOID, ask_anew
from migrate.engine.reasons import gate_slug
from migrate.engine.turn import Turn
from migrate.model.commands import Name
from migrate.model.events import Event, Kind
from migrate.model.run import CLEAN_UP, IN_HAND, MIGRATION, NodeStatus, Phase, Run, RunStatus

__all__ = [
    "NODES",
    "Rows",
    "before_the_window",
    "begin_phase",
    "forward_only",
    "gave_up",
    "go_on",
    "halt",
    "next_phase",
    "phases",
    "stop",
    "without_last_gates",
]

Rows = tuple[str, ...]
WINDOWED = frozenset(map(gate_slug, ("G-15", "G-17", "G-18", "G-27", "G-28")))
"""Halts by gates that judge what a window of time showed."""
NODES = "nodes-"
"""How an approval begins that the next nodes of P5 wait for; how many had moved before it is asked for follows."""


def phases(run: Run) -> tuple[Phase, ...]:
    """Give the phases of the run, in order."""
    return CLEAN_UP if run.plan.clean_up else MIGRATION


def forward_only(run: Run) -> bool:
    """Say whether the run is past the point of no return."""
    return run.plan.clean_up and run.phase.number >= Phase.REMOVE_CALICO.number


def halt(turn: Turn, reason: str) -> None:
    """Halt the run here and now; nothing further goes out."""
    active = turn.run.status in {RunStatus.ROLLING_BACK, RunStatus.ABORTING}
    as_ = turn.run.status if active else turn.run.resume_as
    turn.change(status=RunStatus.HALTED, reason=reason, target=None, resume_as=as_)


def stop(turn: Turn, target: RunStatus | None, reason: str) -> None:
    """Go to a checkpoint first, then to the target; None: the process leaves."""
    active = turn.run.status in {RunStatus.ROLLING_BACK, RunStatus.ABORTING}
    turn.change(
        status=RunStatus.STOPPING,
        target=target,
        target_reason=reason,
        resume_as=turn.run.status if active else RunStatus.RUNNING,
    )


def begin_phase(turn: Turn, phase: Phase) -> None:
    """Put the cursor at the first step of a phase."""
    turn.change(status=RunStatus.RUNNING, phase=phase, done=(), extensions=0, attempts=0, reason="")


def go_on(turn: Turn, event: Event) -> None:
    """Go on as before: gates of the step are asked again, halted nodes go on from what is observed.

    Whether the window is open is for the driver to say, before anything goes out.
    """
    run = turn.run
    turn.change(
        status=run.resume_as, reason="", resume_as=RunStatus.RUNNING, now=False, asked="", rolled_back=0, window_open=True,
        done=_measured_again(run), extensions=0, attempts=0, open={},
    )  # fmt: skip
    for name, node in run.nodes.items():
        if node.status is NodeStatus.HALTED or (
            node.status in IN_HAND and node.status is not NodeStatus.PREFLIGHTED
        ):
            node_machine.deliver(turn, Event(Kind.RESUME, name, turn.at, detail=event.detail, by=event.by))
        if turn.node(name).prior.get(VOID):
            ask_anew(turn, turn.node(name))
    if run.reason == "approval" and run.phase is not Phase.REPORT and not run.asked.startswith(NODES):
        next_phase(turn)


def _measured_again(run: Run) -> tuple[str, ...]:
    """Forget what the gate that stopped the run was judged by, so that it sees how things are now.

    Probes are always made again; a window only for a gate that judges windows, for it may last a day.
    """
    if run.reason == "inconclusive" or run.reason in WINDOWED:
        return before_the_window(run.done)
    if not run.reason.startswith(("gate-", "rollback", "abort-")):
        return without_last_gates(run.done)
    return without_last_gates(_without(without_last_gates(run.done), Name.PROBE))


def before_the_window(done: tuple[str, ...]) -> tuple[str, ...]:
    """Give what is done without the last window and the gates that followed it, so that both come again."""
    return _without(without_last_gates(done), Name.SOAK, Name.PROBE)


def _without(done: tuple[str, ...], *names: Name) -> tuple[str, ...]:
    keys = list(done)
    while keys and keys[-1].startswith(tuple(f"{name}(" for name in names)):
        keys.pop()
    return tuple(keys)


def without_last_gates(done: tuple[str, ...]) -> tuple[str, ...]:
    """Forget the gates at the end of what is done, and the probe that they judge: both come again before anything else."""
    keys = list(done)
    while keys and keys[-1].startswith(f"{Name.EVALUATE_GATE}("):
        keys.pop()
    if len(keys) < len(done) and keys and keys[-1].startswith(f"{Name.PROBE}("):
        keys.pop()
    return tuple(keys)


def next_phase(turn: Turn) -> None:
    """Begin the phase that follows."""
    every = phases(turn.run)
    place = every.index(turn.run.phase) + 1
    begin_phase(turn, every[place] if place < len(every) else Phase.REPORT)


def gave_up(turn: Turn) -> str:
    """Halt for what cannot be mended, and give the row."""
    match turn.run.status:
        case RunStatus.ABORTING:
            halt(turn, "abort-incomplete")
            return "21"
        case RunStatus.ROLLING_BACK:
            halt(turn, "rollback")
            return "31"
    halt(turn, "command")
    return "54"
