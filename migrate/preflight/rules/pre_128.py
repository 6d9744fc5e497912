"""PRE-128: the CRDs that the migration writes must be there in time, in the version that is written.

The chart holds none: the operator makes them some 15 s after its start, unless it is told not to. Whoever tells it so
must have brought them all. An older CRD that a dead Cilium left behind is renewed by the operator; it counts only
where nobody will renew it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import maps, text, truth
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import effective

__all__ = ["RULE"]

NODE_CONFIGS = "ciliumnodeconfigs.cilium.io"
NEEDED = (
    "ciliumcidrgroups.cilium.io", "ciliumclusterwidenetworkpolicies.cilium.io", "ciliumendpoints.cilium.io",
    "ciliumidentities.cilium.io", "ciliuml2announcementpolicies.cilium.io", "ciliumloadbalancerippools.cilium.io",
    "ciliumnetworkpolicies.cilium.io", NODE_CONFIGS, "ciliumnodes.cilium.io", "ciliumpodippools.cilium.io",
)  # fmt: skip
"""Agents wait for these at their start (``pkg/k8s/synced/crd.go``); CiliumNodeConfigs are what hands a node over."""
WRITTEN = "v2"
SKIPPED = {"skip-crd-creation": "true"}


def check(case: Case) -> Iterator[Hit]:
    """Ask who makes the CRDs, and whether what is there serves the version that is written."""
    live = {c.name: c for c in case.snapshot.of("customresourcedefinitions.apiextensions.k8s.io")}
    skipped = any(effective(case, stage, operator=True).on("skip-crd-creation") for stage in Stage)
    if skipped:
        for name in NEEDED:
            if name not in live:
                message = "nobody will create the Cilium CRDs: {crd} is absent"
                yield Hit(f"CustomResourceDefinition/{name}", {"crd": name}, SKIPPED, message=message)
    runs = any(w.kind == "DaemonSet" and w.name == "cilium" for w in case.snapshot.workloads)
    if (skipped or runs) and NODE_CONFIGS in live and WRITTEN not in _served(live[NODE_CONFIGS]):
        served = {"served": _served(live[NODE_CONFIGS])}
        yield Hit(f"CustomResourceDefinition/{NODE_CONFIGS}", {"v": f"cilium.io/{WRITTEN}"}, served)


def _served(crd: Resource) -> list[str]:
    return [text(v, "name") for v in maps(crd.data, "spec", "versions") if truth(v, "served", default=True)]


RULE = Rule(
    number=128,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="CRDs missing or too old",
    message="CiliumNodeConfig {v} not served",
    remedy="operator.skipCRDCreation=false, or apply the CRDs of the planned version before P3",
    check=check,
    failures=(48,),
    reads=("customresourcedefinitions.apiextensions.k8s.io",),
)
