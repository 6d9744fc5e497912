"""PRE-021: the rest of the cluster must have places for pods left: kubelets take no more than their ``maxPods``.

Simulated as PRE-020; a pod counts here when the nodes that suit it best have room for its requests and no place.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.filters import Filter
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import cluster_state, held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Report each wave whose pods find every place taken."""
    yield from unseen_constraints(case)
    state = cluster_state(case)
    for wave, pending in held_up(case, Filter.PODS):
        left = {name: state.free(name).pods for name in state.nodes if name not in wave.nodes}
        evidence = {"nodes": list(wave.nodes), "pods": [p.pod.label for p in pending], "places left": left}
        node = wave.nodes[0] if len(wave.nodes) == 1 else ""
        yield Hit(f"wave/{wave.wave}", {"k": len(pending), "w": wave.wave}, evidence, node)


RULE = Rule(
    number=21,
    group=Group.CAPACITY,
    severity=Severity.BLOCK,
    title="Not enough places for pods",
    message="max-pods would be exceeded by {k}",
    remedy="add a node, or nodes.move: recycle for the nodes of wave {w}",
    check=check,
    failures=(27,),
    reads=("nodes", "pods"),
)
