"""PRE-102: without kube-proxy's replacement only the portmap plugin serves hostPorts, and it must be chained to Cilium.

Judged is the chaining of the migration's CiliumNodeConfig, which the plan derives from the values, and of the stages in
which agents write the file themselves; a CiliumNodeConfig in the cluster counts too. Cilium up to 1.15 ignored this
mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_cni import with_host_ports
from migrate.preflight.views_values import effective

__all__ = ["RULE"]

KEY, PORTMAP = "cni-chaining-mode", "portmap"
FIRST_WITH_IT = (1, 16)
MAX_SHOWN = 10


def check(case: Case) -> Iterator[Hit]:
    """Name the pods once, with whatever would chain something else."""
    pods = with_host_ports(case)
    without = _without_portmap(case) if pods else []
    if not without:
        return
    labels = [p.label for p in pods]
    by_node: dict[str, int] = {}
    for pod in pods:
        by_node[pod.node] = by_node.get(pod.node, 0) + 1
    shown = ", ".join(labels[:MAX_SHOWN]) + (
        f" and {len(labels) - MAX_SHOWN} more" if len(labels) > MAX_SHOWN else ""
    )
    yield Hit(
        f"values/{KEY}",
        {"k": len(pods), "pods": shown, "where": ", ".join(without)},
        {"pods": labels, "nodes": by_node, KEY: without},
    )


def _without_portmap(case: Case) -> list[str]:
    """Give every stage and CiliumNodeConfig under which an agent with no replacement chains no portmap."""
    too_old = case.draft.settings.cilium.minor < FIRST_WITH_IT
    found = []
    for stage in Stage:
        config = effective(case, stage)
        if not config.on("kube-proxy-replacement") and (too_old or config.get(KEY) != PORTMAP):
            found.append(f"stage {stage}: {config.get(KEY)}")
    for item in case.snapshot.of("ciliumnodeconfigs.cilium.io"):
        mode = text(item.data, "spec", "defaults", KEY)
        if mode and mode != PORTMAP:
            found.append(f"{item.path}: {mode}")
    return found


RULE = Rule(
    number=102,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="hostPorts would be dead",
    message="{k} pods use hostPort; dead after the switch ({pods}; {where})",
    remedy="let cni.chainingMode be portmap in the values and cni-chaining-mode: portmap in the CiliumNodeConfig (hostPort.enabled alone does nothing without the replacement)",
    check=check,
    failures=(8,),
    reads=("pods",),
)
