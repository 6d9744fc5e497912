"""PRE-023: each zone, and each group of nodes behind the same taints, should be able to spare one node.

A zone can if the pods of any of its nodes fit on its others; else they leave the zone while their node is out. A taint
group can if those pods that no node outside suits fit on its others. Only zones of a cluster that has several are asked,
and only nodes that are drained. Whether the pods find a place at all is asked by PRE-020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate.engine.displacement import without_place
from migrate.model.findings import Severity
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread
from migrate.preflight.views_waves import cluster_state, leaving, unseen_constraints

__all__ = ["RULE"]

PERMANENT = frozenset({"NoSchedule", "NoExecute"})


def check(case: Case) -> Iterator[Hit | Unread]:
    """Empty each node of a group into the rest of the group."""
    yield from unseen_constraints(case)
    zones = _grouped(case, lambda node: node.zone)
    for name, nodes in zones.items() if len(zones) > 1 else ():
        yield from _spare(case, f"zone/{name}", f"zone {name}", nodes, bound=False)
    for name, nodes in _grouped(case, _taints).items():
        yield from _spare(case, f"taints/{name}", f"taints {name}", nodes, bound=True)


def _grouped(case: Case, key: Callable[[Node], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in case.snapshot.nodes:
        if name := key(node):
            found.setdefault(name, []).append(node.name)
    return dict(sorted(found.items()))


def _taints(node: Node) -> str:
    own = {f"{t.key}={t.value}" if t.value else t.key for t in node.taints if t.effect in PERMANENT}
    return ",".join(sorted(k for k in own if not k.startswith(("node.kubernetes.io/", "c2c/"))))


def _spare(case: Case, path: str, name: str, nodes: list[str], *, bound: bool) -> Iterator[Hit]:
    state, group, short = cluster_state(case), frozenset(nodes), {}
    for node in nodes:
        pods = [p for p in leaving(case).get(node, ()) if not bound or _belongs(case, p, group)]
        homeless = list(without_place(state, [node], pods, group)) if pods else []
        if homeless:
            short[node] = {p.pod.label: p.words for p in homeless}
    if short:
        yield Hit(path, {"g": name}, {"nodes": nodes, "without a place": short})


def _belongs(case: Case, pod: Pod, group: frozenset[str]) -> bool:
    return group.issuperset(cluster_state(case).eligible(pod))


RULE = Rule(
    number=23,
    group=Group.CAPACITY,
    severity=Severity.WARN,
    title="A zone or taint group has no headroom",
    message="Zone/taint group {g} has no headroom",
    remedy="put its nodes last (waves.order), or add a node to the group",
    check=check,
    reads=("nodes", "pods"),
)
