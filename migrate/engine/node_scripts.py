"""What is done in each state of a node, in the order of ``procedure.md`` §7 and, on the way back, §8.1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from migrate.engine.script import CALICO, CILIUM, Script, evictions, gate, hooks, measurable, node_plan
from migrate.model.commands import Command, Name
from migrate.model.draft import NodePlan
from migrate.model.run import NodeRun, NodeStatus, Phase, Run

__all__ = ["node_script"]


def node_script(run: Run, node: NodeRun) -> Script:
    """Give what is done in the node's state, in order; evictions of CORDONED and ROLLING_BACK go out together."""
    written = _NODE_SCRIPTS.get(node.status)
    return measurable(run, written(run, node, node_plan(run, node.name))) if written is not None else ()


def _preparing(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run, how
    yield from (gate(g, node.name) for g in (22, 23, 9, 24))
    yield Command(Name.BACKUP_NODE, node.name)
    yield Command(Name.BASELINE, node.name)


def _cordoning(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run, how
    yield Command(Name.CORDON, node.name, {"leave": CALICO})


def _draining(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    """Let the user's commands go first: where one fails, nothing was done yet but the cordon."""
    del run
    yield from hooks(node)
    if _after(how):
        yield Command(Name.LABEL_NODE, node.name, {"drained": False})
        return
    if how.mode == "recycle":
        yield Command(Name.GUARD_TAINT, node.name)
    yield from evictions(node)


def _labelling(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run
    if how.mode == "replace":
        yield Command(Name.DELETE_MACHINE, node.name)
        yield Command(Name.AWAIT_MACHINE, node.name)
    else:
        yield Command(Name.LABEL_NODE, node.name, {"drained": True})


def _switching(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run, how
    yield Command(Name.RESTART_AGENT, node.name, {"as": CILIUM})


def _renewing(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    """Bring every pod on the node to the new CNI: by a reboot, or one by one."""
    del run
    name = node.name
    if how.reboot:
        # One that was asked for and did not show in time may have happened since: look first, never reboot twice.
        yield Command(Name.REBOOT, name, reconcile=bool(node.prior.get("reboot_asked")))
        return
    if _after(how):
        yield from (gate(g, name) for g in (1, 2, 3, 30))
        yield Command(Name.PROBE, name, {"rows": "address"})
        yield gate(4, name)
        yield Command(Name.GUARD_TAINT, name)
        if node.cordoned_by_us:
            yield Command(Name.UNCORDON, name)
    yield Command(Name.RECYCLE_PODS, name, {"from": CALICO, "daemon_sets": False})


def _checking(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run
    if _after(how) and how.access != "api":
        yield Command(Name.SWEEP_NODE, node.name)
    yield from (gate(g, node.name) for g in (1, 2, 3, 30))


def _proving(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    """Ask the gates that name one cause before the one over the whole matrix, so that a halt names the cause.

    The canary's network manager is restarted last, where hands reach the host (G-20): it is still cordoned then.
    """
    yield Command(Name.PROBE, node.name, {"rows": "node"})
    yield from (gate(g, node.name) for g in (4, 6, 7, 8, 5))
    if run.phase is Phase.CANARY and how.access != "api":
        yield gate(20, node.name)


def _giving_back(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run
    name = node.name
    if node.cordoned_by_us:
        yield Command(Name.UNCORDON, name)
    if how.mode == "recycle":
        yield Command(Name.UNGUARD_TAINT, name)
    yield Command(Name.RESTART_DAEMON_PODS, name, {"from": CALICO})
    if how.access != "api":
        yield Command(Name.SWEEP_NODE, name)
    yield gate(11, name)


def _soaking(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del how
    yield Command(Name.SOAK, node.name, {"seconds": _soak_s(run), "flows": True})
    yield from (gate(g, node.name) for g in (10, 15, 16, 18, 17))


def _marking(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    del run, how
    yield Command(Name.ANNOTATE_NODE, node.name)


def _after(how: NodePlan) -> bool:
    return how.mode == "recycle" and how.recycle_order == "after"


def _soak_s(run: Run) -> float:
    """Give how long a node soaks; whoever is canary in P4, the planned one or the next by rank, soaks as the canary."""
    waves = run.plan.draft.settings.waves
    return waves.canary_soak_s if run.phase is Phase.CANARY else waves.soak_s


def _rolling_back(run: Run, node: NodeRun, how: NodePlan) -> Iterator[Command]:
    """Bring one node back to Calico (``procedure.md`` §8.1); the agent loses its label before the file is touched."""
    del run
    name = node.name
    yield Command(Name.CORDON, name, {"leave": CILIUM})
    yield from hooks(node)
    yield from evictions(node)
    yield Command(Name.UNLABEL_NODE, name)
    yield Command(Name.RESTART_AGENT, name, {"as": CALICO})
    yield Command(Name.RESTORE_CALICO_CONF, name)
    yield Command(Name.RECYCLE_PODS, name, {"from": CILIUM, "daemon_sets": True})
    yield gate(3, name, expect=CALICO)
    yield Command(Name.PROBE, name, {"rows": "back"})
    yield gate(4, name, expect=CALICO)
    yield gate(5, name, expect=CALICO)
    if node.cordoned_by_us:
        yield Command(Name.UNCORDON, name)
    if how.mode == "recycle":
        yield Command(Name.UNGUARD_TAINT, name)
    yield gate(10, name)


_NODE_SCRIPTS: Mapping[NodeStatus, Callable[[Run, NodeRun, NodePlan], Iterator[Command]]] = {
    NodeStatus.PENDING: _preparing,
    NodeStatus.PREFLIGHTED: _cordoning,
    NodeStatus.CORDONED: _draining,
    NodeStatus.DRAINED: _labelling,
    NodeStatus.LABELLED: _switching,
    NodeStatus.CNI_SWITCHED: _renewing,
    NodeStatus.REBOOTED: _checking,
    NodeStatus.RECYCLED: _checking,
    NodeStatus.CILIUM_READY: _proving,
    NodeStatus.PROBED: _giving_back,
    NodeStatus.UNCORDONED: _soaking,
    NodeStatus.SOAKED: _marking,
    NodeStatus.ROLLING_BACK: _rolling_back,
}
