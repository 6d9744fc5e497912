"""PRE-107: another network program in the cluster, or its files, would go on programming routes and rules.

Canal's flannel is part of Calico there and not named; Cilium is judged by PRE-014. Files are looked at where they were
collected.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_cni import conf_files

__all__ = ["RULE"]

PROGRAMS = (
    "kube-router", "kube-flannel", "weave-net", "antrea-agent", "kube-ovn-cni", "ovs-ovn", "aws-node", "azure-cni",
    "azure-cns", "romana-agent", "contiv-netplugin", "kindnet", "kindnetd", "anetd", "netd", "spiderpool-agent",
)  # fmt: skip
FILES = (
    "flannel",
    "weave",
    "kuberouter",
    "kube-router",
    "antrea",
    "kube-ovn",
    "aws",
    "azure",
    "kindnet",
    "ovn",
)


def check(case: Case) -> Iterator[Hit]:
    """Name their DaemonSets, then files on nodes that bear their names."""
    canal = "canal" in case.draft.variant.installs
    for work in case.snapshot.workloads:
        is_one = work.kind == "DaemonSet" and work.name.startswith(PROGRAMS)
        if is_one and not (canal and work.name.startswith("kube-flannel")):
            yield Hit(f"DaemonSet/{work.label}", {"x": work.label}, {"desired": work.replicas})
    for facts in case.facts("cni"):
        for file in conf_files(facts):
            name = text(file, "name")
            if any(mark in name for mark in FILES):
                message = "{x} on {n}: a file of another CNI is left"
                yield Hit(
                    f"node/{facts.node}",
                    {"x": name, "n": facts.node},
                    {"file": name},
                    facts.node,
                    message=message,
                )


RULE = Rule(
    number=107,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Another network program",
    message="{x} also programs routes/rules",
    remedy="decide who owns routes and rules; remove what is left of the other one",
    check=check,
    failures=(26,),
    reads=("daemonsets.apps",),
)
