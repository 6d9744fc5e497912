"""PRE-091: where FORWARD drops by default, Calico's own ACCEPT rules carry the pods' traffic until they are cleaned up."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import labels
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node and family whose FORWARD chain drops what no rule accepts."""
    for facts in case.facts("forward_policy"):
        for family, policy in sorted(labels(facts.data, "forward_policy").items()):
            if policy.upper() == "DROP":
                fills = {"n": facts.node, "family": family}
                yield Hit(f"node/{facts.node}", fills, {"family": family, "policy": policy}, facts.node)


RULE = Rule(
    number=91,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="FORWARD drops by default",
    message="FORWARD policy is DROP on {n} (IPv{family}); Calico's ACCEPT rules carry pod traffic",
    remedy="see that CILIUM_FORWARD accepts before the clean-up of that node; find who set the policy (docker does)",
    check=check,
    failures=(13,),
    facts=("forward_policy",),
    repeat=frozenset({Repeat.NO_RETURN}),
)
