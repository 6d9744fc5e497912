"""PRE-075: a host endpoint must not close what Cilium's nodes say to each other (F-40).

Every node's traffic to every other is judged at each host endpoint by the evaluator that proves translations, so tiers,
orders, profiles and failsafes mean what they mean to Felix; one finding an endpoint and direction. Automatic host
endpoints are judged like any other; where none was made yet, none closes anything. Untracked and preDNAT policies are not judged: an endpoint that they select makes the rule unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.host_allowance import allowance
from migrate.engine.host_policies import host_traffic
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name what each host endpoint would drop; P2 mends what its allowances reach."""
    snapshot, settings, variant = case.snapshot, case.draft.settings, case.draft.variant
    found = host_traffic(snapshot, settings, variant)
    for name, why in found.unjudged.items():
        yield Unread(f"HostEndpoint/{name}: {why}" if name else why)
    left = {(d.endpoint, d.direction) for d in allowance(snapshot, settings, variant).left}
    for drop in found.drops:
        ports = ", ".join(str(p) for p in drop.ports)
        fills = {"h": drop.endpoint.partition("/")[2], "port": ports, "way": drop.direction}
        evidence = {"node": drop.node, "decidedBy": list(drop.by), "autoCreate": _automatic(case)}
        yield Hit(drop.endpoint, fills, evidence, stays=(drop.endpoint, drop.direction) in left)


def _automatic(case: Case) -> str:
    """Give how kube-controllers makes host endpoints, as its configuration says it."""
    for item in case.snapshot.calico("kubecontrollersconfigurations"):
        if found := text(item.data, "spec", "controllers", "node", "hostEndpoint", "autoCreate"):
            return found
    return "Disabled"


RULE = Rule(
    number=75,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Host endpoint closes Cilium's ports",
    message="HostEndpoint {h} would drop {port} ({way})",
    remedy="P2 allows them between nodes; an endpoint that only its profiles close needs a policy of its own",
    check=check,
    failures=(40,),
    reads=("nodes",),
    calico=("hostendpoints", "globalnetworkpolicies", "felixconfigurations"),
    repaired_by="AllowHostPorts",
)
