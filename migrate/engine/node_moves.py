"""Moves of a node that several of its handlers make: halt, stand down, give up on a gate.

A handler gives the numbers of the rows that it followed.
"""

from __future__ import annotations

from migrate.engine.reasons import gate_slug
from migrate.engine.script import node_plan
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event, Kind
from migrate.model.run import PATH, NodeRun, NodeStatus

__all__ = [
    "BEHIND_PROOF",
    "SWITCHED",
    "Rows",
    "forget",
    "gate_lost",
    "halt",
    "let_go",
    "stand_down",
    "successor",
]

Rows = tuple[str, ...]
SWITCHED = PATH[PATH.index(NodeStatus.CNI_SWITCHED) :]
"""States in which the node's own CNI is Cilium."""
ON_CILIUM = "G-11"
BEHIND_PROOF = PATH[PATH.index(NodeStatus.PROBED) :]
"""States whose scripts do not ask G-02 and G-05 any more."""


def halt(turn: Turn, node: NodeRun, reason: str, row: str, *, denied: bool = False) -> Rows:
    """Leave a node where it is: nothing more of it goes out, but for a reboot, which cannot be called back."""
    forget(turn, node.name, but=Name.REBOOT)
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


def forget(turn: Turn, name: str, but: Name | None = None) -> None:
    """Wait no longer for what a node has in flight: its answers belong to a state that the node has left."""
    turn.change(open={k: o for k, o in turn.run.open.items() if o.owner != name or o.command.name is but})


def successor(name: str, *, labelled: bool, uid: str = "") -> NodeRun:
    """Give a machine that joined later, or came in the place of another one; its turn comes like any other's."""
    known = {"labelled": labelled, "uid": uid}
    return NodeRun(name, prior={"successor": True, **{k: v for k, v in known.items() if v}})


def let_go(turn: Turn, node: NodeRun) -> None:
    """Give up a node whose machine was deleted: nothing of it can be brought back."""
    forget(turn, node.name)
    turn.move_node(node.name, NodeStatus.GONE, selected=False, came_from=None, evict={})


def stand_down(turn: Turn, node: NodeRun) -> None:
    """Bring a node that was not switched back into service."""
    if node.prior.get("deleted"):
        let_go(turn, node)
        return
    cordoning = any(o.command.name is Name.CORDON and o.owner == node.name for o in turn.run.open.values())
    turn.move_node(node.name, NodeStatus.PENDING, selected=False, came_from=None, evict={})
    forget(turn, node.name)
    if node.cordoned_by_us or cordoning:
        turn.order(Command(Name.UNCORDON, node.name))
    if node_plan(turn.run, node.name).mode == "recycle":
        turn.order(Command(Name.UNGUARD_TAINT, node.name))


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


def gate_lost(turn: Turn, node: NodeRun, event: Event) -> Rows:
    """Halt a node whose gate failed for good, by the row of its state."""
    row = _GATE_ROWS.get(node.status, "=")
    if row == "=":
        return ("=",)
    reason = {"24": "regress", "30": "rollback"}.get(row, gate_slug(event.gate))
    if row == "19" and event.gate == ON_CILIUM:
        reason = "leftover"
    return halt(turn, node, reason, row)
