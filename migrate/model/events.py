"""What happened, as data: the only way in which the world and the operator reach the engine (``state.md`` §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.commands import Command

__all__ = ["Event", "FailureClass", "GateOutcome", "Kind"]


class Kind(StrEnum):
    """Every event there is."""

    START = "Start"
    RESUME = "Resume"
    PAUSE_REQUESTED = "PauseRequested"
    STOP_REQUESTED = "StopRequested"
    HANG_UP = "HangUp"
    ABORT_REQUESTED = "AbortRequested"
    ROLLBACK_REQUESTED = "RollbackRequested"
    APPROVE = "Approve"
    DENY = "Deny"
    ACCEPT_FINDING = "AcceptFinding"
    SKIP_REQUESTED = "SkipRequested"
    RETRY_REQUESTED = "RetryRequested"
    COMMAND_DONE = "CommandDone"
    COMMAND_FAILED = "CommandFailed"
    COMMAND_UNKNOWN = "CommandUnknown"
    GATE_RESULT = "GateResult"
    PHASE_COMPLETE = "PhaseComplete"
    PRECONDITION_FAILED = "PreconditionFailed"
    NODE_COMPLETE = "NodeComplete"
    NODE_HALTED = "NodeHalted"
    NODE_ROLLED_BACK = "NodeRolledBack"
    NODE_SKIPPED = "NodeSkipped"
    NODE_ADDED = "NodeAdded"
    NODE_REMOVED = "NodeRemoved"
    NODE_REBOOTED = "NodeRebooted"
    AGENT_RESTARTED = "AgentRestarted"
    CALICO_POD_APPEARED = "CalicoPodAppeared"
    SCHEDULING_CHANGED = "SchedulingChanged"
    LABEL_CHANGED = "LabelChanged"
    DRIFT_FOUND = "DriftFound"
    WATCH_ALARM = "WatchAlarm"
    TIMER_FIRED = "TimerFired"
    WINDOW_CLOSED = "WindowClosed"
    WINDOW_OPENED = "WindowOpened"
    DEADLINE_EXPIRED = "DeadlineExpired"
    LEASE_LOST = "LeaseLost"
    LEASE_ACQUIRED = "LeaseAcquired"
    LEASE_REFUSED = "LeaseRefused"
    API_UNREACHABLE = "ApiUnreachable"
    API_BACK = "ApiBack"
    JOURNAL_FAILED = "JournalFailed"
    SELECTED = "Selected"


class FailureClass(StrEnum):
    """Why a call failed, as far as it decides what to do next (``state.md`` §4)."""

    TRANSIENT = "transient"
    WAIT = "wait"
    PERMANENT = "permanent"
    DENIED = "denied"
    CONFLICT = "conflict"
    NOT_FOUND = "notfound"
    UNKNOWN = "unknown"


class GateOutcome(StrEnum):
    """Inconclusive never counts as a pass."""

    PASS = "pass"  # noqa: S105  # the gate, not the word
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``at`` is the driver's monotonic time in seconds, ``detail`` JSON values only.

    ``command`` and ``failure`` belong to the answers of commands, ``gate`` and ``outcome`` to results of gates.
    ``text`` is a sentence for people, ``by`` who asked.
    """

    kind: Kind
    node: str = ""
    at: float = 0
    command: Command | None = None
    failure: FailureClass | None = None
    gate: str = ""
    outcome: GateOutcome | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    by: str = ""
