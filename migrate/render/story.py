"""Makes the migration report of a run's records and its plan; the same bytes on any machine (``reports.md`` §7).

The states of nodes and phases come from the transitions that the engine wrote, never from playing the engine again: an
older journal is told as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate import __version__
from migrate.model.calendar import seconds_between
from migrate.model.events import Kind
from migrate.model.fields import text
from migrate.model.plan import Plan
from migrate.model.run import OUT, NodeStatus, RunStatus
from migrate.model.story import (
    STORY_VERSION,
    Exposed,
    File,
    Mark,
    MigrationReport,
    NodeStory,
    Outcome,
    Policy,
    Proof,
    Records,
    Seen,
    Stage,
    Stay,
    Takeback,
    Tool,
)
from migrate.render.plan import PHASES
from migrate.render.plan_summary import duration

__all__ = ["Damage", "story"]

Record = Mapping[str, Any]
BY_PERSONS = frozenset(
    {
        Kind.APPROVE, Kind.DENY, Kind.PAUSE_REQUESTED, Kind.RESUME, Kind.STOP_REQUESTED, Kind.HANG_UP, Kind.ABORT_REQUESTED,
        Kind.ROLLBACK_REQUESTED, Kind.ACCEPT_FINDING, Kind.SKIP_REQUESTED, Kind.RETRY_REQUESTED, Kind.LEASE_ACQUIRED,
        Kind.SCHEDULING_CHANGED, Kind.LABEL_CHANGED, Kind.NODE_ADDED, Kind.NODE_REMOVED, Kind.NODE_REBOOTED,
        Kind.DRIFT_FOUND, Kind.LEASE_LOST, Kind.WINDOW_CLOSED, Kind.WINDOW_OPENED, Kind.API_UNREACHABLE, Kind.API_BACK,
    }
)  # fmt: skip
"""Events that a reader wants to see as marks: what people did, and what happened to the run from outside."""
STOPS = {RunStatus.PAUSED: "Paused", RunStatus.HALTED: "Halted"}
ENDS = frozenset(str(s) for s in RunStatus if s.terminal)
STILL = frozenset(str(s) for s in STOPS)
WRONG = frozenset({Kind.COMMAND_FAILED, Kind.COMMAND_UNKNOWN})
OUT_OF_SERVICE = frozenset(str(s) for s in (*OUT, NodeStatus.ROLLING_BACK))
REMOVES = frozenset({"P11", "P12"})
NO_TIME = ""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a journal; empty where it is whole."""

    text: str = ""


@dataclass(slots=True)
class _Node:
    """What was gathered of one node."""

    stays: list[Stay] = field(default_factory=list)
    state: str = str(NodeStatus.PENDING)
    reason: str = ""
    since: str = NO_TIME
    pods: int = 0
    retries: int = 0
    rollbacks: int = 0


def story(
    plan: Plan, records: Sequence[Record], damage: Damage = Damage(), files: Sequence[tuple[str, str]] = ()
) -> MigrationReport:
    """Give the report. ``records`` are the good ones, in order, the first a header; ``files`` path and SHA-256.

    Raises ``ValueError`` where there is no record.
    """
    if not records:
        raise ValueError("the journal holds no record")
    head, draft = records[0], plan.draft
    clock = _Clock(text(head, "time"))
    nodes = _nodes(records, clock)
    marks = tuple(_marks(records, clock))
    stages = tuple(_stages(records, clock))
    steps = tuple(_steps(plan, records))
    return MigrationReport(
        schemaVersion=STORY_VERSION,
        kind="MigrationReport",
        tool=Tool("c2c", __version__),
        run=text(head, "run"),
        rehearsal=bool(head.get("rehearsal")),
        plan=text(head, "plan"),
        cluster=text(head, "cluster"),
        context=draft.settings.context,
        outcome=_outcome(records, clock, nodes),
        journal=Records(len(records), not damage.text, text(records[-1], "hash"), damage.text),
        stages=stages,
        waves=tuple(tuple(w) for w in draft.waves),
        nodes=tuple(_told(plan, name, nodes[name]) for name in _order(plan, nodes)),
        gates=tuple(_gates(records)),
        marks=marks,
        accepted=tuple(sorted(_accepted(plan))),
        policy=_policy(plan, records, stages),
        undo=tuple(u for u in steps if u.undo),
        removal=tuple(u.step for u in steps if u.done and u.phase in REMOVES),
        files=tuple(File(path, sha) for path, sha in sorted(files)),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """Seconds from the first record."""

    start: str

    def at(self, time: str) -> float:
        return max(0.0, seconds_between(self.start, time) or 0.0)


def _last(records: Sequence[Record]) -> str:
    return text(records[-1], "time")


def _status(said: str) -> tuple[str, str]:
    """Give the status and what stands behind it: ``RUNNING(P4)``, ``PAUSED(approval)``, ``DONE``."""
    status, _, rest = said.partition("(")
    return status, rest.rstrip(")")


def _run_moves(records: Sequence[Record]) -> Iterator[tuple[Record, str, str]]:
    """Give the run's own transitions with status and reason after each; a reason is only where it stands still."""
    for record in records:
        if record.get("kind") == "transition" and not text(record, "node"):
            status, rest = _status(text(record, "after"))
            yield record, status, rest if status in STILL else ""


# The run.


def _outcome(records: Sequence[Record], clock: _Clock, nodes: Mapping[str, _Node]) -> Outcome:
    status, phase, words, reason = str(RunStatus.PLANNED), "", "", ""
    for record, now, why in _run_moves(records):
        status, phase, words, reason = now, text(record, "phase"), text(record, "text"), why
    over = status in ENDS
    told = reason if reason in words else f"{reason}: {words}"
    seconds = clock.at(_last(records))
    moved = sum(n.state == NodeStatus.DONE for n in nodes.values())
    sentence = _sentence(status, phase, moved, len(nodes), seconds)
    return Outcome(
        status, told, sentence, clock.start, _last(records) if over else "", seconds,
        text(records[0], "holder"), bool(records[0].get("attended")),
    )  # fmt: skip


def _sentence(status: str, phase: str, moved: int, nodes: int, seconds: float) -> str:
    span, many = duration(seconds), f"{moved} of {nodes} nodes"
    match status:
        case RunStatus.DONE:
            return f"All done: {many} run on Cilium, after {span}."
        case RunStatus.ROLLED_BACK:
            return f"Everything went back to Calico, after {span}."
        case RunStatus.ABORTED:
            return f"Aborted in {phase} after {span}; {many} run on Cilium."
        case RunStatus.HALTED | RunStatus.PAUSED:
            return f"{status.capitalize()} in {phase} after {span}; {many} run on Cilium."
    return f"Under way in {phase or 'P0'} for {span}; {many} run on Cilium."


def _stages(records: Sequence[Record], clock: _Clock) -> Iterator[Stage]:
    """Give the phases in the order in which they were entered."""
    entered: list[tuple[str, str]] = []
    for record, status, _ in _run_moves(records):
        phase = text(record, "phase")
        if phase and status != RunStatus.PLANNED and (not entered or entered[-1][0] != phase):
            entered.append((phase, text(record, "time")))
    ended = _outcome_end(records)
    ends = [*(start for _, start in entered), ended][1:]
    for (phase, start), end in zip(entered, ends, strict=True):
        stop = end or _last(records)
        yield Stage(phase, PHASES.get(phase, phase), start, end, clock.at(stop) - clock.at(start))


def _outcome_end(records: Sequence[Record]) -> str:
    """Give when the run ended; empty where it did not."""
    found = ""
    for record, status, _ in _run_moves(records):
        found = text(record, "time") if status in ENDS else ""
    return found


# The nodes.


def _nodes(records: Sequence[Record], clock: _Clock) -> dict[str, _Node]:
    found = {name: _Node() for name in sorted(map(str, records[0].get("nodes") or ()))}
    for record in records:
        name = text(record, "node")
        if not name:
            continue
        node = found.setdefault(name, _Node())
        kind, event = record.get("kind"), record.get("event") or {}
        if kind == "transition":
            _moved(node, record, clock)
        elif kind == "outcome" and text(event, "kind") in WRONG and event.get("failure") != "wait":
            node.retries += 1
        elif (
            kind == "outcome"
            and text(event, "command", "name") == "Evict"
            and text(event, "kind") == Kind.COMMAND_DONE
        ):
            node.pods += 1
    for node in found.values():
        if node.since and node.state not in {NodeStatus.DONE, NodeStatus.PENDING}:
            _stay(node, _last(records), clock)
    return found


def _moved(node: _Node, record: Record, clock: _Clock) -> None:
    before, after = text(record, "before"), text(record, "after")
    if not after or before == after:
        return
    if node.since:
        _stay(node, text(record, "time"), clock)
    node.state, node.since = after, text(record, "time")
    if after == NodeStatus.HALTED:
        node.reason = text(record, "text")
    elif after not in {NodeStatus.ROLLING_BACK, NodeStatus.ROLLED_BACK}:
        node.reason = ""
    node.rollbacks += after == NodeStatus.ROLLING_BACK


def _stay(node: _Node, until: str, clock: _Clock) -> None:
    if node.state != NodeStatus.PENDING:
        start = clock.at(node.since)
        node.stays.append(Stay(node.state, node.since, start, clock.at(until) - start))


def _order(plan: Plan, nodes: Mapping[str, _Node]) -> list[str]:
    """Give the nodes in the order of the plan; those that joined later follow."""
    planned = [n for wave in plan.draft.waves for n in wave if n in nodes]
    return [*planned, *sorted(set(nodes) - set(planned))]


def _told(plan: Plan, name: str, node: _Node) -> NodeStory:
    draft = plan.draft
    planned = draft.nodes.get(name)
    wave = next((i for i, w in enumerate(draft.waves, start=1) if name in w), 0)
    return NodeStory(
        name=name,
        canary=name in draft.canaries,
        wave=wave,
        mode=planned.mode if planned else "",
        pods=node.pods,
        state=node.state,
        reason=node.reason,
        stays=tuple(node.stays),
        out=sum(s.seconds for s in node.stays if s.state in OUT_OF_SERVICE),
        p50=planned.p50_s if planned else 0,
        p90=planned.p90_s if planned else 0,
        retries=node.retries,
        rollbacks=node.rollbacks,
    )


# Proofs, marks, policies, undo.


def _gates(records: Sequence[Record]) -> Iterator[Proof]:
    for record in records:
        event = record.get("event") or {}
        if record.get("kind") == "gate":
            yield Proof(
                text(event, "gate"), text(record, "node"), text(event, "outcome"), text(event, "text"),
                text(record, "time"), text(event, "detail", "evidence"),
            )  # fmt: skip


def _marks(records: Sequence[Record], clock: _Clock) -> Iterator[Mark]:
    for record in records:
        time = text(record, "time")
        if record.get("kind") == "event":
            event = record.get("event") or {}
            kind = text(event, "kind")
            if kind in BY_PERSONS:
                what = text(event, "text") or text(event, "detail", "id") or text(event, "detail", "reason")
                yield Mark(kind, time, clock.at(time), text(event, "by"), text(record, "node"), what)
        elif record.get("kind") == "transition" and text(record, "before") != text(record, "after"):
            status, why = _status(text(record, "after"))
            name = next((word for state, word in STOPS.items() if state == status), "")
            if name:
                said = text(record, "text")
                what = why if why and why in said else ": ".join(w for w in (why, said) if w)
                yield Mark(name, time, clock.at(time), "", text(record, "node"), what)


def _accepted(plan: Plan) -> Iterator[str]:
    for finding in plan.findings:
        if finding.get("accepted"):
            yield f"{text(finding, 'code')} {text(finding, 'object')}: {finding['accepted']}"
    for finding in plan.draft.policies.report.get("findings") or ():
        if finding.get("accepted"):
            yield f"{text(finding, 'id')}: {finding['accepted']}"


def _policy(plan: Plan, records: Sequence[Record], stages: Sequence[Stage]) -> Policy:
    enforced = {
        text(r, "node"): text(r, "time")
        for r in records
        if r.get("kind") == "outcome"
        and text(r, "event", "command", "name") == "SetEnforcement"
        and text(r, "event", "kind") == Kind.COMMAND_DONE
    }
    policies = plan.draft.policies
    return Policy(
        objects=len(policies.objects),
        translation=text(policies.report, "output", "hash"),
        mode=plan.draft.settings.policy_in_window,
        audited=sum(s.seconds for s in stages if s.phase == "P7"),
        enforced=tuple(Seen(node, time) for node, time in sorted(enforced.items())),
        exposed=tuple(_exposed(plan, stages, max(enforced.values(), default=""))),
    )


def _exposed(plan: Plan, stages: Sequence[Stage], enforced: str) -> Iterator[Exposed]:
    """Give what the plan foresaw as unprotected, from the first node's move to the last node's enforcement."""
    start = next((s.start for s in stages if s.phase == "P4"), "")
    if not start:
        return
    whole = len(plan.draft.nodes)
    worst: Counter[tuple[str, str, str]] = Counter()
    for item in plan.exposure:
        key = (text(item, "namespace"), text(item, "direction"), text(item, "why"))
        worst[key] = max(worst[key], int(item.get("pods") or 0))
    done = bool(enforced) and whole > 0 and any(s.phase == "P9" for s in stages)
    for (namespace, direction, why), pods in sorted(worst.items()):
        yield Exposed(namespace, direction, pods, why, start, enforced if done else "")


def _steps(plan: Plan, records: Sequence[Record]) -> Iterator[Takeback]:
    """Give every step of the plan with its undo, and whether it was done."""
    done = {
        (text(r, "event", "command", "name"), text(r, "node"))
        for r in records
        if r.get("kind") == "outcome" and text(r, "event", "kind") == Kind.COMMAND_DONE
    }
    for step in plan.steps:
        is_done = (step.command, step.node) in done
        yield Takeback(step.id, step.phase, step.node, step.command, step.undo, is_done)
