"""PRE-054: pods of the host's network keep their address, but what policies call them changes. Always said.

One finding a workload: for Calico they are host endpoints or nothing, for Cilium ``host`` and ``remote-node``.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_owners import Maker, maker_of
from migrate.preflight.views_waves import counted

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Count them by workload."""
    found: dict[Maker, list[Pod]] = {}
    for pod in case.snapshot.pods:
        if pod.host_network and not pod.finished:
            maker = Maker("Pod", pod.namespace, pod.name) if pod.mirror else maker_of(case, pod)
            found.setdefault(maker, []).append(pod)
    for maker, pods in sorted(found.items(), key=lambda pair: pair[0].path):
        told = str(maker) if maker.kind == "Pod" else f"{maker} ({counted(len(pods), 'pod')})"
        yield Hit(maker.path, {"p": told}, {"nodes": sorted(p.node for p in pods)})


RULE = Rule(
    number=54,
    group=Group.PLACEMENT,
    severity=Severity.INFO,
    title="Pods of the host's network",
    message="{p} is hostNetwork: not moved (evicted before a reboot), but its policy meaning changes (host / remote-node)",
    remedy="see the policy report (c2c translate)",
    check=check,
    reads=("pods",),
)
