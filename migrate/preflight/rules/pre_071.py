"""PRE-071: pinning NodeInternalIP must not change an address that Calico uses today.

calico-node takes the first InternalIP of the family. Judged is a pin that P2 would make, and one that stands already:
there the address changes at the next restart of calico-node. A node without the annotation has no address in Calico.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.autodetection import INTERNAL_IP, detections, must_pin, planned
from migrate.model.addresses import address
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

ANNOTATIONS = {4: "projectcalico.org/IPv4Address", 6: "projectcalico.org/IPv6Address"}


def check(case: Case) -> Iterator[Hit]:
    """Compare Calico's annotation with the first InternalIP, node by node and family by family."""
    settings = case.draft.settings
    for found in detections(case.snapshot, case.draft.variant):
        method = planned(settings, found.family) if must_pin(found, settings) else found.method
        if method != INTERNAL_IP:
            continue
        for node in case.snapshot.nodes:
            used = address(node.annotations.get(ANNOTATIONS[found.family], ""))
            own = [a for text in node.internal_addresses if (a := address(text)) is not None]
            first = next((a for a in own if a.version == found.family), None)
            if used is not None and used != first:
                fills = {"n": node.name, "a": used, "b": first if first is not None else "not there"}
                evidence = {"annotation": str(used), "internal": node.internal_addresses}
                yield Hit(f"node/{node.name}", fills, evidence)


RULE = Rule(
    number=71,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Pin would change Calico's address",
    message="{n}: Calico uses {a}, InternalIP is {b}",
    remedy="set calico.autodetection to {skipInterface: cilium.*} or {cidrs: [range of the addresses that Calico uses]}",
    check=check,
    failures=(1,),
    reads=("nodes", "daemonsets.apps"),
)
