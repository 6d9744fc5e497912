"""What scripts are made of, and how far one has come: rows of commands, some of which occur more than once.

A script is recomputed from the state whenever it is asked for, never stored: a resumed run asks again, and every command
that has happened already is seen to have (``observe``) before it is acted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from migrate.model.commands import Command, Name
from migrate.model.draft import NodePlan
from migrate.model.run import NodeRun, NodeStatus, Run

__all__ = [
    "CALICO",
    "CILIUM",
    "CONF_PATH",
    "ENFORCE_CNC",
    "MIGRATION_CNC",
    "Keyed",
    "Script",
    "awaits_machine",
    "evictions",
    "gate",
    "hooks",
    "is_replaced",
    "measurable",
    "moved",
    "node_plan",
    "pending",
]

MIGRATION_CNC, ENFORCE_CNC = "cilium-default", "cilium-enforce"
CALICO, CILIUM = "calico", "cilium"
CONF_PATH = "/host/etc/cni/net.d/05-cilium.conflist"
"""Where a switched agent writes its CNI file, as it sees it: the mount point is fixed by the chart."""

Script = tuple[Command, ...]


class Keyed(tuple[Command, ...]):  # noqa: SLOT001  # its keys are kept in its dict
    """A script that remembers its keys: a phase that walks a thousand nodes is asked for at every event."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Give the keys of its commands, in order."""
        return tuple(command.key for command in self)


FLOW_GATES = frozenset({"G-17", "G-18", "G-27"})


def gate(number: int, node: str = "", **args: object) -> Command:
    """Give the command that evaluates a gate, on one node or on the cluster."""
    return Command(Name.EVALUATE_GATE, node, {"gate": f"G-{number:02d}", **args})


def measurable(run: Run, script: Iterable[Command]) -> Script:
    """Leave out the gates that judge flows where the settings name no source of flows."""
    without = FLOW_GATES if run.plan.draft.settings.gates.flows_source == "none" else frozenset()
    return tuple(c for c in script if c.name is not Name.EVALUATE_GATE or c.args["gate"] not in without)


def node_plan(run: Run, node: str) -> NodePlan:
    """Give how a node is moved; a node that was adopted later is moved as the settings say.

    No machine is replaced that came in the place of another one, or joined later: it would never end.
    """
    draft = run.plan.draft
    default = NodePlan(mode=draft.settings.nodes.move, recycle_order=draft.settings.nodes.recycle_order)
    known = run.nodes.get(node)
    adopted = node not in draft.nodes or (known is not None and bool(known.prior.get("successor")))
    plan = draft.nodes.get(node, default)
    return replace(plan, mode="drain", reboot=False) if adopted and plan.mode == "replace" else plan


def is_replaced(run: Run, node: str) -> bool:
    """Say whether a node's machine is being replaced now: it may be gone, or another one, and that is as it should be."""
    if awaits_machine(run, node):
        return True
    return any(o.owner == node and o.command.name is Name.DELETE_MACHINE for o in run.open.values())


def awaits_machine(run: Run, node: str) -> bool:
    """Say whether a node's machine is gone and the one in its place is still to come: it can wait, whatever the run does."""
    known = run.nodes.get(node)
    return known is not None and known.status is NodeStatus.DRAINED and bool(known.prior.get("deleted"))


def pending(script: Iterable[Command], done: Sequence[str]) -> Iterator[Command]:
    """Give the commands that are not done; of one that occurs twice the second is not done by the first."""
    if isinstance(script, Keyed) and script.keys[: len(done)] == done:
        yield from script[len(done) :]
        return
    left = Counter(done)
    for command in script:
        if left[command.key]:
            left[command.key] -= 1
        else:
            yield command


def evictions(node: NodeRun) -> Iterator[Command]:
    """Give the evictions of the pods that still have to go, by namespace and name."""
    for uid, pod in sorted(node.evict.items(), key=lambda item: (item[1]["namespace"], item[1]["name"])):
        yield Command(Name.EVICT, node.name, {"uid": uid, "namespace": pod["namespace"], "pod": pod["name"]})


def hooks(node: NodeRun) -> Iterator[Command]:
    """Give the hooks that name a pod which still has to go, in the order of the configuration."""
    named = {number for pod in node.evict.values() for number in pod.get("hooks", ())}
    yield from (Command(Name.RUN_HOOK, node.name, {"hook": number}) for number in sorted(named))


def moved(run: Run) -> Sequence[str]:
    """Give the nodes on Cilium in the order in which they moved; before any did (a plan), in the order of the waves."""
    alive = {n for n, node in run.nodes.items() if node.status is not NodeStatus.GONE}
    ordered = run.order or tuple(n for wave in run.waves for n in wave)
    late = alive.difference(ordered)
    return [n for n in ordered if n in alive] + sorted(
        n for n in late if run.nodes[n].status is NodeStatus.DONE
    )
