"""PRE-093: how Services are balanced today, for the record: the matrix proves it, the clean-up leaves it alone."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import maps, text
from migrate.model.findings import Severity
from migrate.model.kube_proxy import kube_proxies
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

IPVS_DEVICE = "kube-ipvs0"


def check(case: Case) -> Iterator[Hit]:
    """Say the mode and how local traffic is told; one line for each configuration, one where none shows."""
    ipvs = sorted(
        f.node
        for f in case.facts("links")
        if any(text(d, "ifname") == IPVS_DEVICE for d in maps(f.data, "links"))
    )
    evidence = {"kube-ipvs0": ipvs, "kubeProxy": case.draft.variant.kube_proxy}
    absent = case.draft.variant.kube_proxy == "absent"
    proxies = [] if absent else kube_proxies(case.snapshot)
    for proxy in proxies:
        mode = proxy.mode or "iptables"
        fills = {
            "mode": mode,
            "m": proxy.local,
            "more": "" if mode != "nftables" else "; its nft tables are never touched",
        }
        yield Hit(proxy.source, fills, {**evidence, "clusterCIDR": proxy.cluster_cidr})
    if not proxies:
        mode = "none" if absent else "ipvs" if ipvs else "unknown"
        yield Hit("cluster/kube-proxy", {"mode": mode, "m": "unknown", "more": ""}, evidence)


RULE = Rule(
    number=93,
    group=Group.NETWORK,
    severity=Severity.INFO,
    title="How Services are balanced",
    message="kube-proxy mode {mode}, detectLocalMode {m}{more}",
    remedy="",
    check=check,
    failures=(6,),
    reads=("configmaps", "daemonsets.apps"),
)
