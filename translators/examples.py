"""Pods that stand for every kind of endpoint that the policies can tell apart, as far as a picture needs them.

With a cluster they are its own pods. Without one they are made: one pod for each selector that can be satisfied,
and one pod without labels in each namespace. The picture illustrates; the proof does not rest on these pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from translators.algebra.cidrs import Address
from translators.algebra.space import Vocabulary
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.semantics.calico.labels import pod_labels, selects
from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.selectors import CLUSTER, NAMESPACE, NAMESPACE_LABELS, Selector
from translators.world import NamedPort, Namespace, Pod, World

__all__ = ["ANYWHERE", "calico_selectors", "cilium_selectors", "peopled"]

ANYWHERE = "any other namespace"
_NAMESPACE_KEYS = ("projectcalico.org/namespace", "pcns.projectcalico.org/name")
_ACCOUNT_KEYS = ("projectcalico.org/serviceaccount", "pcsa.projectcalico.org/name")
_KEYS = {NAMESPACE: _NAMESPACE_KEYS[0], "io.cilium.k8s.policy.serviceaccount": _ACCOUNT_KEYS[0]}
_FIRST_ADDRESS = 0x0AFE0001
_FIRST_PORT = 20_001

_Key = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, account and labels of a pod to make."""


def peopled(world: World, selectors: Iterable[Node], vocabulary: Vocabulary) -> World:
    """Give the world with its own pods; where it has none, with one for each selector that can be satisfied.

    ``selectors``: whom the policies speak of. Only pods that their selector really selects are kept, and each
    namespace gets one pod without labels.
    """
    if any(not pod.host_network and not pod.finished for pod in world.pods):
        return world
    wanted: dict[_Key, Mapping[str, str]] = {}
    for node in selectors:
        labels = _satisfying(node)
        if labels is not None:
            namespace, account, own, spaces = _split(labels)
            if selects(node, pod_labels(*_placed(world, namespace, account, own, spaces))):
                wanted.setdefault((namespace, account, tuple(sorted(own.items()))), spaces)
    for namespace in sorted({*vocabulary.namespaces, ANYWHERE, *(key[0] for key in wanted)}):
        wanted.setdefault((namespace, "default", ()), {})
    return _populated(world, vocabulary, wanted)


def _populated(world: World, vocabulary: Vocabulary, wanted: Mapping[_Key, Mapping[str, str]]) -> World:
    ports = tuple(
        NamedPort(name, "TCP", _FIRST_PORT + i) for i, name in enumerate(sorted(vocabulary.port_names))
    )
    namespaces, pods = dict(world.namespaces), []
    first = world.plan.pods[0].first + 10 if world.plan.pods else _FIRST_ADDRESS
    family = world.plan.pods[0].family if world.plan.pods else 4
    for index, ((namespace, account, own), spaces) in enumerate(sorted(wanted.items())):
        found = namespaces.get(namespace) or Namespace(namespace)
        namespaces[namespace] = replace(found, labels={**found.labels, **spaces})
        pod = Pod(
            namespace=namespace,
            name=f"example-{index}",
            labels=dict(own),
            service_account=account,
            addresses=(Address(family, first + index),),
            ports=ports,
        )
        pods.append(pod)
    return replace(world, namespaces=namespaces, pods=tuple(pods))


def _placed(
    world: World, namespace: str, account: str, own: Mapping[str, str], spaces: Mapping[str, str]
) -> tuple[Pod, World]:
    kept = world.namespaces.get(namespace) or Namespace(namespace)
    placed = replace(kept, labels={**kept.labels, **spaces})
    pod = Pod(namespace=namespace, name="example", labels=own, service_account=account)
    return pod, replace(world, namespaces={**world.namespaces, namespace: placed})


def calico_selectors(calico: CalicoPolicies) -> Iterator[Node]:
    """Give every selector by which Calico's policies choose pods."""
    for tier in calico.tiers:
        for policy in tier.policies:
            yield policy.subject
            for rules in policy.rules.values():
                for rule in rules:
                    yield from (n for n in (rule.source.positive, rule.destination.positive) if n is not None)


def cilium_selectors(cilium: CiliumPolicies) -> Iterator[Node]:
    """Give every selector by which Cilium's rules choose pods, in Calico's words; what they exclude is left out."""
    for rule in cilium.rules:
        if not rule.of_nodes:
            yield _in_words(rule.subject)
        for section in (rule.allows, rule.denies):
            for elements in section.values():
                yield from (_in_words(s) for element in elements for s in element.selectors)


def _in_words(selector: Selector) -> Node:
    parts: list[Node] = []
    for item in selector.requirements:
        if item.operator not in {"In", "Exists"} or item.reserved or item.key == CLUSTER:
            continue
        key = _KEYS.get(item.key, item.key)
        if key.startswith(NAMESPACE_LABELS):
            key = f"pcns.{key.removeprefix(NAMESPACE_LABELS)}"
        parts.append(In(key, item.values, negated=False) if item.operator == "In" else Has(key))
    return And(tuple(parts)) if parts else All()


def _split(labels: Mapping[str, str]) -> tuple[str, str, dict[str, str], dict[str, str]]:
    """Give namespace, account, the pod's own labels and its namespace's labels."""
    own = {k: v for k, v in labels.items() if not k.startswith(("pcns.", "pcsa.", "projectcalico.org/"))}
    spaces = {
        k.removeprefix("pcns."): v
        for k, v in labels.items()
        if k.startswith("pcns.") and k not in _NAMESPACE_KEYS
    }
    named = next((labels[k] for k in _NAMESPACE_KEYS if k in labels), "")
    told = ", ".join(f"{k}={v}" for k, v in sorted(spaces.items()))
    account = next((labels[k] for k in _ACCOUNT_KEYS if k in labels), "default")
    return named or (f"any with {told}" if told else ANYWHERE), account, own, spaces


def _satisfying(node: Node) -> dict[str, str] | None:
    """Give labels that should satisfy a selector, by taking the first way that is not contradictory."""
    match node:
        case All() | Global():
            return {}
        case Compare(key, op, value):
            return {key: value} if op in {"==", "=", "starts with", "ends with", "contains"} else {}
        case In(key, values, negated):
            return {} if negated else ({key: min(values)} if values else None)
        case Has(key):
            return {} if key in _NAMESPACE_KEYS else {key: "any"}
        case Not(_):
            return {}
        case Or(operands):
            return next((f for f in map(_satisfying, operands) if f is not None), None)
        case And(operands):
            return _joined(_satisfying(part) for part in operands)


def _joined(parts: Iterable[dict[str, str] | None]) -> dict[str, str] | None:
    """Join labels; ``has(key)`` gives way to a stated value, two stated values contradict each other."""
    found: dict[str, str] = {}
    for part in parts:
        if part is None:
            return None
        for key, value in part.items():
            known = found.get(key, "any")
            if "any" not in {known, value} and known != value:
                return None
            found[key] = value if known == "any" else known
    return found
