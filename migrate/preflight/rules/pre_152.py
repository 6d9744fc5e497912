"""PRE-152: the kubelet's probes come from the own node, which is allowed by default only.

Two things cut it: the mode ``always``, in which a pod without any rule refuses even its own node, and an explicit ingress
deny of ``all``, ``host`` or ``cluster``, or one with ports and no peer list, which is treated alike (engine). Looked at are all stages,
the live ConfigMap, CiliumNodeConfigs, the staged policies, and those of Cilium that the cluster holds. Policies of
nodes are about nodes and not about probes of pods.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.sides import Side, sides_of
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_policy import cilium_policies, staged_objects
from migrate.preflight.views_values import config_map_path, departures, live_config, node_configs

__all__ = ["RULE"]

KEY = "enable-policy"
CUTTING = frozenset({"all", "host", "cluster"})


def check(case: Case) -> Iterator[Hit | Unread]:
    """Look at the mode wherever it is set, then at denies of pods."""
    path = config_map_path(case)
    for value, stages in departures(case, KEY, lambda v: v != "always"):
        yield Hit(path, {"pods": f"pods without any rule ({KEY} is {value})"}, {"stages": stages})
    live = (live_config(case) or {}).get(KEY)
    if live == "always":
        yield Hit(path, {"pods": f"pods without any rule (live {KEY} is always)"}, {KEY: live})
    for name, config in node_configs(case):
        if config.get(KEY) == "always":
            yield Hit(name, {"pods": "pods without any rule on its nodes"}, {KEY: "always"})
    if not case.snapshot.knows("configmaps"):
        yield Unread("configmaps")
    held = [item.data for item in cilium_policies(case.snapshot)]
    for side in sides_of([*staged_objects(case), *held]):
        if side.deny and not side.of_nodes and side.direction == "ingress" and _cuts(side):
            yield Hit(side.object, {"pods": f"what {side.object} selects"}, {"element": dict(side.element)})


def _cuts(side: Side) -> bool:
    return side.anyone or bool(side.entities & CUTTING)


RULE = Rule(
    number=152,
    group=Group.POLICY,
    severity=Severity.MANDATORY,
    title="Probes of pods would be dropped",
    message="Kubelet probes of {pods} would be dropped",
    remedy="policyEnforcementMode: default; leave host, all and cluster out of ingress denies, and name the peers",
    check=check,
    failures=(53,),
)
