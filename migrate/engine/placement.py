"""Which nodes may be out together, which goes first, and how long each takes: pure questions about a snapshot.

A *PDB group* is a PodDisruptionBudget whose pods run on several nodes: two of its nodes are never out at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from migrate.engine.disruptions import BudgetIndex
from migrate.model.draft import Canary, NodePlan
from migrate.model.nodes import Node
from migrate.model.pods import Pod
from migrate.model.settings import Settings
from migrate.model.snapshot import Snapshot
from migrate.model.workloads import Budget

__all__ = ["budgets_of", "choose_canary", "estimate", "movable_pods", "node_groups", "waves"]

AGENT_S, AGENT_P90_S = 45.0, 120.0
"""From the deletion of an agent's pod to its successor being Ready, image present; to be replaced by measured starts."""
EVICT_S = 4.0
BUDGET_WAIT_S = 30.0
"""A pod beyond what its budget lets go waits for a successor to become Ready."""
PROVE_S = 30.0


def movable_pods(snapshot: Snapshot) -> dict[str, list[Pod]]:
    """Give by node the pods that a drain evicts: neither a DaemonSet's, nor static, nor finished, nor hostNetwork."""
    found: dict[str, list[Pod]] = {node.name: [] for node in snapshot.nodes}
    for pod in snapshot.pods:
        if pod.node in found and pod.movable and not pod.host_network:
            found[pod.node].append(pod)
    return found


def budgets_of(budgets: Iterable[Budget], pods: Iterable[Pod]) -> dict[str, list[Budget]]:
    """Give by pod (``namespace/name``) the budgets that select it, in their order."""
    index = BudgetIndex(budgets)
    return {pod.label: met for pod in pods if (met := index.of(pod))}


def node_groups(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Give by node the labels of the budgets whose pods a drain of it would evict."""
    moving = movable_pods(snapshot)
    covered = budgets_of(snapshot.budgets, (p for pods in moving.values() for p in pods))
    return {
        node: tuple(sorted({b.label for p in pods for b in covered.get(p.label, ())}))
        for node, pods in moving.items()
    }


def choose_canary(
    snapshot: Snapshot, *, candidates: Sequence[Node], own_node: str, no_go: frozenset[str]
) -> Canary:
    """Choose the node that goes first (``procedure.md`` §10): among those that meet every condition, the least loaded.

    Where none meets them all, conditions are given up from the last named, and the result says which. A cordoned node
    is a poor proof, as nothing new comes to it: that condition is ours and the first to go.
    """
    moving = movable_pods(snapshot)
    covered = budgets_of(snapshot.budgets, (p for pods in moving.values() for p in pods))
    replicas = {(w.kind, w.label): w.replicas for w in snapshot.workloads}
    asked: Counter[str] = Counter()
    for pod in snapshot.pods:
        asked[pod.node] += pod.requests.cpu_m
    conditions = (
        ("its rules are Go", lambda n: n.name not in no_go and n.ready),
        ("no control-plane node", lambda n: not n.control_plane),
        ("not the tool's own node", lambda n: n.name != own_node),
        (
            "no PDB at its limit",
            lambda n: all(b.allowed > 0 for p in moving[n.name] for b in covered.get(p.label, ())),
        ),
        ("no single replica", lambda n: not any(_single(p, replicas) for p in moving[n.name])),
        ("not cordoned", lambda n: not n.unschedulable),
    )
    for kept in range(len(conditions), -1, -1):
        met = [n for n in candidates if all(holds(n) for _, holds in conditions[:kept])]
        if met:
            best = min(met, key=lambda n: (len(moving[n.name]), asked[n.name] - n.allocatable.cpu_m, n.name))
            count = len(moving[best.name])
            reasons = (
                f"{count} pod{'s' * (count != 1)} to move, the fewest",
                *(text for text, _ in conditions[:kept]),
            )
            return Canary(best.name, reasons, tuple(text for text, _ in conditions[kept:]))
    return Canary()


def _single(pod: Pod, replicas: Mapping[tuple[str, str], int]) -> bool:
    owner = pod.owner
    return owner is not None and replicas.get((owner.kind, f"{pod.namespace}/{owner.name}"), 2) == 1


def waves(
    nodes: Sequence[Node],
    groups: Mapping[str, tuple[str, ...]],
    settings: Settings,
    *,
    first: str,
    own_node: str,
) -> tuple[tuple[str, ...], ...]:
    """Order the nodes: the canary alone, workers, then control-plane nodes one at a time, the tool's own node last.

    A wave never holds two nodes of one PDB group or of two zones, nor more than ``waves.parallel``.
    """
    rest = [n for n in nodes if n.name not in {first, own_node}]
    workers = sorted((n for n in rest if not n.control_plane), key=lambda n: (n.zone, n.name))
    planes = sorted((n for n in rest if n.control_plane), key=lambda n: n.name)
    by_kind = {
        "workers": _packed(workers, groups, settings.waves.parallel),
        "control-plane": [[n] for n in planes],
    }
    ordered = [wave for kind in settings.waves.order for wave in by_kind.pop(kind, [])]
    ordered += [wave for left in by_kind.values() for wave in left]
    found: list[tuple[str, ...]] = [(first,)] if first else []
    found += [tuple(n.name for n in wave) for wave in ordered]
    if own_node and own_node != first and any(n.name == own_node for n in nodes):
        found.append((own_node,))
    return tuple(found)


def _packed(nodes: Sequence[Node], groups: Mapping[str, tuple[str, ...]], size: int) -> list[list[Node]]:
    """Fill waves in order; a node that would meet a group of its wave, or another zone, waits for the next one."""
    found: list[list[Node]] = []
    left = list(nodes)
    while left:
        wave, taken, later = [left[0]], set(groups.get(left[0].name, ())), []
        for node in left[1:]:
            own = set(groups.get(node.name, ()))
            if len(wave) < size and not own & taken and node.zone == wave[0].zone:
                wave.append(node)
                taken |= own
            else:
                later.append(node)
        found.append(wave)
        left = later
    return found


def estimate(
    pods: Sequence[Pod], covered: Mapping[str, list[Budget]], settings: Settings
) -> tuple[float, float]:
    """Give p50 and p90 of one node's move in seconds: drain, agent, proof and soak."""
    grace = max((min(p.grace_s, settings.deadlines.drain_s) for p in pods), default=0)
    per_budget: dict[str, int] = {}
    allowed: dict[str, int] = {}
    for pod in pods:
        for budget in covered.get(pod.label, ()):
            per_budget[budget.label] = per_budget.get(budget.label, 0) + 1
            allowed[budget.label] = max(1, budget.allowed)
    rounds = max((-(-count // allowed[name]) - 1 for name, count in per_budget.items()), default=0)
    drain = min(len(pods) * EVICT_S / 2 + grace / 2 + rounds * BUDGET_WAIT_S, settings.deadlines.drain_s)
    drain_p90 = min(len(pods) * EVICT_S + grace + rounds * 2 * BUDGET_WAIT_S, settings.deadlines.drain_s)
    soak = settings.waves.soak_s
    return round(drain + AGENT_S + PROVE_S + soak), round(drain_p90 + AGENT_P90_S + 2 * PROVE_S + soak)


def node_plan(
    node: Node,
    pods: Sequence[Pod],
    covered: Mapping[str, list[Budget]],
    groups: tuple[str, ...],
    settings: Settings,
    access: str = "api",
) -> NodePlan:
    """Say how one node is moved: its mode, whether a static pod forces a reboot, and how long it takes."""
    p50, p90 = estimate(pods, covered, settings)
    mode = settings.nodes.by_node.get(node.name, settings.nodes.move)
    reboot = settings.nodes.reboot == "always"
    return NodePlan(mode, settings.nodes.recycle_order, access, reboot, groups, p50, p90)
