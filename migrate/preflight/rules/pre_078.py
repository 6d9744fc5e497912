"""PRE-078: features of Calico that Cilium does not take over as they are.

Service advertisement over BGP, addresses for load balancers from Calico's pools, floating addresses, egress gateways.
A pool that allows load balancers counts where a Service of that type exists, or where it allows nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import items, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import pools

__all__ = ["RULE"]

ADVERTISED = ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs")
FLOATING = "cni.projectcalico.org/floatingIPs"
Found = tuple[str, str]


def check(case: Case) -> Iterator[Hit]:
    """Name each object that uses such a feature."""
    for found in (_advertisement, _load_balancers, _floating, _gateways):
        for path, feature in found(case):
            yield Hit(path, {"f": feature}, {"feature": feature})


def _advertisement(case: Case) -> Iterator[Found]:
    for item in case.snapshot.calico("bgpconfigurations"):
        used = [key for key in ADVERTISED if items(item.data, "spec", key)]
        if used:
            yield item.path, f"service advertisement ({', '.join(used)})"


def _load_balancers(case: Case) -> Iterator[Found]:
    exist = any(text(s.data, "spec", "type") == "LoadBalancer" for s in case.snapshot.of("services"))
    for pool in pools(case):
        if (
            "LoadBalancer" in pool.uses
            and not pool.disabled
            and (exist or set(pool.uses) == {"LoadBalancer"})
        ):
            yield pool.path, f"load balancer addresses from pool {pool.cidr}"


def _floating(case: Case) -> Iterator[Found]:
    for pod in case.snapshot.pods:
        if addresses := pod.annotations.get(FLOATING):
            yield f"Pod/{pod.label}", f"floating addresses {addresses}"


def _gateways(case: Case) -> Iterator[Found]:
    for item in case.snapshot.of("egressgateways.operator.tigera.io"):
        yield item.path, "egress gateway"
    for item in case.snapshot.calico("felixconfigurations"):
        support = text(item.data, "spec", "egressIPSupport", default="Disabled")
        if support != "Disabled":
            yield item.path, f"egress gateways ({support})"


RULE = Rule(
    number=78,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Feature without an equal",
    message="Calico feature {f} has no drop-in equal",
    remedy="plan its replacement (Cilium's BGP control plane, LB IPAM, egress gateway) and accept by id",
    check=check,
    failures=(28,),
    reads=("services", "pods"),
    calico=("ippools", "bgpconfigurations", "felixconfigurations"),
)
