"""PRE-020: with a wave's nodes out, the CPU, memory and storage that its pods ask for must be free on the rest.

Each wave is drained from today's placement by the scheduler's own filters; a pod counts here when it is for want of a
resource that the nodes which suit it best refuse it. Pods of nodes that recycle come back to them and do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.filters import Filter, filter_of
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Report each wave with pods that would be Pending, and the resources that are short."""
    yield from unseen_constraints(case)
    for wave, pending in held_up(case, Filter.RESOURCES):
        short = {r.split(" ", 1)[1] for p in pending for r in p.reasons if filter_of(r) is Filter.RESOURCES}
        fills = {"w": wave.wave, "k": len(pending), "resource": ", ".join(sorted(short))}
        evidence = {"nodes": list(wave.nodes), "pods": {p.pod.label: p.words for p in pending}}
        yield Hit(f"wave/{wave.wave}", fills, evidence, wave.nodes[0] if len(wave.nodes) == 1 else "")


RULE = Rule(
    number=20,
    group=Group.CAPACITY,
    severity=Severity.BLOCK,
    title="Not enough room for a wave",
    message="Wave {w}: {k} pods would be Pending ({resource})",
    remedy="lower waves.parallel, add nodes, or nodes.move: recycle for these nodes",
    check=check,
    failures=(19,),
    reads=("nodes", "pods"),
)
