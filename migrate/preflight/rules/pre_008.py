"""PRE-008: where a provider owns addresses and CNI there is nothing to switch node by node.

Seen by the provider's own DaemonSet, by the CNI that the Installation names, or by a node pool's label. A cluster that
runs its own Calico on machines of a cloud is none of these.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

REMEDIES = {
    "aks": "az aks update --network-dataplane cilium does it in place; c2c translate serves for the policies",
    "gke": "make a new cluster, or new node pools, with Dataplane V2; c2c translate serves for the policies",
    "eks": "translate the policies only (c2c translate), or plan Cilium chained behind the VPC CNI",
}


def check(case: Case) -> Iterator[Hit]:
    """Refuse the three providers whose network is theirs."""
    cloud = case.draft.variant.cloud
    if cloud in REMEDIES:
        sets = sorted(w.label for w in case.snapshot.workloads if w.kind == "DaemonSet")
        evidence = {"installs": list(case.draft.variant.installs), "daemonSets": sets}
        yield Hit(f"cloud/{cloud}", {"cloud": cloud.upper(), "remedy": REMEDIES[cloud]}, evidence)


RULE = Rule(
    number=8,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Network is the provider's",
    message="{cloud}: addresses/CNI are managed; node-by-node switch does not apply",
    remedy="{remedy}",
    check=check,
    reads=("nodes", "daemonsets.apps"),
)
