"""One turn of the machine: the state while an event is worked off, what was ordered, what is said of it.

Mutable on purpose and never kept: ``step`` makes one, the handlers change it, and only frozen values leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from migrate.model.census import Nodes
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.run import NodeRun, NodeStatus, Open, Run, RunStatus

__all__ = ["Said", "Turn"]

RETRY_S = 5.0
FOREVER_S = 10.0**9


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence for people and the rows that it comes from (``R4``, ``N10``); ``i`` stands for an ignored event."""

    text: str
    rows: tuple[str, ...]
    node: str = ""
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Turn:
    """The state in the making; ``at`` is the event's time.

    ``began`` is the state before it, in which everything that was due had gone out; ``touched`` are the nodes that changed
    since, themselves or in what is in flight for them.
    """

    run: Run
    at: float
    queue: deque[Event] = field(default_factory=deque)
    ordered: list[Command] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    began: Run = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.run

    @property
    def is_steady(self) -> bool:
        """Say whether the run itself is as it was: then nothing new is due for a node that was not touched."""
        before, now = self.began, self.run
        return (
            before.status is now.status
            and before.phase is now.phase
            and before.window_open == now.window_open
        )

    def change(self, **fields: Any) -> None:  # noqa: ANN401  # fields of Run
        """Replace fields of the run."""
        self.run = replace(self.run, **fields)

    def node(self, name: str) -> NodeRun:
        """Give a node's state."""
        return self.run.nodes[name]

    def set_node(self, node: NodeRun) -> None:
        """Put a node's state."""
        self.touched.add(node.name)
        self.change(nodes=Nodes.of(self.run.nodes).with_node(node))

    def change_node(self, name: str, **fields: Any) -> NodeRun:  # noqa: ANN401  # fields of NodeRun
        """Replace fields of a node and give it back."""
        node = replace(self.node(name), **fields)
        self.set_node(node)
        return node

    def move_node(self, name: str, status: NodeStatus, **fields: Any) -> NodeRun:  # noqa: ANN401  # fields of NodeRun
        """Bring a node into a state; what was done in the old one no longer counts."""
        return self.change_node(name, status=status, done=(), attempts=0, **fields)

    def tell(self, text: str, *rows: str, node: str = "", before: str = "", after: str = "") -> None:
        """Say what happened."""
        self.said.append(Said(text, rows, node, before, after))

    def raise_(self, kind: Kind, node: str = "", **fields: Any) -> None:  # noqa: ANN401  # fields of Event
        """Put an event of our own behind those that wait."""
        self.queue.append(Event(kind, node, self.at, **fields))

    def order(self, command: Command, owner: str = "") -> None:
        """Send a command out, unless the same one is out already."""
        known = self.run.open.get(command.key)
        if known is not None and not (command.after_s or command.reconcile):
            return
        until = (
            known.until
            if known is not None and not command.reconcile
            else self.at + self._limit(command, owner)
        )
        attempts = known.attempts + 1 if known is not None else 1
        now = replace(command, after_s=0) if command.after_s else command
        made = Open(now, self.at, until, owner, attempts)
        self.change(open={**self.run.open, command.key: made})
        self.ordered.append(command)

    def again(self, opened: Open, *, after_s: float = RETRY_S, reconcile: bool = False) -> None:
        """Send a command out once more, its deadline kept unless it is looked at anew."""
        self.change(open={**self.run.open, opened.command.key: opened})
        self.order(replace(opened.command, after_s=after_s, reconcile=reconcile), opened.owner)

    def close(self, command: Command) -> Open | None:
        """Take a command out of flight; None where it was not in flight."""
        left = dict(self.run.open)
        found = left.pop(command.key, None)
        self.change(open=left)
        if found is not None:
            self.touched.add(found.owner)
        return found

    def _limit(self, command: Command, owner: str) -> float:
        settings = self.run.plan.draft.settings
        if command.name in settings.deadlines.commands:
            return settings.deadlines.commands[command.name]
        node = self.run.nodes.get(owner)
        waits_to_drain = command.name is Name.EVALUATE_GATE and node and node.status is NodeStatus.PENDING
        if node is not None and (command.name is Name.EVICT or waits_to_drain):
            return max(0.0, node.drain_until - self.at)
        if command.name in {Name.SOAK, Name.COLLECT_FLOWS, Name.COLLECT_BASELINE_FLOWS, Name.ASK}:
            return FOREVER_S
        limit = command.nature.timeout_s
        if command.name is Name.EVALUATE_GATE or limit is None:
            return settings.deadlines.step_s
        return limit


def names(nodes: Mapping[str, NodeRun], statuses: Iterable[NodeStatus]) -> list[str]:
    """Give the nodes in one of these states."""
    wanted = set(statuses)
    return [name for name, node in nodes.items() if node.status in wanted]


def stops_at_will(status: RunStatus) -> bool:
    """Say whether a run in this state does nothing until somebody speaks."""
    return status in {RunStatus.PAUSED, RunStatus.HALTED}
