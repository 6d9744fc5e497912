"""PRE-070: calico-node must not take Cilium's device for its node's way out, or the cluster loses its routes (F-01).

Safe are NodeInternalIP, a ``skip-interface`` that covers Cilium's devices, ``cidrs`` apart from the new range, and
``can-reach`` where ``calico.autodetection`` names it. ``interface`` is safe as well where its pattern fits none of
Cilium's devices: calico-node then looks at no other. An address that is given, and an agent that looks for none
(Canal, policy only), have no method to judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.autodetection import detections, is_safe, must_pin, planned
from migrate.engine.pinning import can_pin
from migrate.model.findings import Severity
from migrate.model.installs import calico_node
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_network import new_ranges

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Judge the method of each family; P2 mends it unless the way of installing is not known to us."""
    snapshot, settings, variant = case.snapshot, case.draft.settings, case.draft.variant
    if calico_node(snapshot) is None:
        yield Unread("DaemonSet calico-node")
    ranges = new_ranges(case)
    for found in detections(snapshot, variant):
        if is_safe(found.method, ranges, settings):
            continue
        wanted = planned(settings, found.family)
        mends = must_pin(found, settings) and is_safe(wanted, ranges, settings)
        yield Hit(
            found.source,
            {"family": found.family, "method": found.method},
            {"family": found.family, "method": found.method, "planned": wanted},
            stays=not (mends and can_pin(snapshot, settings, variant)),
        )


RULE = Rule(
    number=70,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Calico may take Cilium's address",
    message="calico-node may pick cilium_host (IPv{family} by {method})",
    remedy="P2 pins NodeInternalIP, or what calico.autodetection says (skipInterface, cidrs)",
    check=check,
    failures=(1,),
    reads=("daemonsets.apps",),
    repaired_by="PinAutodetect",
)
