"""PRE-072: Calico must not masquerade what goes to Cilium's pods.

Felix masquerades what leaves a pool with ``natOutgoing`` for an address in no pool at all; a disabled pool counts on
both sides, one for load balancers alone on neither.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.pinning import uncovered
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import pools

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each pool that masquerades, with the new ranges of its family that no pool covers."""
    open_ = uncovered(case.snapshot, case.draft.settings)
    for pool in pools(case):
        missed = [str(r) for r in open_ if pool.network is not None and r.version == pool.network.version]
        if pool.nat_outgoing and missed:
            yield Hit(pool.path, {"cidr": ", ".join(missed)}, {"pool": pool.cidr, "uncovered": missed})


RULE = Rule(
    number=72,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Calico masquerades towards Cilium",
    message="Calico will SNAT traffic to Cilium pods ({cidr})",
    remedy="P2 applies a disabled IPPool over the new range (cover pool)",
    check=check,
    failures=(5,),
    calico=("ippools",),
    repaired_by="ApplyCoverPool",
)
