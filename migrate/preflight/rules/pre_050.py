"""PRE-050: a pod that binds a port of its node needs another node on which that port is free.

Simulated as PRE-020; a pod counts here when the port is what the nodes that suit it best refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.filters import Filter
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import held_up, unseen_constraints

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name each such pod with its ports."""
    yield from unseen_constraints(case)
    for wave, pending in held_up(case, Filter.PORTS):
        for item in pending:
            ports = [f"{port}/{protocol}" for protocol, port, _ in item.pod.host_ports]
            fills = {"p": item.pod.label, "port": ", ".join(ports)}
            evidence = {"wave": wave.wave, "reasons": dict(item.reasons)}
            yield Hit(f"Pod/{item.pod.label}", fills, evidence, item.pod.node)


RULE = Rule(
    number=50,
    group=Group.PLACEMENT,
    severity=Severity.WARN,
    title="hostPort taken everywhere",
    message="{p}: hostPort {port} is taken everywhere",
    remedy="nodes.move: recycle for its node, or scale its workload down to fewer pods than nodes",
    check=check,
    failures=(8,),
    reads=("nodes", "pods"),
)
