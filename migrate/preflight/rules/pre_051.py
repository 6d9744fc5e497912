"""PRE-051: a pod that only nodes of its own wave suit has nowhere to go while they are out.

Suiting is what does not change with load: node selector, required node affinity, taints, cordons, and the zone of a
volume. A pod that its own node's disk holds is PRE-039. *Fits only* names every node that suits it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.displacement import Pending
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import cluster_state, unseen_constraints, waves

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each pod that no node outside its wave suits, however empty."""
    yield from unseen_constraints(case)
    for wave in waves(case):
        for item in wave.pending:
            if item.standing and not _on_its_disk(case, item):
                fills = {"p": item.pod.label, "n": ", ".join(item.places) or "no node, not even its own"}
                evidence = {
                    "wave": wave.wave,
                    "nodes": list(wave.nodes),
                    "nodeSelector": dict(item.pod.node_selector),
                    "reasons": dict(item.reasons),
                }
                yield Hit(f"Pod/{item.pod.label}", fills, evidence, item.pod.node)


def _on_its_disk(case: Case, item: Pending) -> bool:
    state = cluster_state(case)
    volumes = state.volumes(item.pod)
    return any(c.places is not None and state.reach(c) <= {item.pod.node} for c in volumes)


RULE = Rule(
    number=51,
    group=Group.PLACEMENT,
    severity=Severity.BLOCK,
    title="Pod fits only its own wave",
    message="{p} fits only {n}",
    remedy="nodes.move: recycle for its node, label another node, or put these nodes in different waves",
    check=check,
    reads=("nodes", "pods"),
)
