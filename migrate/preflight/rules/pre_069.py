"""PRE-069: pods, Services, nodes and the plan must be of the same IP families.

The families of pods are those of the pools in use (``procedure.md`` §2); a change of family is untested upstream. A
Service of a family that no pod has, and a node without an InternalIP of a family that pods have, are named one by one;
since 1.17 an agent waits for the addresses of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate.engine.drafting import in_scope
from migrate.model.addresses import address, network
from migrate.model.fields import items, text
from migrate.model.findings import Severity
from migrate.model.resources import Resource
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_network import new_ranges

__all__ = ["RULE"]

NAMES = {4: "IPv4", 6: "IPv6"}


def check(case: Case) -> Iterator[Hit]:
    """Compare the plan with the cluster, then each node and each Service with the families of pods."""
    families = set(case.draft.variant.families)
    planned = {r.version for r in new_ranges(case)}
    if planned != families:
        facts = f"pods have {_names(families)}, cilium.podCIDRs {_names(planned)}"
        yield Hit(
            "config/cilium.podCIDRs", {"facts": facts}, {"pods": sorted(families), "plan": sorted(planned)}
        )
    for node in in_scope(case.snapshot):
        own = {found.version for a in node.internal_addresses if (found := address(a)) is not None}
        if lacking := families - own:
            facts = f"node {node.name} has no InternalIP of {_names(lacking)}"
            yield Hit(
                f"node/{node.name}", {"facts": facts}, {"addresses": node.internal_addresses}, node.name
            )
    for service in case.snapshot.of("services"):
        if foreign := _families(service) - families:
            facts = f"{service.path} is {_names(foreign)}, pods are {_names(families)}"
            yield Hit(service.path, {"facts": facts}, {"ipFamilies": sorted(_families(service))})


def _families(service: Resource) -> set[int]:
    """Give the families of a Service's addresses; of one without addresses (headless, ExternalName) what it asks for."""
    written = [*items(service.data, "spec", "clusterIPs"), text(service.data, "spec", "clusterIP")]
    found: set[int] = {net.version for value in written if (net := network(str(value))) is not None}
    return found or {4 if f == "IPv4" else 6 for f in items(service.data, "spec", "ipFamilies")}


def _names(families: Iterable[int]) -> str:
    return " and ".join(NAMES[f] for f in sorted(families)) or "none"


RULE = Rule(
    number=69,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="IP families do not agree",
    message="IP family mismatch: {facts}",
    remedy="give cilium.podCIDRs a range of each family that pods have and of no other (ipv6.enabled follows from it)",
    check=check,
    reads=("nodes", "services"),
    calico=("ippools",),
)
