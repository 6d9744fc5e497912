"""News of a node that nobody asked for: alarms, restarts, pods and people that come and go, time."""

from __future__ import annotations

from migrate.engine.asking_again import retry_gates
from migrate.engine.node_moves import BEHIND_PROOF, SWITCHED, Rows, forget, gate_lost, halt
from migrate.engine.script import gate, node_plan
from migrate.engine.turn import Turn
from migrate.model.commands import Command, Name
from migrate.model.events import Event
from migrate.model.run import NodeRun, NodeStatus, Open, Phase

__all__ = [
    "EVICTED",
    "VOID",
    "agent_restarted",
    "alarm",
    "appeared",
    "ask_anew",
    "label",
    "rebooted",
    "removed",
    "scheduling",
    "timer",
]

MAX_APPEARANCES = 3
EVICTED, VOID = "evicted_once", "void"
"""What is remembered of a node: pods that came with an address of Calico, and that its results do not count any more."""


def alarm(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A continuous gate fell: the gate itself is asked again where a script is under way."""
    del opened
    if node.status not in SWITCHED:
        return ("=",)
    if node.status in {NodeStatus.DONE, NodeStatus.SOAKED}:
        return halt(turn, node, "regress", "24")
    return gate_lost(turn, node, event)


def rebooted(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A node rebooted by itself: what was measured before counts no more; an armed one may have switched."""
    del opened
    if node.status is NodeStatus.LABELLED:
        return _armed(turn, node, event)
    if node.status in SWITCHED:
        return _void(turn, node)
    return ("34",)


def agent_restarted(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """An agent, or calico-node, was restarted by somebody else."""
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
    return halt(turn, node, "drift", "35")


def _void(turn: Turn, node: NodeRun) -> Rows:
    """Results older than the restart count no longer: G-02 and G-05 are asked again, G-05 over new probes."""
    retry_gates(turn, node.name)
    ask_anew(turn, node)
    return ("42",)


def ask_anew(turn: Turn, node: NodeRun) -> None:
    """Ask G-02 of a node whose script does not ask it any more, and behind its proof make the probes of G-05 again.

    That they are void is remembered until G-05 passes: a halt in between forgets what was out.
    """
    if node.status in {NodeStatus.CILIUM_READY, *BEHIND_PROOF}:
        turn.order(gate(2, node.name), node.name)
    if node.status in BEHIND_PROOF:
        turn.change_node(node.name, prior={**turn.node(node.name).prior, VOID: True})
        turn.order(Command(Name.PROBE, node.name, {"rows": "node"}), node.name)


def appeared(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A pod with a Calico address came to a node that had none left."""
    del opened
    pods = {p["uid"]: p for p in event.detail.get("pods", ())}
    if node.status in {NodeStatus.DRAINED, NodeStatus.LABELLED}:
        if node.appeared + 1 >= MAX_APPEARANCES:
            return halt(turn, node, "drain", "8")
        if node.status is NodeStatus.LABELLED:
            turn.order(Command(Name.UNLABEL_NODE, node.name), node.name)
        turn.move_node(node.name, NodeStatus.CORDONED, evict=pods, appeared=node.appeared + 1)
        return ("8",)
    known = set(node.prior.get(EVICTED, ()))
    row = "43" if node.status in {NodeStatus.UNCORDONED, NodeStatus.SOAKED, NodeStatus.DONE} else "19"
    if known & set(pods) or len(known) >= MAX_APPEARANCES:
        return halt(turn, node, "regress" if row == "43" else "leftover", row)
    limit = turn.run.plan.draft.settings.deadlines.drain_s
    turn.change_node(
        node.name,
        prior={**node.prior, EVICTED: sorted(known | set(pods))},
        drain_until=turn.at + limit,
    )
    for uid, pod in pods.items():
        args = {"uid": uid, "namespace": pod["namespace"], "pod": pod["name"]}
        turn.order(Command(Name.EVICT, node.name, args), node.name)
    return (row,)


def scheduling(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Somebody uncordoned a node in hand."""
    del event, opened
    return halt(turn, node, "drift", "36")


def label(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """Somebody put the label on or took it off."""
    del event, opened
    return halt(turn, node, "drift", "37")


def removed(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """A node was deleted: nothing of it is waited for."""
    del event, opened
    forget(turn, node.name)
    turn.move_node(node.name, NodeStatus.GONE, selected=False, came_from=None)
    if node_plan(turn.run, node.name).mode == "recycle" and turn.run.phase in {Phase.CANARY, Phase.NODE_LOOP}:
        turn.order(Command(Name.UNGUARD_TAINT, node.name))
    return ("33",)


def timer(turn: Turn, node: NodeRun, event: Event, opened: Open | None) -> Rows:
    """The node's own deadline passed."""
    del event, opened
    match node.status:
        case NodeStatus.PENDING | NodeStatus.CORDONED:
            return halt(turn, node, "drain", "7")
        case NodeStatus.LABELLED:
            return halt(turn, node, "agent", "11")
        case NodeStatus.CNI_SWITCHED:
            return halt(turn, node, "reboot" if node_plan(turn.run, node.name).reboot else "drain", "13")
        case NodeStatus.PROBED:
            return halt(turn, node, "leftover", "19")
        case NodeStatus.ROLLING_BACK:
            return halt(turn, node, "rollback", "30")
        case NodeStatus.UNCORDONED:
            return ("20",)
        case NodeStatus.REBOOTED | NodeStatus.RECYCLED | NodeStatus.CILIUM_READY:
            return halt(turn, node, "command", "16")
    return ("=",)
