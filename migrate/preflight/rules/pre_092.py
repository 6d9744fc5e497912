"""PRE-092: a Felix that starts cleans up after Calico's eBPF data plane, and its way of doing so takes Cilium's along.

It deletes the whole clsact qdisc and every pin in /sys/fs/bpf/tcx (projectcalico/calico ``felix/bpf/tc/cleanup.go``).
Pins of Calico on a node mean that there is something to clean up; a DaemonSet that is not rolled out means that Felix
will start again.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import items
from migrate.model.findings import Severity
from migrate.model.installs import calico_node
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

MARK, CONNECT_TIME = "/cali", "/sys/fs/bpf/ctlb"


def check(case: Case) -> Iterator[Hit]:
    """Name each node with pins of Calico, and the DaemonSet that is still rolling."""
    agent = calico_node(case.snapshot)
    if agent is not None and not agent.rolled_out:
        counts = {"desired": agent.replicas, "updated": agent.updated, "ready": agent.ready}
        yield Hit(f"DaemonSet/{agent.label}", {"n": "the nodes that it has not reached"}, counts)
    for facts in case.facts("bpf"):
        pins = [p for p in items(facts.data, "bpf", "pins") if isinstance(p, str) and _is_calicos(p)]
        if pins:
            yield Hit(
                f"node/{facts.node}", {"n": facts.node}, {"pins": pins[:20], "count": len(pins)}, facts.node
            )


def _is_calicos(path: str) -> bool:
    return MARK in path or path.startswith(CONNECT_TIME)


RULE = Rule(
    number=92,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Felix may remove Cilium's programs",
    message="A Felix restart may remove Cilium's tc programs on {n}",
    remedy="let no calico-node roll from P3 to P11; after a restart run gate G-02 there and restart Cilium's agent if it fails",
    check=check,
    reads=("daemonsets.apps",),
    facts=("bpf",),
)
