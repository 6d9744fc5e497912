"""PRE-100: a Cilium that owns the directory of CNI files alone renames the file of Multus.

Multus is known by its DaemonSet, its definitions, or its file on a node; the plan keeps Cilium from it wherever the
first two show it. ``cni-exclusive`` is judged in the stages in which agents write the file, and in every
CiliumNodeConfig. Without the file on nodes the rule goes by the objects alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import mapping, maps, text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_cni import conf_files
from migrate.preflight.views_values import effective

__all__ = ["RULE"]

DEFINITIONS = (
    "network-attachment-definitions.k8s.cni.cncf.io",
    "networkattachmentdefinitions.k8s.cni.cncf.io",
)
KEY = "cni-exclusive"


def check(case: Case) -> Iterator[Hit]:
    """Name whatever shows Multus, if some agent would be exclusive."""
    exclusive = [*_stages(case), *_node_configs(case)]
    if not exclusive:
        return
    for path in _multus(case):
        yield Hit(path, {"where": ", ".join(exclusive)}, {KEY: exclusive})


def _stages(case: Case) -> list[str]:
    """Give the stages whose agents write the file themselves and are exclusive; in M only a node's own config does."""
    found = []
    for stage in (Stage.AUDIT, Stage.FINAL):
        config = effective(case, stage)
        if config.get("write-cni-conf-when-ready") and config.on(KEY):
            found.append(f"stage {stage}")
    return found


def _node_configs(case: Case) -> list[str]:
    found = []
    for item in case.snapshot.of("ciliumnodeconfigs.cilium.io"):
        if text(mapping(item.data, "spec", "defaults"), KEY) == "true":
            found.append(item.path)
    return found


def _multus(case: Case) -> Iterator[str]:
    for work in case.snapshot.workloads:
        if work.kind == "DaemonSet" and "multus" in work.name:
            yield f"DaemonSet/{work.label}"
    for resource in DEFINITIONS:
        for item in case.snapshot.of(resource):
            yield item.path
    for facts in case.facts("cni"):
        if any("multus" in text(f, "name") for f in maps({"files": list(conf_files(facts))}, "files")):
            yield f"node/{facts.node}"


RULE = Rule(
    number=100,
    group=Group.NETWORK,
    severity=Severity.BLOCK,
    title="Multus' file would be renamed",
    message="Multus conf would be renamed ({where} has cni-exclusive true)",
    remedy="set cni.exclusive=false in the chart and in the CiliumNodeConfig, and point Multus' clusterNetwork at Cilium's file",
    check=check,
    failures=(38,),
    reads=("daemonsets.apps",),
)
