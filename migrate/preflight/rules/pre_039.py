"""PRE-039: a pod whose volume lies on its node cannot run elsewhere, or would find nothing there.

That is a volume which no other node reaches by its node affinity, whatever made it; and a volume of type hostPath
without any affinity, with which the pod would start elsewhere without its data. A volume of a zone is moved as long as
the zone has another node. Nodes that recycle keep their pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.storage import Claim
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_waves import cluster_state, leaving

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Ask for every pod that leaves whether its volumes can follow."""
    state = cluster_state(case)
    for node, pods in leaving(case).items():
        for pod in pods:
            held = [c for c in state.volumes(pod) if _held(case, c, node)]
            if held:
                evidence = {c.name: c.volume for c in held}
                yield Hit(f"Pod/{pod.label}", {"p": pod.label, "n": node}, {"claims": evidence}, node)


def _held(case: Case, claim: Claim, node: str) -> bool:
    if claim.places is None:
        return claim.local
    return cluster_state(case).reach(claim) <= {node}


RULE = Rule(
    number=39,
    group=Group.EVICTION,
    severity=Severity.BLOCK,
    title="Local volume",
    message="{p} cannot leave {n} (local volume)",
    remedy="nodes.move: recycle for {n}, so that its pods come back to it",
    check=check,
    failures=(35,),
    reads=("pods", "persistentvolumeclaims", "persistentvolumes"),
)
