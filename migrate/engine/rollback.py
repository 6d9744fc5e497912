"""What undoes a whole run, newest change first (``procedure.md`` §8.2); nodes come back one by one in between."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.script import CILIUM, ENFORCE_CNC, MIGRATION_CNC, Script, gate, moved
from migrate.model.commands import Command, Name
from migrate.model.draft import Stage
from migrate.model.run import Phase, Run

__all__ = ["after_the_nodes", "before_the_nodes"]


def before_the_nodes(run: Run) -> Script:
    """Give what must be undone before the first node returns: above all the operator's watcher of unmanaged pods."""
    return tuple(_to_migration(run)) if run.phase.number >= Phase.FINAL_HELM.number else ()


def after_the_nodes(run: Run) -> Script:
    """Give what is undone once every node is back on Calico, and the proof that all is as it was."""
    return tuple(_to_baseline(run))


def _to_migration(run: Run) -> Iterator[Command]:
    """Go back to stage M with its node configuration, so that each agent is secondary again when its label goes."""
    stage = str(Stage.MIGRATION)
    yield Command(Name.APPLY_NODE_CONFIG, args={"name": MIGRATION_CNC})
    for node in moved(run):
        yield Command(Name.LABEL_NODE, node, {"drained": False})
    yield Command(Name.HELM_UPGRADE, args={"stage": stage})
    yield Command(Name.RESTART_OPERATOR, args={"stage": stage})
    yield gate(30, part="operator", stage=stage)
    yield Command(Name.DELETE_NODE_CONFIG, args={"name": ENFORCE_CNC})
    for node in moved(run):
        yield Command(Name.UNLABEL_NODE, node, {"label": ENFORCE_CNC})
        yield Command(Name.RESTART_AGENT, node, {"as": CILIUM})


def _to_baseline(run: Run) -> Iterator[Command]:
    reached = run.phase.number
    if reached >= Phase.INSTALL_CILIUM.number:
        for name in ("allowance", "deferred", "staged"):
            yield Command(Name.UNSTAGE_POLICIES, args={"set": name})
        yield Command(Name.DELETE_NODE_CONFIG, args={"name": MIGRATION_CNC})
        yield Command(Name.HELM_UNINSTALL)
        yield Command(Name.DELETE_CILIUM_CRDS)
    if reached >= Phase.PIN_CALICO.number:
        yield from (undo for _, undo in reversed(run.plan.draft.pins))
        yield from (gate(12), gate(13))
    if reached >= Phase.INSTALL_CILIUM.number:
        yield Command(Name.PROBE, args={"rows": "baseline", "again": True})
        yield gate(5)
    yield from (gate(10), Command(Name.SWEEP_MARKS), Command(Name.WRITE_REPORT), Command(Name.RELEASE_LEASE))
