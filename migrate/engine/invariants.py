"""What must be true of a run after every step (``state.md`` §11), as far as the state alone can tell.

The rest needs the world: the simulator's tests and the checker of the control plane look at it from outside.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.node_scripts import node_script
from migrate.engine.reasons import every_halt
from migrate.engine.script import node_plan
from migrate.model.census import census, out_of
from migrate.model.commands import Name
from migrate.model.run import NodeStatus, Phase, Run, RunStatus

__all__ = ["broken"]

MOVED = frozenset({NodeStatus.DONE, NodeStatus.GONE})


def broken(run: Run, control_plane: frozenset[str] = frozenset()) -> Iterator[str]:
    """Give a sentence for every invariant that the state breaks."""
    yield from _out_at_once(run, control_plane)
    if (
        run.phase.number >= Phase.FINAL_HELM.number
        and run.status is RunStatus.RUNNING
        and not run.plan.clean_up
        and census(run.nodes).are(*MOVED) < len(run.nodes)
    ):
        left = [n for n, node in run.nodes.items() if node.status not in MOVED]
        planned = {n for wave in run.waves for n in wave}
        if set(left) & planned and run.phase.number < Phase.REPORT.number:
            yield f"18: {run.phase} runs while {', '.join(sorted(left))} are not on Cilium"
    if run.status is RunStatus.HALTED and run.reason not in every_halt():
        yield f"10: the halt {run.reason!r} has no runbook"
    if run.status.terminal and out_of(run.nodes):
        yield "8: the run has ended with a node out"


def _out_at_once(run: Run, control_plane: frozenset[str]) -> Iterator[str]:
    settings = run.plan.draft.settings
    out = out_of(run.nodes)
    if len(out) > settings.waves.parallel:
        yield f"1: {len(out)} nodes are out, {settings.waves.parallel} may be"
    if len([n for n in out if n in control_plane]) > 1:
        yield "1: two control-plane nodes are out"
    seen: dict[str, str] = {}
    for name in out:
        for group in node_plan(run, name).groups:
            if group in seen:
                yield f"1: {seen[group]} and {name} are out, both of PDB {group}"
            seen[group] = name
    recycling = [n for n in out if node_plan(run, n).mode == "recycle"]
    if recycling and len(out) > 1:
        yield f"17: {recycling[0]} recycles beside another node"
    for name in out:
        node = run.nodes[name]
        uncordons = any(c.name is Name.UNCORDON for c in node_script(run, node))
        if uncordons and not node.cordoned_by_us:
            yield f"2: {name} would be uncordoned though it was not ours"
