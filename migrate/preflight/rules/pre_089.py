"""PRE-089: Calico's WireGuard goes first: it takes MTU, rules and routing tables that Cilium's packets meet."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import truth
from migrate.model.findings import Severity
from migrate.model.installs import agent_env, calico_node
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

KEYS = ("wireguardEnabled", "wireguardEnabledV6")
VARIABLES = ("FELIX_WIREGUARDENABLED", "FELIX_WIREGUARDENABLEDV6")


def check(case: Case) -> Iterator[Hit]:
    """Name every FelixConfiguration, of the cluster or of a node, and the DaemonSet's environment that turn it on."""
    for item in case.snapshot.calico("felixconfigurations"):
        on = [key for key in KEYS if truth(item.data, "spec", key)]
        if on:
            yield Hit(item.path, {"keys": " and ".join(on)}, {"on": on})
    agent = calico_node(case.snapshot)
    env = agent_env(case.snapshot, agent)
    on = [name for name in VARIABLES if env.get(name, "").lower() in {"true", "1", "yes"}]
    if agent is not None and on:
        yield Hit(f"DaemonSet/{agent.label}", {"keys": " and ".join(on)}, {"on": on})


RULE = Rule(
    number=89,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="Calico's WireGuard is on",
    message="Turn WireGuard off before the migration ({keys})",
    remedy="disable it, wait until no wireguard.cali is left on any node, plan again; traffic between nodes is in the clear from then on",
    check=check,
    failures=(10,),
    reads=("daemonsets.apps",),
    calico=("felixconfigurations",),
)
