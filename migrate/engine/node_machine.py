"""The machine of one node: what each event does to it (``state.md`` §3.2).

A handler changes the turn and gives the numbers of the rows that it followed; ``deliver`` checks them against the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from migrate.engine.asking_again import ask_gate_again, retry_gates
from migrate.engine.node_scripts import node_script
from migrate.engine.reasons import gate_slug
from migrate.engine.script import gate, node_plan, pending
from migrate.engine.tables import NODE_CELLS, NODE_ROWS
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, FailureClass, GateOutcome, Kind
from migrate.model.run import OUT, PATH, NodeRun, NodeStatus, Open, Phase

__all__ = ["deliver", "finish_if_done", "words"]

Rows = tuple[str, ...]
RETRYABLE = frozenset({FailureClass.TRANSIENT, FailureClass.CONFLICT, FailureClass.WAIT})
BUDGET_RETRY_S = 5.0
MAX_APPEARANCES = 3
BUDGETS = "G-24"
NEWS = frozenset(
    {
        Kind.NODE_REBOOTED,
        Kind.AGENT_RESTARTED,
        Kind.CALICO_POD_APPEARED,
        Kind.SCHEDULING_CHANGED,
        Kind.LABEL_CHANGED,
        Kind.TIMER_FIRED,
        Kind.WATCH_ALARM,
    }
)
"""News that change nothing where the table says ``=``."""
SWITCHED = PATH[PATH.index(NodeStatus.CNI_SWITCHED) :]
"""States in which the node's own CNI is Cilium."""


def deliver(turn: Turn, event: Event, opened: Open | None = None) -> None:
    """Give an event to a node's machine; what no row answers is journalled as ignored."""
    node = turn.node(event.node)
    cell = NODE_CELLS.get((node.status, event.kind), ("i",))
    if cell == ("i",):
        turn.tell(f"{event.node}: {event.kind} means nothing in {node.status}", "i", node=event.node)
        return
    if cell == ("=",) and event.kind in NEWS:
        return
    rows = _HANDLERS[event.kind](turn, node, event, opened)
    wrong = set(rows) - set(cell)
    if wrong:
        raise AssertionError(f"{node.status} × {event.kind}: rows {sorted(wrong)} are not in the table")
    after = turn.node(event.node).status
    if rows and rows != ("=",):
        turn.tell(
            event.text or words(event.node, rows),
            *(f"N{r}" for r in rows),
            node=event.node,
            before=str(node.status),
            after=str(after),
        )


def words(name: str, rows: Rows) -> str:
    """Give the sentence of the rows that a node followed."""
    return f"{name}: {'; '.join(NODE_ROWS[row].partition(': ')[2] or NODE_ROWS[row] for row in rows if row in NODE_ROWS)}"


def finish_if_done(turn: Turn, name: str) -> Rows:
    """Move a node on once its script is done, and give the rows."""
    node = turn.node(name)
    if any(pending(node_script(turn.run, node), node.done)) or _busy(turn, name):
        return ("=",)
    return _ADVANCE[node.status](turn, node) if node.status in _ADVANCE else ("=",)


def _busy(turn: Turn, name: str) -> bool:
    return any(o.owner == name for o in turn.run.open.values())


# What follows when a state's script is done.


def _after_baseline(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.PREFLIGHTED)
    return ("2",)


def _after_cordon(turn: Turn, node: NodeRun) -> Rows:
    limit = turn.run.plan.draft.settings.deadlines
    turn.move_node(
        node.name, NodeStatus.CORDONED, drain_until=turn.at + limit.drain_s, node_until=turn.at + limit.node_s
    )
    return ("4",)


def _after_drain(turn: Turn, node: NodeRun) -> Rows:
    how = node_plan(turn.run, node.name)
    if how.mode == "recycle" and how.recycle_order == "after":
        turn.move_node(node.name, NodeStatus.LABELLED)
        return ("46",)
    turn.move_node(node.name, NodeStatus.DRAINED)
    return ("5",)


def _after_label(turn: Turn, node: NodeRun) -> Rows:
    if node_plan(turn.run, node.name).mode == "replace":
        turn.move_node(node.name, NodeStatus.GONE)
        turn.raise_(Kind.NODE_COMPLETE, node.name)
        return ("47",)
    turn.move_node(node.name, NodeStatus.LABELLED)
    return ("9",)


def _after_switch(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.CNI_SWITCHED)
    return ("10",)


def _after_renewal(turn: Turn, node: NodeRun) -> Rows:
    rebooted = node_plan(turn.run, node.name).reboot
    turn.move_node(node.name, NodeStatus.REBOOTED if rebooted else NodeStatus.RECYCLED)
    return ("12",) if rebooted else ("14",)


def _after_checks(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.CILIUM_READY)
    return ("15",)


def _after_proof(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.PROBED)
    return ("17",)


def _after_uncordon(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.UNCORDONED, extensions=0)
    return ("18",)


def _after_soak(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.SOAKED)
    return ("20",)


def _after_mark(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.DONE, selected=False)
    turn.change(order=(*(n for n in turn.run.order if n != node.name), node.name))
    turn.raise_(Kind.NODE_COMPLETE, node.name)
    return ("23",)


def _after_rollback(turn: Turn, node: NodeRun) -> Rows:
    turn.move_node(node.name, NodeStatus.ROLLED_BACK, selected=False, came_from=None, evict={})
    turn.change(order=tuple(n for n in turn.run.order if n != node.name))
    turn.raise_(Kind.NODE_ROLLED_BACK, node.name)
    return ("29",)


_ADVANCE: Mapping[NodeStatus, Callable[[Turn, NodeRun], Rows]] = {
    NodeStatus.PENDING: _after_baseline,
    NodeStatus.PREFLIGHTED: _after_cordon,
    NodeStatus.CORDONED: _after_drain,
    NodeStatus.DRAINED: _after_label,
    NodeStatus.LABELLED: _after_switch,
    NodeStatus.CNI_SWITCHED: _after_renewal,
    NodeStatus.REBOOTED: _after_checks,
    NodeStatus.RECYCLED: _after_checks,
    NodeStatus.CILIUM_READY: _after_proof,
    NodeStatus.PROBED: _after_uncordon,
    NodeStatus.UNCORDONED: _after_soak,
    NodeStatus.SOAKED: _after_mark,
    NodeStatus.ROLLING_BACK: _after_rollback,
}


# Answers of commands and gates.


def _selected(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    again = node.status is not NodeStatus.PENDING
    limit = turn.run.plan.draft.settings.deadlines.drain_s
    turn.move_node(
        node.name,
        NodeStatus.PENDING,
        selected=event.kind is Kind.SELECTED,
        reason="",
        drain_until=turn.at + limit,
    )
    return ("31",) if again else ("1",)


def _done(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    command = event.command
    if command is None or opened is None:
        return ("=",)
    if command.name is Name.BASELINE and event.detail.get("go") is False:
        why = ", ".join(str(f) for f in event.detail.get("findings", ()))
        turn.move_node(node.name, NodeStatus.SKIPPED, reason=why, selected=False)
        turn.raise_(Kind.NODE_SKIPPED, node.name, text=f"{node.name}: left out: {why}")
        return ("3",)
    _remember(turn, node, command, event.detail)
    return finish_if_done(turn, node.name)


def _remember(turn: Turn, node: NodeRun, command: Command, seen: Mapping[str, Any]) -> None:
    """Take what a command's observation says into the node's state."""
    prior = dict(node.prior)
    prior |= {k: seen[k] for k in ("unschedulable", "agent", "boot_id") if k in seen and k not in prior}
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


def _failed(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    command, failure = event.command, event.failure
    if node.status is NodeStatus.HALTED:
        return ("=",)
    if command is None or opened is None:
        return ("38",)
    if command.name is Name.LABEL_NODE and event.detail.get("pods") and node.status is NodeStatus.DRAINED:
        return _appeared(turn, node, event, None)
    late = turn.at >= opened.until
    if failure in RETRYABLE and not late:
        after = float(event.detail.get("after_s", BUDGET_RETRY_S))
        turn.again(opened, after_s=after)
        return ("6",) if command.name is Name.EVICT and node.status is NodeStatus.CORDONED else ("38",)
    return _gave_up(turn, node, command, denied=failure is FailureClass.DENIED, late=late)


def _gave_up(turn: Turn, node: NodeRun, command: Command, *, denied: bool, late: bool) -> Rows:
    if node.status is NodeStatus.ROLLING_BACK:
        return _halt(turn, node, "rollback", "30")
    if command.name is Name.EVICT and node.status is NodeStatus.CORDONED and not denied:
        return _halt(turn, node, "drain", "7" if late else "48")
    if command.name is Name.RESTART_AGENT and node.status is NodeStatus.LABELLED and not denied:
        return _halt(turn, node, "agent", "11")
    if command.name is Name.REBOOT and node.status is NodeStatus.CNI_SWITCHED and not denied:
        return _halt(turn, node, "reboot", "13")
    return _halt(turn, node, "command", "39", denied=denied)


def _halt(turn: Turn, node: NodeRun, reason: str, row: str, *, denied: bool = False) -> Rows:
    """Leave a node where it is: nothing more of it goes out, but for a reboot, which cannot be called back."""
    _forget(turn, node.name, but=Name.REBOOT)
    if node.status is NodeStatus.PREFLIGHTED:  # its cordon may have taken effect
        turn.order(Command(Name.UNCORDON, node.name))
    asked = {"reboot_asked": True} if reason == "reboot" else {}
    turn.change_node(
        node.name,
        status=NodeStatus.HALTED,
        reason=reason,
        prior={**node.prior, **asked},
        came_from=node.status if node.status is NodeStatus.ROLLING_BACK else node.came_from or node.status,
    )
    turn.raise_(Kind.NODE_HALTED, node.name, detail={"reason": reason, "denied": denied})
    return (row,)


def _unknown(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
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


def _gate(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
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
        turn.change_node(node.name, done=(*node.done, command.key), attempts=0)
        return finish_if_done(turn, node.name)
    if node.status is NodeStatus.PENDING:
        return _gate_before(turn, node, event, opened)
    if node.status is NodeStatus.UNCORDONED and outcome is GateOutcome.INCONCLUSIVE:
        return _extend(turn, node)
    if node.attempts < turn.run.plan.draft.settings.gates.retries:
        turn.change_node(node.name, attempts=node.attempts + 1)
        ask_gate_again(turn, node.name, opened)
        return ("=",)
    return _gate_lost(turn, node, event)


def _gate_before(turn: Turn, node: NodeRun, event: Event, opened: Open) -> Rows:
    """A budget or a backend allows nothing now: the node waits uncordoned until the drain's deadline."""
    if turn.at >= node.drain_until:
        return _halt(turn, node, "drain" if event.gate == BUDGETS else gate_slug(event.gate), "7")
    turn.again(opened, after_s=BUDGET_RETRY_S)
    return ("49",)


def _extend(turn: Turn, node: NodeRun) -> Rows:
    """Soak once more: what was inconclusive needs another window."""
    if node.extensions >= turn.run.plan.draft.settings.gates.max_extensions:
        return _halt(turn, node, "inconclusive", "22")
    turn.change_node(node.name, done=(), extensions=node.extensions + 1)
    return ("22",)


_GATE_ROWS = {
    NodeStatus.LABELLED: "11",
    NodeStatus.CNI_SWITCHED: "16",
    NodeStatus.REBOOTED: "16",
    NodeStatus.RECYCLED: "16",
    NodeStatus.CILIUM_READY: "16",
    NodeStatus.PROBED: "19",
    NodeStatus.UNCORDONED: "21",
    NodeStatus.SOAKED: "24",
    NodeStatus.DONE: "24",
    NodeStatus.ROLLING_BACK: "30",
}


def _gate_lost(turn: Turn, node: NodeRun, event: Event) -> Rows:
    row = _GATE_ROWS.get(node.status, "=")
    if row == "=":
        return ("=",)
    reason = {"19": "leftover", "24": "regress", "30": "rollback"}.get(row, gate_slug(event.gate))
    return _halt(turn, node, reason, row)


# What the world and the operator do.


def _alarm(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A continuous gate fell: the gate itself is asked again where a script is under way."""
    del opened
    if node.status not in SWITCHED:
        return ("=",)
    if node.status in {NodeStatus.DONE, NodeStatus.SOAKED}:
        return _halt(turn, node, "regress", "24")
    return _gate_lost(turn, node, event)


def _roll_back(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    back = node.came_from if node.status is NodeStatus.HALTED and node.came_from else node.status
    _forget(turn, node.name)
    turn.move_node(
        node.name,
        NodeStatus.ROLLING_BACK,
        came_from=back,
        reason=str(event.detail.get("reason", node.reason)),
        rollbacks=node.rollbacks + 1,
        by_policy=bool(event.detail.get("policy")),
        evict={},
        drain_until=turn.at + turn.run.plan.draft.settings.deadlines.drain_s,
    )
    return ("25",)


def _abort(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    status = node.came_from if node.status is NodeStatus.HALTED and node.came_from else node.status
    rollback = bool(event.detail.get("rollback"))
    match status:
        case NodeStatus.PENDING:
            turn.change_node(node.name, selected=False)
            return ("=",)
        case NodeStatus.PREFLIGHTED:
            _stand_down(turn, node)
            return ("41",)
        case NodeStatus.CORDONED | NodeStatus.DRAINED:
            _stand_down(turn, node)
            return ("26",)
        case NodeStatus.LABELLED:
            return _disarm(turn, node, event)
        case NodeStatus.UNCORDONED | NodeStatus.SOAKED | NodeStatus.DONE:
            if rollback and status is NodeStatus.UNCORDONED:
                _roll_back(turn, node, event, None)
            return ("45",) if node.status is not NodeStatus.HALTED else ("=",)
        case _ if node.status is NodeStatus.ROLLING_BACK:
            return ("=",)
    if rollback or node.status is NodeStatus.HALTED:
        _roll_back(turn, node, event, None)
        return ("28",) if node.status is not NodeStatus.HALTED else ("25",)
    return ("28",)


def _forget(turn: Turn, name: str, but: Name | None = None) -> None:
    """Wait no longer for what a node has in flight: its answers belong to a state that the node has left."""
    turn.change(open={k: o for k, o in turn.run.open.items() if o.owner != name or o.command.name is but})


def _stand_down(turn: Turn, node: NodeRun) -> None:
    """Bring a node that was not switched back into service."""
    cordoning = any(o.command.name is Name.CORDON and o.owner == node.name for o in turn.run.open.values())
    turn.move_node(node.name, NodeStatus.PENDING, selected=False, came_from=None, evict={})
    _forget(turn, node.name)
    if node.cordoned_by_us or cordoning:
        turn.order(Command(Name.UNCORDON, node.name))
    if node_plan(turn.run, node.name).mode == "recycle":
        turn.order(Command(Name.UNGUARD_TAINT, node.name))


def _disarm(turn: Turn, node: NodeRun, event: Event) -> Rows:
    """Take the label off again, if its agent was not restarted meanwhile; else the whole way back is needed."""
    if any(o.command.name is Name.RESTART_AGENT and o.owner == node.name for o in turn.run.open.values()):
        _roll_back(turn, node, event, None)
    else:
        turn.order(Command(Name.UNLABEL_NODE, node.name))
        _stand_down(turn, node)
    return ("27",) if node.status is NodeStatus.LABELLED else ("26",)


def _resume(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Go on from what is observed; gates of the step are asked again."""
    del opened
    if node.status is not NodeStatus.HALTED:
        retry_gates(turn, node.name)
        return ("=",)
    seen = event.detail.get("observed", {}).get(node.name)
    status = NodeStatus(seen) if seen else node.came_from or NodeStatus.PENDING
    if node.came_from is NodeStatus.ROLLING_BACK:
        status = node.came_from  # a way back that was begun is gone to its end
    if node.reason == "drift" and status in {NodeStatus.CORDONED, NodeStatus.DRAINED}:
        status = (
            NodeStatus.PREFLIGHTED
        )  # whoever uncordoned it let pods come back: it is cordoned and drained again
    turn.move_node(
        node.name,
        status,
        came_from=None,
        reason="",
        extensions=0,
        appeared=0,
        drain_until=turn.at + turn.run.plan.draft.settings.deadlines.drain_s,
        node_until=turn.at + turn.run.plan.draft.settings.deadlines.node_s,
        selected=status in OUT or status is NodeStatus.PREFLIGHTED,
    )
    return ("32",)


def _pause(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A node that is only cordoned goes back into service; any other one goes on."""
    del event, opened
    begun = any(k.startswith(f"{Name.EVICT}(") for k in turn.run.open) or node.prior.get("evicted")
    if node.status is not NodeStatus.CORDONED or begun or turn.run.now:
        return ("=",)
    _stand_down(turn, node)
    return ("50",)


def _skip(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    before = PATH[: PATH.index(NodeStatus.LABELLED)]
    if node.status is NodeStatus.HALTED and node.came_from not in before:
        return ("i",)
    _stand_down(turn, node)
    turn.move_node(node.name, NodeStatus.SKIPPED, reason="operator")
    turn.raise_(Kind.NODE_SKIPPED, node.name, text=f"{node.name}: left out by {event.by or 'an operator'}")
    return ("44",)


def _rebooted(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    if node.status is NodeStatus.LABELLED:
        return _armed(turn, node, event)
    if node.status in SWITCHED:
        return _void(turn, node)
    return ("34",)


def _agent_restarted(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del opened
    if node.status is NodeStatus.LABELLED:
        return _armed(turn, node, event)
    return (
        _void(turn, node)
        if node.status in SWITCHED and node.status is not NodeStatus.CNI_SWITCHED
        else ("=",)
    )


def _armed(turn: Turn, node: NodeRun, event: Event) -> Rows:
    """A labelled node switches with any restart of its agent: see whether it did."""
    if event.detail.get("switched"):
        turn.move_node(node.name, NodeStatus.CNI_SWITCHED)
        return ("35",)
    return _halt(turn, node, "drift", "35")


def _void(turn: Turn, node: NodeRun) -> Rows:
    """Results older than the restart count no longer: G-02 and G-05 are asked again."""
    retry_gates(turn, node.name)
    if node.status is NodeStatus.DONE:
        for number in (2, 5):
            turn.order(gate(number, node.name), node.name)
    return ("42",)


def _appeared(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A pod with a Calico address came to a node that had none left."""
    del opened
    pods = {p["uid"]: p for p in event.detail.get("pods", ())}
    if node.status in {NodeStatus.DRAINED, NodeStatus.LABELLED}:
        if node.appeared + 1 >= MAX_APPEARANCES:
            return _halt(turn, node, "drain", "8")
        if node.status is NodeStatus.LABELLED:
            turn.order(Command(Name.UNLABEL_NODE, node.name), node.name)
        turn.move_node(node.name, NodeStatus.CORDONED, evict=pods, appeared=node.appeared + 1)
        return ("8",)
    known = set(node.prior.get("evicted_once", ()))
    row = "43" if node.status in {NodeStatus.UNCORDONED, NodeStatus.SOAKED, NodeStatus.DONE} else "19"
    if known & set(pods) or len(known) >= MAX_APPEARANCES:
        return _halt(turn, node, "regress" if row == "43" else "leftover", row)
    turn.change_node(node.name, prior={**node.prior, "evicted_once": sorted(known | set(pods))})
    for uid, pod in pods.items():
        args = {"uid": uid, "namespace": pod["namespace"], "pod": pod["name"]}
        turn.order(Command(Name.EVICT, node.name, args), node.name)
    return (row,)


def _scheduling(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del event, opened
    return _halt(turn, node, "drift", "36")


def _label(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del event, opened
    return _halt(turn, node, "drift", "37")


def _removed(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    del event, opened
    _forget(turn, node.name)
    turn.move_node(node.name, NodeStatus.GONE, selected=False, came_from=None)
    if node_plan(turn.run, node.name).mode == "recycle" and turn.run.phase in {Phase.CANARY, Phase.NODE_LOOP}:
        turn.order(Command(Name.UNGUARD_TAINT, node.name))
    return ("33",)


def _timer(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """The node's own deadline passed."""
    del event, opened
    match node.status:
        case NodeStatus.PENDING | NodeStatus.CORDONED:
            return _halt(turn, node, "drain", "7")
        case NodeStatus.LABELLED:
            return _halt(turn, node, "agent", "11")
        case NodeStatus.CNI_SWITCHED:
            return _halt(turn, node, "reboot" if node_plan(turn.run, node.name).reboot else "drain", "13")
        case NodeStatus.PROBED:
            return _halt(turn, node, "leftover", "19")
        case NodeStatus.ROLLING_BACK:
            return _halt(turn, node, "rollback", "30")
        case NodeStatus.UNCORDONED:
            return ("20",)
        case NodeStatus.REBOOTED | NodeStatus.RECYCLED | NodeStatus.CILIUM_READY:
            return _halt(turn, node, "command", "16")
    return ("=",)


_HANDLERS: Mapping[Kind, Callable[[Turn, NodeRun, Event, Open | None], Rows]] = {
    Kind.SELECTED: _selected,
    Kind.RETRY_REQUESTED: _selected,
    Kind.COMMAND_DONE: _done,
    Kind.COMMAND_FAILED: _failed,
    Kind.COMMAND_UNKNOWN: _unknown,
    Kind.GATE_RESULT: _gate,
    Kind.WATCH_ALARM: _alarm,
    Kind.ROLLBACK_REQUESTED: _roll_back,
    Kind.ABORT_REQUESTED: _abort,
    Kind.RESUME: _resume,
    Kind.PAUSE_REQUESTED: _pause,
    Kind.SKIP_REQUESTED: _skip,
    Kind.NODE_REBOOTED: _rebooted,
    Kind.AGENT_RESTARTED: _agent_restarted,
    Kind.CALICO_POD_APPEARED: _appeared,
    Kind.SCHEDULING_CHANGED: _scheduling,
    Kind.LABEL_CHANGED: _label,
    Kind.NODE_REMOVED: _removed,
    Kind.TIMER_FIRED: _timer,
}
