"""PRE-022: a pod that asks for a GPU, huge pages or the like must find some on another node.

Simulated as PRE-020: a resource that other nodes have but others use is as good as none. *Only on* names the nodes of
the wave that have it; the evidence lists what every node has left.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.filters import Filter, filter_of
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import cluster_state, held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Report each pod with the resource that it would wait for."""
    yield from unseen_constraints(case)
    state = cluster_state(case)
    for wave, pending in held_up(case, Filter.EXTENDED):
        for item in pending:
            short = sorted(r.split(" ", 1)[1] for r in item.reasons if filter_of(r) is Filter.EXTENDED)
            for resource in short:
                free = {
                    n: state.free(n).extended[resource]
                    for n in state.nodes
                    if resource in state.free(n).extended
                }
                here = [name for name in wave.nodes if name in free]
                fills = {"pod": item.pod.label, "res": resource, "n": ", ".join(here) or item.pod.node}
                evidence = {"asked": item.pod.requests.extended[resource], "left": free}
                yield Hit(f"Pod/{item.pod.label}", fills, evidence, item.pod.node)


RULE = Rule(
    number=22,
    group=Group.CAPACITY,
    severity=Severity.BLOCK,
    title="Extended resource nowhere else",
    message="{pod} needs {res}, only on {n}",
    remedy="agree on a maintenance window for it, or nodes.move: recycle for its node",
    check=check,
    failures=(35,),
    reads=("nodes", "pods"),
)
