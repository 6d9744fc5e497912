"""The engine's one way in: a state and an event give the next state, the commands that go out, and what to say.

Pure: the same state and event give the same answer on every machine, so a journal can be played back and a run resumed
from any prefix of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from migrate.engine import node_machine, run_machine
from migrate.engine.advance import advance
from migrate.engine.turn import Said, Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.plan import Plan
from migrate.model.run import NodeRun, Open, Run

__all__ = ["Stepped", "begin", "step"]

ANSWERS = frozenset({Kind.COMMAND_DONE, Kind.COMMAND_FAILED, Kind.COMMAND_UNKNOWN, Kind.GATE_RESULT})
NODE_ONLY = frozenset({Kind.SELECTED, Kind.TIMER_FIRED, Kind.WATCH_ALARM})
OF_A_NODE = frozenset(
    {
        Kind.SELECTED,
        Kind.SKIP_REQUESTED,
        Kind.RETRY_REQUESTED,
        Kind.NODE_COMPLETE,
        Kind.NODE_HALTED,
        Kind.NODE_ROLLED_BACK,
        Kind.NODE_SKIPPED,
        Kind.NODE_ADDED,
        Kind.NODE_REMOVED,
        Kind.NODE_REBOOTED,
        Kind.AGENT_RESTARTED,
        Kind.CALICO_POD_APPEARED,
        Kind.SCHEDULING_CHANGED,
        Kind.LABEL_CHANGED,
    }
)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The answer: the next state, commands in the order of going out, and sentences."""

    run: Run
    commands: tuple[Command, ...]
    said: tuple[Said, ...]


def begin(run_id: str, plan: Plan, nodes: Sequence[str], *, attended: bool = False) -> Run:
    """Give the state of a run that has not begun: every node PENDING, waves as planned."""
    return Run(run_id, plan, nodes={n: NodeRun(n) for n in nodes}, waves=plan.draft.waves, attended=attended)


def step(run: Run, event: Event) -> Stepped:
    """Work off one event and whatever follows from it, then send out what is due."""
    turn = Turn(run, event.at)
    turn.queue.append(event)
    while True:
        while turn.queue:
            _deliver(turn, turn.queue.popleft())
        advance(turn)
        if not turn.queue:
            return Stepped(turn.run, tuple(turn.ordered), tuple(turn.said))


def _deliver(turn: Turn, event: Event) -> None:
    opened: Open | None = None
    if event.kind in ANSWERS:
        opened = turn.close(event.command) if event.command is not None and _fits(event) else None
        if opened is None:
            turn.tell(f"{event.kind}: an answer that nobody waits for", "i", node=event.node)
            return
        if opened.owner:
            told = event if event.node == opened.owner else replace(event, node=opened.owner)
            node_machine.deliver(turn, told, opened)
            return
    elif (
        (event.kind in OF_A_NODE or event.node)
        and event.node not in turn.run.nodes
        and event.kind is not Kind.NODE_ADDED
    ):
        turn.tell(f"{event.kind}: {event.node or 'no node'} is no node of this run", "i", node=event.node)
        return
    elif event.node and event.kind in NODE_ONLY:
        node_machine.deliver(turn, event)
        return
    run_machine.deliver(turn, event, opened)


def _fits(event: Event) -> bool:
    """Say whether the answer is of the sort that its command gives: results belong to gates, and to gates alone."""
    of_a_gate = event.command is not None and event.command.name is Name.EVALUATE_GATE
    match event.kind:
        case Kind.GATE_RESULT:
            return of_a_gate
        case Kind.COMMAND_DONE:
            return not of_a_gate
    return True
