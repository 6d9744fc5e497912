"""Where the pods of a wave would go: each wave of a draft drained at once from the cluster as it stands today.

Every wave is asked by itself, from today's placement, so that an operator can see what would happen if these nodes went
out now; the rehearsal carries the moves from wave to wave. Pods are placed first-fit, those with the fewest places
first, then the largest: kinder than the scheduler's own scoring, so what is Pending here has no place at all by this
order, and nothing is preempted for it. Pods of nodes that recycle return to their node and are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migrate.engine.filters import Filter, filter_of
from migrate.engine.scheduling import ClusterState, first_fit
from migrate.model.pods import Pod

__all__ = ["Displacement", "Pending", "displaced", "without_place"]

_KIND = {Filter.KEPT_OUT: Filter.APART}
"""One anti-affinity refuses twice where both ends state it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pod without a place.

    ``reasons`` counts by how many nodes each was given. ``standing`` says that no node that is left suits it, however
    empty. ``nearest`` are the filters that fail on those nodes which fail the fewest, of the suitable ones where there
    are some: what would have to change first. ``places`` are all nodes that suit it, those of the wave included.
    """

    pod: Pod
    reasons: Mapping[str, int] = field(default_factory=dict)
    nearest: frozenset[Filter] = frozenset()
    standing: bool = False
    places: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Give the reasons as kube-scheduler would write them."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))


@dataclass(frozen=True, slots=True)
class Displacement:
    """One wave, counted from 1: its nodes, how many pods had to move, and those without a place."""

    wave: int
    nodes: tuple[str, ...]
    moved: int = 0
    pending: tuple[Pending, ...] = ()


def displaced(
    state: ClusterState, waves: Iterable[Sequence[str]], moving: Mapping[str, Sequence[Pod]]
) -> tuple[Displacement, ...]:
    """Drain every wave in turn, each from the same state; ``moving`` holds by node the pods that a drain moves.

    The state is the same afterwards. Cost: each pod meets nodes until the first that fits.
    """
    found = []
    for number, nodes in enumerate(waves, start=1):
        pods = [pod for name in nodes for pod in moving.get(name, ())]
        pending = tuple(without_place(state, nodes, pods)) if pods else ()
        found.append(Displacement(number, tuple(nodes), len(pods), pending))
    return tuple(found)


def without_place(
    state: ClusterState, out: Sequence[str], pods: Sequence[Pod], within: frozenset[str] | None = None
) -> Iterator[Pending]:
    """Give the pods that find no place while the nodes ``out`` are cordoned, by name.

    ``within`` limits the places to these nodes. The state is the same afterwards.
    """
    closed = set(out) if within is None else set(state.nodes) - within | set(out)
    homes = {pod.label: state.place_of.get(pod.label) for pod in pods}
    for pod in pods:
        state.remove(pod)
    state.cordon(closed)
    placed, left = _packed(state, pods)
    answers: dict[object, Pending] = {}
    found = [_explained(state, pod, closed, answers) for pod in left]
    for pod in placed:
        state.remove(pod)
    state.uncordon(closed)
    for pod in pods:
        if home := homes[pod.label]:
            state.place(pod, home)
    yield from sorted(found, key=lambda p: p.pod.label)


def _packed(state: ClusterState, pods: Sequence[Pod]) -> tuple[list[Pod], list[Pod]]:
    """Place what can be placed; a pod that waits for another's company is tried again while anything moves."""
    left = sorted(pods, key=lambda p: _order(state, p))
    placed: list[Pod] = []
    while left:
        stuck: list[Pod] = []
        hopeless: set[object] = set()
        for pod in left:
            node = None if hopeless and state.kind(pod) in hopeless else first_fit(pod, state)
            if node is None:
                hopeless.add(state.kind(pod))
                stuck.append(pod)
                continue
            state.place(pod, node)
            placed.append(pod)
        if len(stuck) == len(left) or not any(pod.affinity.get("podAffinity") for pod in stuck):
            return placed, stuck
        left = stuck
    return placed, []


def _order(state: ClusterState, pod: Pod) -> tuple[int, int, int, str]:
    return len(state.eligible(pod)), -pod.requests.cpu_m, -pod.requests.memory, pod.label


def _explained(state: ClusterState, pod: Pod, closed: set[str], answers: dict[object, Pending]) -> Pending:
    """Name, for every node that is left, what refuses the pod there; nearest are those that suit it but for others.

    Pods of one kind share the answer.
    """
    kind = state.kind(pod)
    if kind not in answers:
        answers[kind] = _asked(state, pod, closed)
    return replace(answers[kind], pod=pod)


def _asked(state: ClusterState, pod: Pod, closed: set[str]) -> Pending:
    question, eligible = state.question(pod), state.eligible(pod)
    suitable = frozenset(eligible)
    near: Counter[tuple[str, ...]] = Counter()
    far: Counter[tuple[str, ...]] = Counter()
    for name in state.nodes:
        if name in closed:
            continue
        if name in suitable:
            near[tuple(state.shortages(question, name))] += 1
        else:
            far[tuple(state.refusals(question, name))] += 1
    reasons: Counter[str] = Counter()
    for met, count in (*near.items(), *far.items()):
        reasons.update(dict.fromkeys(met, count))
    failing = [frozenset(_KIND.get(f := filter_of(r), f) for r in met) for met in near or far]
    fewest = min(map(len, failing), default=0)
    nearest = frozenset(f for fs in failing if len(fs) == fewest for f in fs)
    return Pending(pod, dict(reasons), nearest, not near, eligible)
