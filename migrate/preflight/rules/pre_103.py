"""PRE-103: bandwidth limits of pods are the bandwidth plugin's work today, Cilium's bandwidth manager's after the switch.

The manager knows ``egress-bandwidth``, and ``ingress-bandwidth`` from 1.18 on (cilium
``Documentation/network/kubernetes/bandwidth-manager.rst``).
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import effective

__all__ = ["RULE"]

EGRESS, INGRESS = "kubernetes.io/egress-bandwidth", "kubernetes.io/ingress-bandwidth"
FIRST_WITH_INGRESS = (1, 18)


def check(case: Case) -> Iterator[Hit]:
    """Name each pod with a limit that nobody would apply."""
    manager = effective(case, Stage.MIGRATION).on("enable-bandwidth-manager")
    applied = {EGRESS: manager, INGRESS: manager and case.draft.settings.cilium.minor >= FIRST_WITH_INGRESS}
    for pod in case.snapshot.pods:
        lost = {
            key: pod.annotations[key] for key, kept in applied.items() if key in pod.annotations and not kept
        }
        if lost and not pod.host_network and not pod.finished:
            yield Hit(f"Pod/{pod.label}", {"p": pod.label, "limits": ", ".join(lost)}, lost)


RULE = Rule(
    number=103,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Bandwidth limit not applied",
    message="{p}: bandwidth limit not applied ({limits})",
    remedy="set bandwidthManager.enabled=true (ingress limits from Cilium 1.18 on), in a stage of its own if the limit can wait",
    check=check,
    failures=(8,),
    reads=("pods",),
)
