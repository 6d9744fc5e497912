"""PRE-122: in stage M no agent may write a CNI file by itself; only the CiliumNodeConfig hands a node over.

``05-cilium.conflist`` sorts before Calico's file, so every node would switch at once for each new pod. Two ways lead
there with ``customConf`` on: a flag or variable of the agent, and ``cni.configMap``, with which the chart writes both
keys. ``custom-cni-conf`` must be true as well: without it the agent may rename the files of others.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, effective

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at both keys of stage M."""
    config = effective(case, Stage.MIGRATION)
    path = config.data.get("write-cni-conf-when-ready")
    if path:
        fills = {"why": f"write-cni-conf-when-ready is {path}"}
        yield Hit(config_map_path(case), fills, {"write-cni-conf-when-ready": path})
    if not config.on("custom-cni-conf"):
        value = config.get("custom-cni-conf")
        fills = {"why": f"custom-cni-conf is {value}"}
        yield Hit(config_map_path(case), fills, {"custom-cni-conf": value})


RULE = Rule(
    number=122,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Agents would write the CNI file",
    message="Every node would switch at once: {why}",
    remedy="cni.customConf=true, no cni.configMap, and no flag of the agent that names the file",
    check=check,
    failures=(25,),
)
