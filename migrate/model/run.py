"""The state of a run: what the engine knows, frozen and serialisable; one state per node beside the run's own.

Nothing here is derived from a clock: deadlines are monotonic seconds that came with events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.commands import Command
from migrate.model.events import Event
from migrate.model.plan import Plan

__all__ = ["IN_HAND", "SETTLED", "NodeRun", "NodeStatus", "Open", "Phase", "Run", "RunStatus"]


class Phase(StrEnum):
    """The phases of ``procedure.md`` §3; P10–P13 belong to a clean-up run of its own."""

    PREFLIGHT = "P0"
    BACKUP = "P1"
    PIN_CALICO = "P2"
    INSTALL_CILIUM = "P3"
    CANARY = "P4"
    NODE_LOOP = "P5"
    FINAL_HELM = "P6"
    AUDIT = "P7"
    ENFORCE = "P8"
    SOAK = "P9"
    POINT_OF_NO_RETURN = "P10"
    REMOVE_CALICO = "P11"
    CLEAN_NODES = "P12"
    VERIFY = "P13"
    REPORT = "P14"

    @property
    def number(self) -> int:
        """Give the phase's place, 0 to 14."""
        return int(self.value[1:])


MIGRATION = (
    Phase.BACKUP,
    Phase.PIN_CALICO,
    Phase.INSTALL_CILIUM,
    Phase.CANARY,
    Phase.NODE_LOOP,
    Phase.FINAL_HELM,
    Phase.AUDIT,
    Phase.ENFORCE,
    Phase.SOAK,
    Phase.REPORT,
)
CLEAN_UP = (Phase.REMOVE_CALICO, Phase.CLEAN_NODES, Phase.VERIFY, Phase.REPORT)


class RunStatus(StrEnum):
    """The states of the run machine (``state.md`` §2.1)."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    PAUSED = "PAUSED"
    HALTED = "HALTED"
    ABORTING = "ABORTING"
    ROLLING_BACK = "ROLLING_BACK"
    ABORTED = "ABORTED"
    ROLLED_BACK = "ROLLED_BACK"
    DONE = "DONE"

    @property
    def terminal(self) -> bool:
        """Say whether the run has ended."""
        return self in {RunStatus.ABORTED, RunStatus.ROLLED_BACK, RunStatus.DONE}


class NodeStatus(StrEnum):
    """The states of the node machine (``state.md`` §3.1)."""

    PENDING = "PENDING"
    PREFLIGHTED = "PREFLIGHTED"
    CORDONED = "CORDONED"
    DRAINED = "DRAINED"
    LABELLED = "LABELLED"
    CNI_SWITCHED = "CNI_SWITCHED"
    REBOOTED = "REBOOTED"
    RECYCLED = "RECYCLED"
    CILIUM_READY = "CILIUM_READY"
    PROBED = "PROBED"
    UNCORDONED = "UNCORDONED"
    SOAKED = "SOAKED"
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    GONE = "GONE"
    HALTED = "HALTED"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"


PATH = (
    NodeStatus.PENDING,
    NodeStatus.PREFLIGHTED,
    NodeStatus.CORDONED,
    NodeStatus.DRAINED,
    NodeStatus.LABELLED,
    NodeStatus.CNI_SWITCHED,
    NodeStatus.REBOOTED,
    NodeStatus.RECYCLED,
    NodeStatus.CILIUM_READY,
    NodeStatus.PROBED,
    NodeStatus.UNCORDONED,
    NodeStatus.SOAKED,
    NodeStatus.DONE,
)
"""The way forward, in order; REBOOTED and RECYCLED are two ways to the same place."""

OUT = frozenset(PATH[PATH.index(NodeStatus.CORDONED) : PATH.index(NodeStatus.UNCORDONED)])
"""A node in one of these takes no pods: the limit of nodes out at once counts them."""

SETTLED = frozenset({NodeStatus.DONE, NodeStatus.SKIPPED, NodeStatus.GONE})
"""A node in one of these is no work any more: moved, left out, or deleted."""

_SWITCHED = frozenset(PATH[PATH.index(NodeStatus.CNI_SWITCHED) :])

IN_HAND = OUT | {NodeStatus.PREFLIGHTED, NodeStatus.UNCORDONED, NodeStatus.SOAKED, NodeStatus.ROLLING_BACK}


@dataclass(frozen=True, slots=True)
class NodeRun:
    """One node's state. ``came_from`` is where HALTED or ROLLING_BACK began; ``selected``: its wave has taken it up.

    ``done`` are the keys of the commands finished in this state; ``evict`` the pods still to go, by uid;
    ``prior`` what its undo and proofs need: ``unschedulable``, ``agent``, ``boot_id``. Of one whose machine is replaced:
    its ``uid``, and that it is ``deleted``, ``followed`` by another, or there ``again`` (its new uid). Of a machine that
    came in a place: that it is a ``successor``, and ``labelled`` from its birth.
    """

    name: str
    status: NodeStatus = NodeStatus.PENDING
    selected: bool = False
    reason: str = ""
    came_from: NodeStatus | None = None
    done: tuple[str, ...] = ()
    evict: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    prior: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    extensions: int = 0
    appeared: int = 0
    rollbacks: int = 0
    by_policy: bool = False
    drain_until: float = 0
    node_until: float = 0

    @property
    def cordoned_by_us(self) -> bool:
        """Say whether it was schedulable before our cordon: only then is it ours to uncordon."""
        return self.prior.get("unschedulable") is False

    @property
    def is_there(self) -> bool:
        """Say whether it has a machine, as far as is known."""
        return self.status is not NodeStatus.GONE and not self.prior.get("deleted")

    @property
    def on_cilium(self) -> bool:
        """Say whether its own CNI is Cilium: it was switched, or is so since its birth and waits for its turn."""
        born = self.status is NodeStatus.PENDING and bool(self.prior.get("labelled"))
        return born or self.status in _SWITCHED


@dataclass(frozen=True, slots=True)
class Open:
    """A command in flight: since when, until when, how often it was tried; ``owner``: the node whose script it is in.

    An empty owner is the run: in P6, P8 and P12 the phase walks the nodes, not the nodes themselves.
    """

    command: Command
    since: float
    until: float
    owner: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """The whole state. ``target`` is where STOPPING leads; ``scope`` what ROLLING_BACK undoes: a node or ``all``.

    ``resume_as`` is what Resume leads to after PAUSED or HALTED; ``done`` the keys of the phase's finished commands;
    ``order`` nodes in the order in which they were done; ``kept`` events that wait for the checkpoint.
    ``undo`` holds prior values of changes not yet undone, by command name.
    """

    id: str
    plan: Plan
    status: RunStatus = RunStatus.PLANNED
    phase: Phase = Phase.PREFLIGHT
    reason: str = ""
    target: RunStatus | None = None
    target_reason: str = ""
    scope: str = ""
    resume_as: RunStatus = RunStatus.RUNNING
    done: tuple[str, ...] = ()
    nodes: Mapping[str, NodeRun] = field(default_factory=dict)
    waves: tuple[tuple[str, ...], ...] = ()
    order: tuple[str, ...] = ()
    open: Mapping[str, Open] = field(default_factory=dict)
    approvals: frozenset[str] = frozenset()
    asked: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    extensions: int = 0
    attempts: int = 0
    rolled_back: int = 0
    kept: tuple[Event, ...] = ()
    undo: Mapping[str, Any] = field(default_factory=dict)
    attended: bool = False
    now: bool = False
    rollback_wanted: bool = False
    unreachable_since: float | None = None
    window_open: bool = True

    def acceptance(self, gate: str, node: str = "") -> str:
        """Give the reason for which a gate is accepted, on this node or everywhere; empty where it is not."""
        return self.accepted.get(f"{gate}:{node}") or self.accepted.get(gate, "")

    @property
    def where(self) -> str:
        """Give the state as people say it: ``RUNNING(P5)``, ``HALTED(drain)``."""
        match self.status:
            case RunStatus.RUNNING:
                return f"RUNNING({self.phase})"
            case RunStatus.STOPPING:
                return f"STOPPING({self.target or 'EXIT'})"
            case RunStatus.PAUSED | RunStatus.HALTED:
                return f"{self.status}({self.reason})"
            case RunStatus.ROLLING_BACK:
                return f"ROLLING_BACK({self.scope})"
        return str(self.status)
