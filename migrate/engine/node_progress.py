"""What follows when the script of a node's state is done: the next state, and the rows that lead there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migrate.engine.node_moves import Rows, successor
from migrate.engine.node_scripts import node_script
from migrate.engine.script import node_plan, pending
from migrate.engine.turn import Turn
from migrate.model.events import Kind
from migrate.model.run import NodeRun, NodeStatus

__all__ = ["finish_if_done"]


def finish_if_done(turn: Turn, name: str) -> Rows:
    """Move a node on once its script is done, and give the rows."""
    node = turn.node(name)
    if _busy(turn, name) or any(pending(node_script(turn.run, node), node.done)):
        return ("=",)
    return _ADVANCE[node.status](turn, node) if node.status in _ADVANCE else ("=",)


def _busy(turn: Turn, name: str) -> bool:
    return any(o.owner == name for o in turn.run.open.values())


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
        if uid := str(node.prior.get("again") or ""):
            turn.set_node(successor(node.name, labelled=bool(node.prior.get("labelled")), uid=uid))
            return ("47",)
        turn.move_node(node.name, NodeStatus.GONE, selected=False)
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
