"""Required terms between pods: who must, and who must not, share a domain of nodes, and how evenly they spread.

A *domain* is the set of nodes that share the value of a label, the topology key. Who runs where is counted by domain,
and the counts are kept while pods come and go, so that a question costs no look at every pod.
Source: Kubernetes ``pkg/scheduler/framework/plugins/{interpodaffinity,podtopologyspread}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from migrate.model.fields import Labels, at, items, maps, number, text
from migrate.model.pods import Pod
from migrate.model.workloads import selects

__all__ = ["HARD", "Crowd", "Domain", "PodTerm", "Spread", "Terms", "canonical", "terms_of"]

Domain = tuple[str, str]
"""A topology key and one of its values."""
HARD = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class PodTerm:
    """Which pods are meant (``namespaces`` None: those of every namespace), and the label that makes a domain.

    ``selector`` is a LabelSelector as canonical JSON; ``null`` selects nothing.
    """

    namespaces: frozenset[str] | None
    selector: str
    topology: str

    def means(self, pod: Pod) -> bool:
        """Say whether the pod is one of those that the term speaks of."""
        if self.namespaces is not None and pod.namespace not in self.namespaces:
            return False
        return _matcher(self.selector)(pod.labels)


@dataclass(frozen=True, slots=True)
class Spread:
    """A topology spread constraint that forbids (``DoNotSchedule``).

    ``own`` says whether the pod itself is counted; ``taints`` whether nodes that it does not tolerate are left out of
    the domains, ``affinity`` whether nodes that its selectors leave out are.
    """

    term: PodTerm
    max_skew: int
    min_domains: int
    own: bool
    affinity: bool
    taints: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """All required terms of one pod."""

    near: tuple[PodTerm, ...] = ()
    apart: tuple[PodTerm, ...] = ()
    spread: tuple[Spread, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.near or self.apart or self.spread)


NO_TERMS = Terms()


def canonical(data: object) -> str:
    """Give plain data as text that is equal where they are."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)


@cache
def _matcher(selector: str) -> Callable[[Labels], bool]:
    """Give the question that a selector asks of labels; most ask for equal labels alone."""
    found = json.loads(selector)
    if not isinstance(found, Mapping):
        return lambda _: False
    if found.get("matchExpressions"):
        return lambda labels: selects(found, labels)
    wanted = tuple((found.get("matchLabels") or {}).items())
    return lambda labels: all(labels.get(key) == value for key, value in wanted)


def terms_of(pod: Pod, namespaces: Mapping[str, Labels]) -> Terms:
    """Read the required terms of a pod; ``namespaces`` are the labels of every namespace, for namespace selectors."""
    if not pod.affinity and not pod.spread:
        return NO_TERMS
    return Terms(
        tuple(_term(t, pod, namespaces) for t in maps(pod.affinity, "podAffinity", HARD)),
        tuple(_term(t, pod, namespaces) for t in maps(pod.affinity, "podAntiAffinity", HARD)),
        tuple(
            _spread(c, pod)
            for c in pod.spread
            if c.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
        ),
    )


def _term(data: Mapping[str, Any], pod: Pod, namespaces: Mapping[str, Labels]) -> PodTerm:
    named = {str(n) for n in items(data, "namespaces")}
    selector = at(data, "namespaceSelector")
    if isinstance(selector, Mapping):
        if not selector:
            return PodTerm(None, canonical(at(data, "labelSelector")), text(data, "topologyKey"))
        named |= {name for name, labels in namespaces.items() if selects(selector, labels)}
    elif not named:
        named = {pod.namespace}
    return PodTerm(frozenset(named), canonical(at(data, "labelSelector")), text(data, "topologyKey"))


def _spread(data: Mapping[str, Any], pod: Pod) -> Spread:
    """Read a constraint; the pod's own values of ``matchLabelKeys`` join the selector."""
    selector = at(data, "labelSelector")
    own = {str(k): pod.labels[str(k)] for k in items(data, "matchLabelKeys") if str(k) in pod.labels}
    if own and isinstance(selector, Mapping):
        selector = {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), **own}}
    term = PodTerm(frozenset({pod.namespace}), canonical(selector), text(data, "topologyKey"))
    return Spread(
        term,
        max(1, number(data, "maxSkew", default=1)),
        max(1, number(data, "minDomains", default=1)),
        term.means(pod),
        text(data, "nodeAffinityPolicy", default="Honor") == "Honor",
        text(data, "nodeTaintsPolicy") == "Honor",
    )


class _Tally:
    """How many placed pods each domain holds of those that all ``terms`` mean; of ``nodes`` alone where they are given."""

    __slots__ = ("counts", "nodes", "terms")

    def __init__(self, terms: tuple[PodTerm, ...], nodes: frozenset[str] | None) -> None:
        self.terms, self.nodes = terms, nodes
        self.counts: dict[Domain, int] = {}

    def change(self, pod: Pod, node: str, labels: Labels, by: int) -> None:
        if (self.nodes is None or node in self.nodes) and all(term.means(pod) for term in self.terms):
            for domain in _domains(self.terms, labels):
                self.counts[domain] = self.counts.get(domain, 0) + by


def _domains(terms: Sequence[PodTerm], labels: Labels) -> Iterator[Domain]:
    for key in dict.fromkeys(term.topology for term in terms):
        if key in labels:
            yield key, labels[key]


class Crowd:
    """The placed pods, counted by the domains that somebody asked about."""

    def __init__(self, nodes: Mapping[str, Labels], namespaces: Mapping[str, Labels]) -> None:
        self._nodes, self._namespaces = nodes, namespaces
        self._placed: dict[str, dict[str, tuple[Pod, str]]] = {}
        self._tallies: dict[tuple[tuple[PodTerm, ...], frozenset[str] | None], _Tally] = {}
        self._by_namespace: dict[str, list[_Tally]] = {}
        self._everywhere: list[_Tally] = []
        self._holders: dict[str | None, dict[PodTerm, dict[Domain, int]]] = {}
        self._terms: dict[str, tuple[Pod, Terms]] = {}

    def terms(self, pod: Pod) -> Terms:
        """Give the required terms of a pod."""
        if not pod.affinity and not pod.spread:
            return NO_TERMS
        known, terms = self._terms.get(pod.label, (None, NO_TERMS))
        if known is not pod:
            terms = terms_of(pod, self._namespaces)
            self._terms[pod.label] = (pod, terms)
        return terms

    def add(self, pod: Pod, node: str) -> None:
        """Count a pod that runs on a node."""
        self._placed.setdefault(pod.namespace, {})[pod.label] = (pod, node)
        self._change(pod, node, 1)

    def remove(self, pod: Pod, node: str) -> None:
        """Count a pod no longer."""
        self._placed.get(pod.namespace, {}).pop(pod.label, None)
        self._change(pod, node, -1)

    def _change(self, pod: Pod, node: str, by: int) -> None:
        labels = self._nodes.get(node, {})
        for tally in (*self._by_namespace.get(pod.namespace, ()), *self._everywhere):
            tally.change(pod, node, labels, by)
        for term in self.terms(pod).apart:
            domains = tuple(_domains((term,), labels))
            for namespace in (None,) if term.namespaces is None else term.namespaces:
                held = self._holders.setdefault(namespace, {}).setdefault(term, {})
                for domain in domains:
                    held[domain] = held.get(domain, 0) + by

    def counts(self, terms: tuple[PodTerm, ...], nodes: frozenset[str] | None = None) -> Mapping[Domain, int]:
        """Give by domain how many pods all these terms mean; 0 or absent where there is none."""
        key = (terms, nodes)
        if key not in self._tallies:
            self._tallies[key] = self._counted(_Tally(terms, nodes))
        return self._tallies[key].counts

    def _counted(self, tally: _Tally) -> _Tally:
        named = [term.namespaces for term in tally.terms if term.namespaces is not None]
        where = frozenset.intersection(*named) if named else None
        for namespace in self._placed if where is None else where:
            for pod, node in self._placed.get(namespace, {}).values():
                tally.change(pod, node, self._nodes.get(node, {}), 1)
        if where is None:
            self._everywhere.append(tally)
        for namespace in where or ():
            self._by_namespace.setdefault(namespace, []).append(tally)
        return tally

    def refusals(self, pod: Pod) -> set[Domain]:
        """Give the domains that a pod is kept out of by placed pods' own anti-affinity."""
        return {
            domain
            for namespace in (None, pod.namespace)
            for term, held in self._holders.get(namespace, {}).items()
            if term.means(pod)
            for domain, count in held.items()
            if count > 0
        }
