"""Which endpoints Calico knows, the labels it sees on them, and the addresses by which a rule finds them.

A peer matches a selector if its *address* is in the set of a matching endpoint: a pod's, a host endpoint's, or
a network set's network (``calico.md`` §5, §6.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from translators.algebra.cidrs import Address
from translators.selectors.ast import All, And, Compare, Global, Has, In, Node, Not, Or
from translators.world import HostEndpoint, NetworkSet, Pod, World

__all__ = ["Endpoints", "host_labels", "pod_labels", "selects", "set_labels"]

Labels = Mapping[str, str]


def pod_labels(pod: Pod, world: World) -> dict[str, str]:
    """Give the labels of a workload endpoint; what a pod inherits, its own labels override."""
    own = {k: v for k, v in pod.labels.items() if not k.startswith(("pcns.", "pcsa."))}
    account = world.service_accounts.get((pod.namespace, pod.service_account))
    inherited = {f"pcsa.{k}": v for k, v in (account.labels if account else {}).items()}
    return {
        **inherited,
        **_namespace_labels(pod.namespace, world),
        "pcsa.projectcalico.org/name": pod.service_account,
        **own,
        "projectcalico.org/namespace": pod.namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": pod.service_account,
    }


def _namespace_labels(name: str, world: World) -> dict[str, str]:
    namespace = world.namespaces.get(name)
    labels = namespace.labels if namespace else {}
    return {**{f"pcns.{k}": v for k, v in labels.items()}, "pcns.projectcalico.org/name": name}


def set_labels(item: NetworkSet, world: World) -> dict[str, str]:
    """Give the labels of a network set; only a namespaced one inherits any."""
    if item.namespace is None:
        return dict(item.labels)
    inherited = _namespace_labels(item.namespace, world)
    return {**inherited, **item.labels, "projectcalico.org/namespace": item.namespace}


def host_labels(host: HostEndpoint, world: World) -> dict[str, str]:
    """Give the labels of a host endpoint: its own, and those that its profiles apply."""
    found: dict[str, str] = {}
    for name in host.profiles:
        profile = world.profiles.get(name)
        found.update(profile.labels_to_apply if profile else {})
    return {**found, **host.labels}


def selects(node: Node, labels: Labels) -> bool:
    """Walk a selector; a missing label makes ``!=`` and ``not in`` true, every other comparison false."""
    match node:
        case All() | Global():
            return True
        case Has(key):
            return key in labels
        case In(key, values, negated):
            return (key in labels and labels[key] in values) != negated
        case Compare(key, "!=", value):
            return labels.get(key) != value
        case Compare(key, op, value):
            return key in labels and _holds(op, labels[key], value)
        case Not(operand):
            return not selects(operand, labels)
        case And(operands):
            return all(selects(part, labels) for part in operands)
        case Or(operands):
            return any(selects(part, labels) for part in operands)


def _holds(op: str, found: str, value: str) -> bool:
    match op:
        case "==":
            return found == value
        case "contains":
            return value in found
        case "starts with":
            return found.startswith(value)
    return found.endswith(value)


class Endpoints:
    """Finds, for an address, the label sets of every endpoint and set that holds it."""

    def __init__(self, world: World) -> None:
        """Index the world's addresses once."""
        self._world = world
        self._by_address: dict[Address, list[Labels]] = {}
        self.pod_at: dict[Address, Pod] = {}
        for pod in world.pods:
            if pod.host_network or pod.finished:
                continue
            labels = pod_labels(pod, world)
            for address in pod.addresses:
                self._by_address.setdefault(address, []).append(labels)
                self.pod_at[address] = pod
        for host in world.host_endpoints.values():
            for address in host.addresses:
                self._by_address.setdefault(address, []).append(host_labels(host, world))
        self._sets = [(item.nets, set_labels(item, world)) for item in world.network_sets]

    def label_sets(self, address: Address) -> list[Labels]:
        """Give the labels of everything that has this address."""
        found = list(self._by_address.get(address, ()))
        found.extend(labels for nets, labels in self._sets if any(net.holds(address) for net in nets))
        return found

    def ports(self, address: Address) -> list[tuple[Labels, str, str, int]]:
        """Give (labels, name, protocol, number) of every named port behind an address."""
        found: list[tuple[Labels, str, str, int]] = []
        pod = self.pod_at.get(address)
        if pod is not None:
            labels = pod_labels(pod, self._world)
            found = [(labels, p.name, p.protocol, p.number) for p in pod.ports]
        for host in self._world.host_endpoints.values():
            if address in host.addresses:
                labels = host_labels(host, self._world)
                found.extend((labels, p.name, p.protocol, p.number) for p in host.ports)
        return found
