"""PRE-079: in a cloud, packets without encapsulation travel by routes and exceptions of its own.

A pool that encapsulates between subnets alone counts too: within one the sender check must be off just the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import clouds, pools

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each pool whose packets the cloud's network carries as they are."""
    names = ", ".join(clouds(case))
    if not names:
        return
    for pool in pools(case):
        if not pool.for_workloads or not (pool.encapsulation == "none" or pool.cross_subnet):
            continue
        way = "no encapsulation" if pool.encapsulation == "none" else "no encapsulation within a subnet"
        evidence = {"pool": pool.cidr, "encapsulation": way, "awsSrcDstCheck": _sender_check(case)}
        yield Hit(pool.path, {"pool": pool.cidr, "cloud": names, "way": way}, evidence)


def _sender_check(case: Case) -> str:
    found = (text(f.data, "spec", "awsSrcDstCheck") for f in case.snapshot.calico("felixconfigurations"))
    return next((f for f in found if f), "not set by Calico")


RULE = Rule(
    number=79,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Routes of the cloud point at pods",
    message="VPC routes point at pods: pool {pool} has {way} in {cloud}",
    remedy="keep routes and the disabled source/destination check until P11, then remove them",
    check=check,
    failures=(28,),
    reads=("nodes",),
    calico=("ippools",),
)
