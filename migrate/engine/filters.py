"""The scheduler's filters that look at one node and one pod: what each asks, and in whose words it refuses.

Filters that look at other pods' places stand in ``scheduling``.
Source: Kubernetes ``pkg/scheduler/framework/plugins`` (nodeunschedulable, tainttoleration, nodeaffinity, nodeports,
noderesources, nodevolumelimits, volumebinding).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from migrate.engine.pod_terms import HARD, canonical
from migrate.model.fields import maps
from migrate.model.node_selection import selects_node
from migrate.model.nodes import Amounts, Node, Taint
from migrate.model.pods import Pod, tolerates
from migrate.model.storage import Claim

__all__ = [
    "UNSCHEDULABLE_TAINT",
    "Filter",
    "Room",
    "barred",
    "filter_of",
    "place_key",
    "selected",
    "short",
    "standing",
    "untolerated",
]

UNSCHEDULABLE_TAINT = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared, not bound


class Filter(StrEnum):
    """The filters, by what would have to change for a pod to pass; the values are kube-scheduler's reasons."""

    UNSCHEDULABLE = "node(s) were unschedulable"
    TAINT = "node(s) had untolerated taint"
    NODE_AFFINITY = "node(s) didn't match Pod's node affinity/selector"
    PORTS = "node(s) didn't have free ports for the requested pod ports"
    RESOURCES = "Insufficient"
    EXTENDED = "Insufficient extended resource"
    PODS = "Too many pods"
    ATTACHED = "node(s) exceed max volume count"
    VOLUME = "node(s) had volume node affinity conflict"
    SPREAD = "node(s) didn't match pod topology spread constraints"
    AFFINITY = "node(s) didn't match pod affinity rules"
    APART = "node(s) didn't match pod anti-affinity rules"
    KEPT_OUT = "node(s) didn't satisfy existing pods anti-affinity rules"


def filter_of(reason: str) -> Filter:
    """Give the filter that a reason of ``fits`` comes from."""
    if reason.startswith(f"{Filter.RESOURCES} "):
        return Filter.RESOURCES if reason.split(" ", 1)[1] in _BASIC else Filter.EXTENDED
    return next(f for f in Filter if reason.startswith(f.value))


_BASIC = {"cpu": "cpu_m", "memory": "memory", "ephemeral-storage": "ephemeral"}


class Room:
    """What is left on one node."""

    __slots__ = ("attached", "extended", "free", "node", "ports")

    def __init__(self, node: Node) -> None:
        a = node.allocatable
        self.node = node
        self.free = [a.cpu_m, a.memory, a.ephemeral, a.pods]
        self.extended = dict(a.extended)
        self.ports: Counter[tuple[str, int, str]] = Counter()
        self.attached: dict[str, Counter[str]] = {}

    def change(self, pod: Pod, volumes: Sequence[Claim], by: int) -> None:
        """Take what a pod asks for (``by`` 1), or give it back (-1)."""
        r = pod.requests
        for place, amount in enumerate((r.cpu_m, r.memory, r.ephemeral, r.pods)):
            self.free[place] -= by * amount
        for name, amount in r.extended.items():
            self.extended[name] = self.extended.get(name, 0) - by * amount
        for port in pod.host_ports:
            self.ports[port] += by
        for claim in volumes:
            if claim.driver:
                self.attached.setdefault(claim.driver, Counter())[claim.volume] += by

    def holds(self, r: Amounts) -> bool:
        """Say whether the requests fit; a resource that is not asked for is not missed on an overcommitted node."""
        free = self.free
        return (
            free[3] >= r.pods
            and (free[0] >= r.cpu_m or not r.cpu_m)
            and (free[1] >= r.memory or not r.memory)
            and (free[2] >= r.ephemeral or not r.ephemeral)
            and all(self.extended.get(name, 0) >= amount for name, amount in r.extended.items())
        )

    def taken(self, pod: Pod) -> bool:
        """Say whether one of the pod's host ports is in use; a port without an address meets any address."""
        return any(
            count > 0
            and (protocol, port) == (other, number)
            and (ANY_ADDRESS & {ip, address} or ip == address)
            for protocol, port, ip in pod.host_ports
            for (other, number, address), count in self.ports.items()
        )


def place_key(pod: Pod) -> tuple[object, ...]:
    """Give what is equal for pods that the same nodes' labels suit."""
    affinity = canonical(pod.affinity.get("nodeAffinity")) if pod.affinity else ""
    return tuple(sorted(pod.node_selector.items())), affinity


def standing(pod: Pod, node: Node) -> Iterator[str]:
    """Give what the node itself has against the pod, whoever else runs there."""
    if node.unschedulable and not tolerates(pod.tolerations, UNSCHEDULABLE_TAINT):
        yield Filter.UNSCHEDULABLE
    yield from barred(pod, node)


def barred(pod: Pod, node: Node) -> Iterator[str]:
    """Give what taints and labels of the node have against the pod, cordons aside."""
    yield from untolerated(pod, node)
    if not selected(pod, node):
        yield Filter.NODE_AFFINITY


def untolerated(pod: Pod, node: Node) -> Iterator[str]:
    """Give the first taint that keeps the pod away; that of a cordon is another filter's."""
    for taint in node.taints:
        hard = taint.effect in {"NoSchedule", "NoExecute"} and taint != UNSCHEDULABLE_TAINT
        if hard and not tolerates(pod.tolerations, taint):
            yield f"{Filter.TAINT} {{{taint.key}: {taint.value}}}"
            return


def selected(pod: Pod, node: Node) -> bool:
    """Say whether node selector and required node affinity let the pod run on the node."""
    if any(node.labels.get(key) != value for key, value in pod.node_selector.items()):
        return False
    required = pod.affinity.get("nodeAffinity")
    hard = required.get(HARD) if isinstance(required, Mapping) else None
    return not isinstance(hard, Mapping) or selects_node(tuple(maps(hard, "nodeSelectorTerms")), node)


def short(asked: Amounts, room: Room) -> Iterator[str]:
    """Give each resource of which the node has too little left."""
    if room.free[3] < asked.pods:
        yield Filter.PODS
    for place, name in enumerate(_BASIC):
        amount = getattr(asked, _BASIC[name])
        if amount and room.free[place] < amount:
            yield f"{Filter.RESOURCES} {name}"
    for name, amount in sorted(asked.extended.items()):
        if room.extended.get(name, 0) < amount:
            yield f"{Filter.RESOURCES} {name}"
