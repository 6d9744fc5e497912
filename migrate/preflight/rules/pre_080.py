"""PRE-080: with kube-proxy's replacement off, something must balance Services on every node.

Evidence of kube-proxy on a node: its DaemonSet's pod, a static pod, or rules that it keeps there (k3s runs it inside of
another process). A DaemonSet that runs nowhere is the way in which Calico's eBPF data plane switches it off. Rules that
a stopped kube-proxy left behind look the same, so they count only where no DaemonSet is there to judge by.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.drafting import in_scope
from migrate.model.draft import Stage
from migrate.model.fields import maps, number, text
from migrate.model.findings import Severity
from migrate.model.kube_proxy import daemon_set, static_pods
from migrate.model.nodes import Node
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_values import effective

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit | Unread]:
    """Name the DaemonSet that runs nowhere, or each node on which nothing of kube-proxy shows."""
    if effective(case, Stage.MIGRATION).on("kube-proxy-replacement"):
        return
    daemon = daemon_set(case.snapshot)
    if daemon is not None and daemon.replicas == 0:
        yield Hit(f"DaemonSet/{daemon.label}", {"where": "anywhere"}, {"desired": 0})
        return
    with_pod = {p.node for p in case.snapshot.pods if p.owner is not None and _is_of(daemon, p.owner.name)}
    with_pod |= {p.node for p in static_pods(case.snapshot)}
    for node in in_scope(case.snapshot):
        if node.name in with_pod:
            continue
        seen = False if daemon is not None else _keeps_rules(case, node)
        if seen is None:
            yield Unread(f"kube-proxy on node/{node.name}")
        elif not seen:
            yield Hit(f"node/{node.name}", {"where": f"on {node.name}"}, {"pod": "", "rules": 0}, node.name)


def _is_of(daemon: object, owner: str) -> bool:
    return getattr(daemon, "name", None) == owner


def _keeps_rules(case: Case, node: Node) -> bool | None:
    """Say whether rules, sets or devices of kube-proxy are on a node; None where nobody looked."""
    facts = case.snapshot.facts.get(node.name)
    if facts is None or not facts.has("tables", "links"):
        return None
    rules = any(number(t, "kube_proxy") for t in maps(facts.data, "tables"))
    tables = any(text(t, "name") == "kube-proxy" for t in maps(facts.data, "nft"))
    return rules or tables or any(text(link, "ifname") == "kube-ipvs0" for link in maps(facts.data, "links"))


RULE = Rule(
    number=80,
    group=Group.NETWORK,
    severity=Severity.MANDATORY,
    title="kube-proxy does not run",
    message="No service load-balancing would remain {where}",
    remedy="restore kube-proxy first (its DaemonSet's nodeSelector), and see it run on every node",
    check=check,
    failures=(9,),
    reads=("daemonsets.apps", "pods", "nodes"),
)
