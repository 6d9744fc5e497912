"""PRE-153: ClusterNetworkPolicies are compiled to Cilium's own objects; enforced by Cilium as well they count twice.

And with another meaning: a Baseline Accept re-opens pods that other policies isolate, a Baseline Deny without ``from`` cuts
probes, negative namespaces select too much (engine). Only with the switch on, which exists from 1.20 on.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import departures, is_on, live_config

__all__ = ["RULE"]

KEY = "enable-k8s-cluster-network-policy"
RESOURCE = "clusternetworkpolicies.policy.networking.k8s.io"


def check(case: Case) -> Iterator[Hit]:
    """Name every such object where a stage, or the live configuration, enforces them."""
    stages = [s for _, where in departures(case, KEY, lambda v: not is_on(v)) for s in where]
    live = is_on((live_config(case) or {}).get(KEY, "false"))
    if not stages and not live:
        return
    for item in case.snapshot.of(RESOURCE):
        yield Hit(item.path, {"object": item.path}, {"stages": stages, "live": live})


RULE = Rule(
    number=153,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="ClusterNetworkPolicy enforced twice",
    message="{object} would be enforced twice, with another meaning",
    remedy="keep k8sClusterNetworkPolicy.enabled=false",
    check=check,
    failures=(24, 53),
)
