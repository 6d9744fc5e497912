"""How a run that came to rest ends the process: exit code, reason, and what to say (``state.md`` §10)."""

from __future__ import annotations

from dataclasses import dataclass

from migrate.engine.reasons import reason_word
from migrate.exitcodes import ExitCode
from migrate.model.run import NodeStatus, Run, RunStatus

__all__ = ["Ending", "ending_of"]

UNREACHABLE = frozenset({"api"})
MOVED = frozenset({NodeStatus.DONE, NodeStatus.GONE})


@dataclass(frozen=True, slots=True)
class Ending:
    """Exit code, the ``reason`` of the JSON result, the halt whose runbook helps, and what to type next."""

    code: ExitCode
    reason: str = ""
    runbook: str = ""
    next: tuple[str, ...] = ()


def ending_of(
    run: Run, *, asked_for_rollback: bool = False, denied: bool = False, signal: ExitCode | None = None
) -> Ending:
    """Give the ending of a run that rests.

    ``denied``: what failed last was refused for want of rights; ``signal``: what a stop by signal exits with.
    """
    me = run.id[:4]
    match run.status:
        case RunStatus.DONE:
            return Ending(ExitCode.DONE, next=(f"c2c report --run {me} -o report.html",))
        case RunStatus.ROLLED_BACK:
            code = ExitCode.DONE if asked_for_rollback else ExitCode.ROLLED_BACK
            return Ending(code, "RunRolledBack", next=(f"c2c report --run {me} -o report.html",))
        case RunStatus.ABORTED:
            if run.rollback_wanted:
                return Ending(ExitCode.ROLLED_BACK, "NodeRolledBack", next=(f"c2c status --run {me}",))
            return Ending(ExitCode.HALTED, "Aborted", next=(f"c2c rollback --all --run {me}",))
        case RunStatus.HALTED:
            return _halted(run, me, denied=denied)
        case RunStatus.PAUSED:
            return Ending(ExitCode.WAITING, reason_word(run.reason), next=_after_pause(run, me))
        case RunStatus.PLANNED:
            return _not_begun(run)
    return Ending(signal or ExitCode.INTERRUPTED, next=(f"c2c resume --run {me}",))


def _not_begun(run: Run) -> Ending:
    """A run that was refused at its start has changed nothing (R2, R3)."""
    if run.plan.blocked:
        return Ending(ExitCode.BLOCKED, "PreflightBlocked", next=("c2c preflight",))
    if not run.window_open:
        return Ending(ExitCode.WAITING, "WindowClosed")
    return Ending(ExitCode.BLOCKED, "PlanStale", next=("c2c plan",))


def _only_went_back(run: Run) -> bool:
    """Say whether every node that is left on Calico went back to it: none was left out (``state.md`` §2.5)."""
    left = [node for node in run.nodes.values() if node.status not in MOVED]
    return bool(left) and all(node.status is NodeStatus.ROLLED_BACK for node in left)


def _halted(run: Run, me: str, *, denied: bool) -> Ending:
    code, word = ExitCode.HALTED, reason_word(run.reason)
    if run.reason in UNREACHABLE:
        code = ExitCode.UNREACHABLE
    elif run.reason == "command" and denied:
        code, word = ExitCode.UNREACHABLE, "Denied"
    elif run.reason == "node-rolled-back" or (run.reason == "nodes-left" and _only_went_back(run)):
        code, word = ExitCode.ROLLED_BACK, reason_word("node-rolled-back")
    return Ending(code, word, run.reason, (f"c2c status --run {me}", f"c2c resume --run {me}"))


def _after_pause(run: Run, me: str) -> tuple[str, ...]:
    if run.asked:
        return (f"c2c approve {run.asked} --run {me}", f"c2c resume --run {me}")
    return (f"c2c resume --run {me}",)
