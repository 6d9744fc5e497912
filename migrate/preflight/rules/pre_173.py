"""PRE-173: privileged pods need a namespace that takes them: ours for the node pod, Cilium's for its agents.

The level is the label of the namespace; ours is made with the right one where it does not exist. Cilium's agents are
privileged whatever reaches the nodes, so their namespace is looked at in any case.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

LEVEL = "pod-security.kubernetes.io/enforce"
NODE_POD = "pod"


def check(case: Case) -> Iterator[Hit]:
    """Look at the labels of both namespaces."""
    settings = case.draft.settings
    by_pod = [name for name, plan in case.draft.nodes.items() if plan.access == NODE_POD]
    wanted = {settings.cilium.namespace: "Cilium's agents"}
    if by_pod:
        wanted[settings.namespace] = f"node pods of {', '.join(sorted(by_pod)[:5])}"
    for item in case.snapshot.of("namespaces"):
        level = item.labels.get(LEVEL, "privileged")
        if item.name in wanted and level != "privileged":
            fills = {"ns": item.name, "level": level}
            yield Hit(f"Namespace/{item.name}", fills, {"level": level, "for": wanted[item.name]})


RULE = Rule(
    number=173,
    group=Group.PERMISSIONS,
    severity=Severity.BLOCK,
    title="Namespace refuses privileged pods",
    message="Namespace {ns}: {level}",
    remedy="kubectl label namespace {ns} pod-security.kubernetes.io/enforce=privileged --overwrite",
    check=check,
    reads=("namespaces",),
)
