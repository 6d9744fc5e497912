"""PRE-013: in a Canal cluster flannel owns the tunnel and the addresses of pods, and Calico the policies alone.

Flannel's port is Cilium's default one, and its range is the pool that every rule on pools must know. It is always a
finding, to be accepted when both are right; the evidence says whether the planned port is still flannel's.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.installs import calico_node, flannel_network, flannel_port
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

NAMES = frozenset({"canal", "rke2-canal"})


def check(case: Case) -> Iterator[Hit]:
    """Say what flannel has, where it is there."""
    agent = calico_node(case.snapshot)
    networks = flannel_network(case.snapshot)
    canal = "canal" in case.draft.variant.installs or (agent is not None and agent.name in NAMES)
    if not canal and not networks:
        return
    port, planned = flannel_port(case.snapshot), case.draft.settings.cilium.tunnel_port
    evidence = {
        "flannelPort": port,
        "tunnelPort": planned,
        "samePort": port == planned,
        "networks": list(networks),
    }
    fills = {"port": port, "networks": ", ".join(networks) or "which nothing shows"}
    yield Hit(f"DaemonSet/{agent.label}" if agent else "cluster/calico", fills, evidence)


RULE = Rule(
    number=13,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Canal",
    message="Canal detected: tunnel port and pool rules differ",
    remedy="keep cilium.tunnelPort off {port}; flannel's range, {networks}, is treated as a pool of Calico's; then accept",
    check=check,
    failures=(3,),
    reads=("daemonsets.apps", "configmaps"),
)
