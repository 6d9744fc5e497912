"""PRE-010: with Calico's eBPF data plane on, both CNIs would attach tc programs to the same devices.

It is turned off first, by itself: kube-proxy back, ``bpfEnabled`` off, everything verified, then a new plan. Each place
that turns it on is named, since one that is forgotten turns it on again.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import text, truth
from migrate.model.findings import Severity
from migrate.model.installs import agent_env, calico_node
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at Felix' configurations, the Installation and the agents' environment."""
    snapshot = case.snapshot
    for item in snapshot.calico("felixconfigurations"):
        if truth(item.data, "spec", "bpfEnabled"):
            yield Hit(item.path, {}, {"bpfEnabled": True})
    for item in snapshot.of("installations.operator.tigera.io"):
        if text(item.data, "spec", "calicoNetwork", "linuxDataplane") == "BPF":
            yield Hit(item.path, {}, {"linuxDataplane": "BPF"})
    agent = calico_node(snapshot)
    if agent is not None and agent_env(snapshot, agent).get("FELIX_BPFENABLED", "").lower() == "true":
        yield Hit(f"DaemonSet/{agent.label}", {}, {"FELIX_BPFENABLED": "true"})


RULE = Rule(
    number=10,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Calico eBPF is on",
    message="Calico eBPF is on; both CNIs attach tc programs",
    remedy="restore kube-proxy, set bpfEnabled=false (operator: linuxDataplane: Iptables), verify, plan again",
    check=check,
    failures=(9,),
    reads=("installations.operator.tigera.io", "daemonsets.apps"),
    calico=("felixconfigurations",),
)
