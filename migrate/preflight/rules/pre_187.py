"""PRE-187: whoever else lives on Calico must move before it goes: BGP peers, load balancer addresses, clients of its API.

Features are those that the variant shows. Clients are ClusterRoles that name Calico's groups and are neither Calico's own
nor Kubernetes' aggregated ones, and bound; they are looked at where the snapshot holds roles.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import items, maps, text
from migrate.model.findings import Severity
from migrate.model.resources import CALICO_GROUPS
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

FEATURES = {
    "bgp-peers": "a BGP peer",
    "bgp-services": "BGP advertisement of Services",
    "lb-ipam": "LoadBalancer addresses by Calico",
    "floating-ips": "floating IPs",
    "egress-gateways": "egress gateways",
}
ROLES, BINDINGS = "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"
OWN = ("calico", "tigera", "system:", "cilium", "c2c", "admin", "edit", "view", "cluster-admin")


def check(case: Case) -> Iterator[Hit]:
    """Name features in use, then foreign roles on Calico's groups."""
    for extra in case.draft.variant.extras:
        if extra in FEATURES:
            yield Hit(f"calico/{extra}", {"x": FEATURES[extra]}, {"extra": extra})
    bound = {text(b.data, "roleRef", "name") for b in case.snapshot.of(BINDINGS)}
    for role in case.snapshot.of(ROLES):
        groups = {g for rule in maps(role.data, "rules") for g in items(rule, "apiGroups")}
        if groups & set(CALICO_GROUPS) and role.name in bound and not role.name.startswith(OWN):
            yield Hit(role.path, {"x": role.path}, {"groups": sorted(groups & set(CALICO_GROUPS))})


RULE = Rule(
    number=187,
    group=Group.NO_RETURN,
    severity=Severity.BLOCK,
    title="Others use Calico",
    message="{x} still uses Calico",
    remedy="move it, or take it away, before P11",
    check=check,
    failures=(28,),
    calico=("bgppeers", "bgpconfigurations", "ippools"),
    repeat=frozenset({Repeat.NO_RETURN}),
)
