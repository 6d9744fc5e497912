"""PRE-150: pods that may not send everywhere need a rule for DNS, or nothing that has a name is reached.

Asked of Cilium's evaluator over what will be enforced: one pod of each set of labels that policies isolate in egress, UDP
53 to each DNS server. Servers are the pods of the Service ``kube-dns``; where a NodeLocalDNS answers on the nodes, reaching
the own node is enough. A namespace in which one such pod has no DNS is named, whether Calico lets it out or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate.model.fields import labels
from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import cilium_judge, protected
from translators.flows import Verdict

__all__ = ["RULE"]

SERVER = {"k8s-app": "kube-dns"}
PORT = 53


def check(case: Case) -> Iterator[Hit]:
    """Ask for each isolated set of labels whether a name server is reached."""
    servers = _servers(case.snapshot)
    if not servers:
        return
    by_name = {(p.namespace, p.name): p for p in case.snapshot.pods}
    for item in protected(case):
        if item.direction != "egress":
            continue
        mute = sorted(
            {
                pod.name
                for pod in _representatives(item.namespace, item.pods, by_name)
                if not _asks(case, pod, servers)
            }
        )
        if mute:
            evidence = {"pods": mute, "policies": list(item.policies)}
            yield Hit(f"Namespace/{item.namespace}", {"ns": item.namespace}, evidence)


def _servers(snapshot: Snapshot) -> list[str]:
    """Give the pods that answer for the Service ``kube-dns``."""
    wanted: Mapping[str, str] = SERVER
    for service in snapshot.of("services"):
        if (service.namespace, service.name) == ("kube-system", "kube-dns"):
            wanted = labels(service.data, "spec", "selector") or SERVER
    return [
        p.label
        for p in snapshot.pods
        if p.namespace == "kube-system" and not p.finished and wanted.items() <= p.labels.items()
    ]


def _representatives(
    namespace: str, names: Mapping[str, str], by_name: Mapping[tuple[str, str], Pod]
) -> list[Pod]:
    """Give one pod of each set of labels and account; only these decide what a selector sees."""
    found: dict[object, Pod] = {}
    for name in sorted(names):
        pod = by_name[namespace, name]
        found.setdefault((frozenset(pod.labels.items()), pod.service_account), pod)
    return list(found.values())


def _asks(case: Case, pod: Pod, servers: list[str]) -> bool:
    ends = [{"pod": server} for server in servers]
    if "node-local-dns" in case.draft.variant.extras and pod.node:
        ends.append({"node": pod.node})
    judge = cilium_judge(case)
    for end in ends:
        flow = {"src": {"pod": pod.label}, "dst": end, "protocol": "UDP", "port": PORT}
        decided = judge.verdict(flow).egress
        if decided is None or decided.verdict is Verdict.ALLOW:
            return True
    return False


RULE = Rule(
    number=150,
    group=Group.POLICY,
    severity=Severity.WARN,
    title="DNS not allowed",
    message="{ns}: DNS would be dropped",
    remedy="allow UDP and TCP 53 to kube-dns in egress for {ns}",
    check=check,
    reads=("pods", "namespaces", "services"),
)
