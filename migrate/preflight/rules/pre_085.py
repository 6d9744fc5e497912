"""PRE-085: NetworkManager takes new devices over, unless their names are among its ``unmanaged-devices`` (F-12)."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.host_files import managed_devices
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_access import gets_no_file

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each node whose NetworkManager is active, with one of each kind of device that it would manage."""
    for facts in case.facts("network_manager"):
        if managed := managed_devices(facts):
            evidence = {"managed": list(managed), "unmanaged": facts.at("network_manager", "unmanaged")}
            yield Hit(
                f"node/{facts.node}",
                {"n": facts.node},
                evidence,
                facts.node,
                stays=gets_no_file(case, facts.node),
            )


RULE = Rule(
    number=85,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="NetworkManager manages Cilium's devices",
    message="NetworkManager on {n} manages Cilium devices",
    remedy="P2 writes /etc/NetworkManager/conf.d/zz-c2c-cilium.conf (unmanaged-devices+=cilium*, lxc*) and reloads it",
    check=check,
    failures=(12,),
    facts=("network_manager",),
    repaired_by="HostDropIn",
)
