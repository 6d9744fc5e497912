"""Where a pod could run: the scheduler's filters over a cluster in memory, each refusal named in kube-scheduler's words.

Only what forbids is here, nothing that merely prefers, and no preemption. ``fits`` goes on where kube-scheduler stops
at a node's first refusal, so that a caller sees everything that would have to change. Nodes and claims stand still;
pods are placed and removed, and what was counted follows.
Source: Kubernetes ``pkg/scheduler/framework/plugins``, in the order of its default plugins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrate.engine.filters import (
    UNSCHEDULABLE_TAINT,
    Filter,
    Room,
    barred,
    filter_of,
    place_key,
    selected,
    short,
    standing,
    untolerated,
)
from migrate.engine.pod_terms import Crowd, Domain, Spread, Terms, canonical
from migrate.model.fields import items, maps, text
from migrate.model.nodes import Amounts, Node
from migrate.model.pods import Pod, tolerates
from migrate.model.snapshot import Snapshot
from migrate.model.storage import Claim, claims, volume_limits

__all__ = ["ClusterState", "Filter", "filter_of", "first_fit", "fits"]


class ClusterState:
    """Nodes, and the pods that run on them. A pod is known by namespace and name."""

    def __init__(
        self,
        nodes: Iterable[Node],
        pods: Iterable[Pod],
        *,
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
        storage: Mapping[tuple[str, str], Claim] | None = None,
        limits: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Place every pod that has a node and has not ended; the others are not counted."""
        self.nodes = {node.name: node for node in nodes}
        self.place_of: dict[str, str] = {}
        self._rooms = {name: Room(node) for name, node in self.nodes.items()}
        self._crowd = Crowd({n.name: n.labels for n in self.nodes.values()}, namespaces or {})
        self._claims, self._limits, self._namespaces = storage or {}, limits or {}, namespaces or {}
        self._cordoned: set[str] = set()
        self._eligible: dict[tuple[object, ...], tuple[str, ...]] = {}
        self._counted: dict[tuple[object, ...], tuple[frozenset[str], tuple[Domain, ...]]] = {}
        self._reachable: dict[str, frozenset[str]] = {}
        self._by_label: dict[Domain, set[str]] = {}
        for node in self.nodes.values():
            for label in node.labels.items():
                self._by_label.setdefault(label, set()).add(node.name)
        for pod in pods:
            if pod.node in self.nodes and not pod.finished:
                self.place(pod, pod.node)

    @classmethod
    def of(cls, snapshot: Snapshot) -> ClusterState:
        """Give the cluster as the snapshot shows it."""
        return cls(
            snapshot.nodes,
            snapshot.pods,
            namespaces={n.name: n.labels for n in snapshot.of("namespaces")},
            storage=claims(snapshot),
            limits=volume_limits(snapshot),
        )

    def joined(self, node: Node, pods: Iterable[Pod]) -> ClusterState:
        """Give the same cluster with one node more; ``pods`` are those that run."""
        nodes = [*self.nodes.values(), node]
        return ClusterState(
            nodes, pods, namespaces=self._namespaces, storage=self._claims, limits=self._limits
        )

    def place(self, pod: Pod, node: str) -> None:
        """Let a pod run on a node, whether or not it fits there."""
        self._rooms[node].change(pod, self.volumes(pod), 1)
        self._crowd.add(pod, node)
        self.place_of[pod.label] = node

    def remove(self, pod: Pod) -> None:
        """Take a pod away; nothing happens if it runs nowhere."""
        node = self.place_of.pop(pod.label, None)
        if node is not None:
            self._rooms[node].change(pod, self.volumes(pod), -1)
            self._crowd.remove(pod, node)

    def cordon(self, nodes: Iterable[str]) -> None:
        """Let no new pod onto these nodes but one that tolerates it."""
        self._cordoned.update(nodes)

    def uncordon(self, nodes: Iterable[str]) -> None:
        """Take the cordon of ``cordon`` away; a node that the cluster itself shows as unschedulable stays so."""
        self._cordoned.difference_update(nodes)

    def free(self, node: str) -> Amounts:
        """Give what nobody on the node asks for; below nothing where it is overcommitted."""
        room = self._rooms[node]
        return Amounts(room.free[0], room.free[1], room.free[2], room.free[3], dict(room.extended))

    def eligible(self, pod: Pod) -> tuple[str, ...]:
        """Give the nodes that selectors, node affinity, taints and volumes leave to a pod, cordons aside, by name."""
        key = (*place_key(pod), pod.tolerations)
        if key not in self._eligible:
            self._eligible[key] = tuple(
                sorted(n for n in self.nodes if not any(standing(pod, self.nodes[n])))
            )
        found = self._eligible[key]
        for claim in self.volumes(pod):
            if claim.places is not None:
                reachable = self.reach(claim)
                found = tuple(name for name in found if name in reachable)
        return found

    def open_to(self, pod: Pod) -> Iterator[str]:
        """Give those of the eligible nodes that no cordon closes, by name."""
        closed = () if tolerates(pod.tolerations, UNSCHEDULABLE_TAINT) else self._cordoned
        return (name for name in self.eligible(pod) if name not in closed)

    def kind(self, pod: Pod) -> object:
        """Give what is equal for pods of which none finds a place where one did not, as long as pods are only added.

        A pod that wants company, or a spread, may find one after another was placed, so it is like none.
        """
        terms = self._crowd.terms(pod)
        if terms.near or terms.spread:
            return pod.label
        r = pod.requests
        return (
            (*place_key(pod), pod.tolerations),
            (r.cpu_m, r.memory, r.ephemeral, tuple(sorted(r.extended.items()))),
            pod.host_ports,
            (pod.namespace, pod.claims) if pod.claims else (),
            terms.apart,
            frozenset(self._crowd.refusals(pod)),
        )

    def reach(self, claim: Claim) -> frozenset[str]:
        """Give the nodes from which a claim's volume can be used; all of them where it says nothing."""
        if claim.places is None:
            return frozenset(self.nodes)
        key = canonical(claim.places)
        if key not in self._reachable:
            names = self._narrowed(claim)
            self._reachable[key] = frozenset(n for n in names if claim.reachable_from(self.nodes[n]))
        return self._reachable[key]

    def _narrowed(self, claim: Claim) -> Iterable[str]:
        """Give the nodes that may be meant, so that a local volume does not cost a look at every node."""
        found: set[str] = set()
        for term in claim.places or ():
            first = next((e for e in maps(term, "matchExpressions") if text(e, "operator") == "In"), None)
            if first is None:
                return self.nodes
            found |= {
                n
                for v in items(first, "values")
                for n in self._by_label.get((text(first, "key"), str(v)), ())
            }
        return found

    def volumes(self, pod: Pod) -> list[Claim]:
        """Give the claims of a pod that are known."""
        keys = ((pod.namespace, name) for name in pod.claims)
        return [self._claims[key] for key in keys if key in self._claims]

    def question(self, pod: Pod) -> Question:
        """Prepare what is asked of every node about one pod; it holds until a pod is placed or removed."""
        terms = self._crowd.terms(pod)
        spread = [self._evenness(pod, s) for s in terms.spread]
        return Question(
            pod,
            self.volumes(pod),
            terms,
            self._crowd.refusals(pod),
            self._crowd.counts(terms.near) if terms.near else {},
            [self._crowd.counts((term,)) for term in terms.apart],
            spread,
        )

    def _evenness(self, pod: Pod, spread: Spread) -> _Evenness:
        names, domains = self._domains(pod, spread)
        counts = self._crowd.counts((spread.term,), names)
        least = min((counts.get(domain, 0) for domain in domains), default=0)
        return _Evenness(spread, counts, 0 if len(domains) < spread.min_domains else least)

    def _domains(self, pod: Pod, spread: Spread) -> tuple[frozenset[str], tuple[Domain, ...]]:
        """Give the nodes that a constraint counts, and their domains; a cordoned node is one, unless taints are honoured."""
        key = (
            spread.term.topology,
            place_key(pod) if spread.affinity else None,
            (pod.tolerations, frozenset(self._cordoned)) if spread.taints else None,
        )
        if key not in self._counted:
            label = spread.term.topology
            names = [
                n
                for n, node in self.nodes.items()
                if label in node.labels and self._counts(pod, spread, node)
            ]
            domains = dict.fromkeys((label, self.nodes[n].labels[label]) for n in names)
            self._counted[key] = frozenset(names), tuple(domains)
        return self._counted[key]

    def _counts(self, pod: Pod, spread: Spread, node: Node) -> bool:
        if spread.affinity and not selected(pod, node):
            return False
        return not spread.taints or not (any(untolerated(pod, node)) or self._closed(pod, node))

    def _closed(self, pod: Pod, node: Node) -> bool:
        cordoned = node.unschedulable or node.name in self._cordoned
        return cordoned and not tolerates(pod.tolerations, UNSCHEDULABLE_TAINT)

    def refusals(self, question: Question, node: str) -> Iterator[str]:
        """Give every reason why the pod of the question cannot run on the node."""
        if self._closed(question.pod, self.nodes[node]):
            yield Filter.UNSCHEDULABLE
        yield from barred(question.pod, self.nodes[node])
        yield from self.shortages(question, node)

    def shortages(self, question: Question, node: str) -> Iterator[str]:
        """Give the reasons that lie in what already runs on the node, or near it."""
        room, pod = self._rooms[node], question.pod
        if pod.host_ports and room.taken(pod):
            yield Filter.PORTS
        if not room.holds(pod.requests):
            yield from short(pod.requests, room)
        if question.volumes:
            yield from self._volume_refusals(question, room)
        if question.minds_others:
            yield from question.refusals(room.node)

    def _volume_refusals(self, question: Question, room: Room) -> Iterator[str]:
        new: dict[str, set[str]] = {}
        for claim in question.volumes:
            if claim.driver and not room.attached.get(claim.driver, Counter())[claim.volume]:
                new.setdefault(claim.driver, set()).add(claim.volume)
        for driver, names in new.items():
            limit = self._limits.get((room.node.name, driver))
            used = sum(count > 0 for count in room.attached.get(driver, Counter()).values())
            if limit is not None and used + len(names) > limit:
                yield Filter.ATTACHED
        if any(c.places is not None and room.node.name not in self.reach(c) for c in question.volumes):
            yield Filter.VOLUME

    def admits(self, question: Question, node: str) -> bool:
        """Say whether the pod could run on one of its eligible nodes; what makes a node eligible is not asked again."""
        room, pod = self._rooms[node], question.pod
        if not room.holds(pod.requests) or (pod.host_ports and room.taken(pod)):
            return False
        if question.volumes and any(self._volume_refusals(question, room)):
            return False
        return not question.minds_others or not any(question.refusals(room.node))


@dataclass(frozen=True, slots=True)
class _Evenness:
    """A spread constraint with the counts that it is judged by; ``least`` is what the emptiest domain holds."""

    spread: Spread
    counts: Mapping[Domain, int]
    least: int

    def refuses(self, node: Node) -> str | None:
        key = self.spread.term.topology
        if key not in node.labels:
            return f"{Filter.SPREAD} (missing required label)"
        count = self.counts.get((key, node.labels[key]), 0)
        return Filter.SPREAD if count + self.spread.own - self.least > self.spread.max_skew else None


@dataclass(frozen=True, slots=True)
class Question:
    """One pod in search of a node: what other pods mean for it, at one moment."""

    pod: Pod
    volumes: Sequence[Claim]
    terms: Terms
    kept_out: set[Domain]
    near: Mapping[Domain, int]
    apart: Sequence[Mapping[Domain, int]]
    spread: Sequence[_Evenness]

    @property
    def minds_others(self) -> bool:
        """Say whether other pods' places mean anything to this one."""
        return bool(self.kept_out or self.terms)

    def refusals(self, node: Node) -> Iterator[str]:
        """Give what other pods have against the node."""
        for evenness in self.spread:
            if reason := evenness.refuses(node):
                yield reason
        if self.terms.near and not self._near(node):
            yield Filter.AFFINITY
        for term, counts in zip(self.terms.apart, self.apart, strict=True):
            if (
                term.topology in node.labels
                and counts.get((term.topology, node.labels[term.topology]), 0) > 0
            ):
                yield Filter.APART
                break
        if self.kept_out and any(domain in self.kept_out for domain in node.labels.items()):
            yield Filter.KEPT_OUT

    def _near(self, node: Node) -> bool:
        """Say whether each term finds a pod in the node's domain; the first of a kind may stand alone."""
        if any(term.topology not in node.labels for term in self.terms.near):
            return False
        if all(self.near.get((t.topology, node.labels[t.topology]), 0) > 0 for t in self.terms.near):
            return True
        nobody = not any(count > 0 for count in self.near.values())
        return nobody and all(term.means(self.pod) for term in self.terms.near)


def fits(pod: Pod, node: str, state: ClusterState) -> tuple[str, ...]:
    """Give every reason why the pod cannot run on the node; none if it can. The pod itself must not be placed."""
    return tuple(dict.fromkeys(state.refusals(state.question(pod), node)))


def first_fit(pod: Pod, state: ClusterState) -> str | None:
    """Give the first node, by name, on which the pod could run; None if there is none."""
    question = state.question(pod)
    return next((name for name in state.open_to(pod) if state.admits(question, name)), None)
