"""What an operator, or the run, asks of one node: take up, roll back, abort, go on, pause, leave out."""

from __future__ import annotations

from migrate.engine.asking_again import retry_gates
from migrate.engine.node_moves import Rows, forget, let_go, stand_down
from migrate.engine.node_news import EVICTED, ask_anew
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.run import OUT, PATH, NodeRun, NodeStatus, Open

__all__ = ["abort", "pause", "resume", "roll_back", "selected", "skip"]


def selected(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Take a node up, for the first time or again."""
    del opened
    again = node.status is not NodeStatus.PENDING
    limit = turn.run.plan.draft.settings.deadlines
    born = (
        node.prior.get("labelled") and not again
    )  # on Cilium since its first start: there is nothing to switch
    turn.move_node(
        node.name,
        NodeStatus.CNI_SWITCHED if born else NodeStatus.PENDING,
        selected=event.kind is Kind.SELECTED,
        reason="",
        drain_until=turn.at + limit.drain_s,
        node_until=turn.at + limit.node_s if born else node.node_until,
    )
    return ("31",) if again else ("1",)


def roll_back(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Send a node back to Calico, from wherever it is."""
    del opened
    if node.prior.get("deleted"):
        let_go(turn, node)
        turn.raise_(Kind.NODE_ROLLED_BACK, node.name)
        return ("25",)
    back = node.came_from if node.status is NodeStatus.HALTED and node.came_from else node.status
    forget(turn, node.name)
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


def abort(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Bring a node to its nearest stable state."""
    del opened
    status = node.came_from if node.status is NodeStatus.HALTED and node.came_from else node.status
    rollback = bool(event.detail.get("rollback"))
    match status:
        case NodeStatus.PENDING:
            turn.change_node(node.name, selected=False)
            return ("=",)
        case NodeStatus.PREFLIGHTED:
            stand_down(turn, node)
            return ("41",)
        case NodeStatus.CORDONED | NodeStatus.DRAINED:
            stand_down(turn, node)
            return ("26",)
        case NodeStatus.LABELLED:
            return disarm(turn, node, event)
        case NodeStatus.UNCORDONED | NodeStatus.SOAKED | NodeStatus.DONE:
            if rollback and status is NodeStatus.UNCORDONED:
                roll_back(turn, node, event, None)
            return ("45",) if node.status is not NodeStatus.HALTED else ("=",)
        case _ if node.status is NodeStatus.ROLLING_BACK:
            return ("=",)
    if rollback or node.status is NodeStatus.HALTED:
        roll_back(turn, node, event, None)
        return ("28",) if node.status is not NodeStatus.HALTED else ("25",)
    return ("28",)


def disarm(turn: Turn, node: NodeRun, event: Event) -> Rows:
    """Take the label off again, if its agent was not restarted meanwhile; else the whole way back is needed."""
    if any(o.command.name is Name.RESTART_AGENT and o.owner == node.name for o in turn.run.open.values()):
        roll_back(turn, node, event, None)
    else:
        turn.order(Command(Name.UNLABEL_NODE, node.name))
        stand_down(turn, node)
    return ("27",) if node.status is NodeStatus.LABELLED else ("26",)


def resume(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
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
        prior={k: v for k, v in node.prior.items() if k != EVICTED},
        extensions=0,
        appeared=0,
        drain_until=turn.at + turn.run.plan.draft.settings.deadlines.drain_s,
        node_until=turn.at + turn.run.plan.draft.settings.deadlines.node_s,
        selected=status in OUT or status is NodeStatus.PREFLIGHTED,
    )
    if node.reason == "regress":
        ask_anew(turn, turn.node(node.name))
    return ("32",)


def pause(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A node that is only cordoned goes back into service; any other one goes on."""
    del event, opened
    begun = any(k.startswith(f"{Name.EVICT}(") for k in turn.run.open) or node.prior.get("evicted")
    if node.status is not NodeStatus.CORDONED or begun or turn.run.now:
        return ("=",)
    stand_down(turn, node)
    return ("50",)


def skip(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Leave a node out: one that was not switched yet goes back into service, one that is back on Calico stays so."""
    del opened
    before = PATH[: PATH.index(NodeStatus.LABELLED)]
    if node.status is NodeStatus.SKIPPED or (
        node.status is NodeStatus.HALTED and node.came_from not in before
    ):
        return ("i",)
    if node.status is not NodeStatus.ROLLED_BACK:
        stand_down(turn, node)
    turn.move_node(node.name, NodeStatus.SKIPPED, reason="operator")
    turn.raise_(Kind.NODE_SKIPPED, node.name, text=f"{node.name}: left out by {event.by or 'an operator'}")
    return ("44",)
