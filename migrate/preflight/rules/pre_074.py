"""PRE-074: kube-proxy must take pods of both ranges for pods, or tell nobody apart (F-06).

A family without a CIDR tells nobody apart and is right. What kube-controller-manager hands out (``--cluster-cidr``) is
shown beside it: podCIDRs are no addresses of Cilium's pods, so it changes nothing by itself. A configuration that only
its owner can change (a command line, as RKE2, kOps and clouds have it) stays a blocker: P2 edits ConfigMaps. Where
no configuration shows (k3s), the rule could not look.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.local_traffic import gap, wanted_cidr
from migrate.model.findings import Severity
from migrate.model.kube_proxy import daemon_set, kube_proxies
from migrate.model.pods import flag
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Judge each configuration of kube-proxy that shows."""
    snapshot, settings = case.snapshot, case.draft.settings
    proxies = kube_proxies(snapshot)
    if not proxies and not (daemon_set(snapshot) is not None and case.draft.variant.kube_proxy == "absent"):
        yield Unread("kube-proxy's configuration (no ConfigMap, no DaemonSet, no static pod)")
    for proxy in proxies:
        found = gap(proxy, snapshot, settings)
        if found is None:
            continue
        missing = [str(r) for r in found.missing]
        evidence = {
            "detectLocalMode": proxy.local,
            "clusterCIDR": proxy.cluster_cidr,
            "missing": missing,
            "meant": wanted_cidr(proxy, snapshot, settings) or "none (no-op)",
            "controllerManager": _handed_out(case),
        }
        fills = {"cidr": ", ".join(missing), "what": found.what}
        yield Hit(proxy.source, fills, evidence, stays=not proxy.key)


def _handed_out(case: Case) -> str:
    values = (
        flag(p.arguments, "cluster-cidr")
        for p in case.snapshot.pods
        if p.mirror and "controller-manager" in p.name
    )
    return next((v for v in values if v), "")


RULE = Rule(
    number=74,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="kube-proxy takes pods for outsiders",
    message="kube-proxy treats {cidr} as external ({what})",
    remedy="P2 sets a clusterCIDR that holds both ranges, or none; on a command line its owner must (kube-proxy-arg, cluster spec)",
    check=check,
    failures=(6,),
    reads=("configmaps", "daemonsets.apps", "nodes"),
    calico=("ippools",),
    repaired_by="PatchKubeProxy",
)
