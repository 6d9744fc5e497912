"""The watch of a live cluster: what runs on its nodes, read page by page with rights that a run has anyway.

Lists of agents are small. Pods of few nodes are asked for by node, those of many by one list of all; endpoints, which can be
selected by nothing, only where a pod on such a node is there to have one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from migrate.model.fields import at, maps, text
from migrate.model.pods import Pod, start_of
from migrate.ports import Cluster, Daemon, Networked, Object

__all__ = ["KubeWatcher"]

APPS = (("cilium", "cilium"), ("calico-node", "calico"), ("canal", "calico"))
FEW = 8
"""Up to so many nodes are asked for one by one; the API server looks through all pods for each of them."""


@dataclass(slots=True)
class KubeWatcher:
    """Looks through the API."""

    cluster: Cluster

    def daemons(self) -> Mapping[str, Mapping[str, Daemon]]:
        """Give by node what runs there of Cilium's agent and of calico-node; what is on its way out does not count."""
        found: dict[str, dict[str, Daemon]] = {}
        for label, app in APPS:
            for pod in self.cluster.list("pods", labels={"k8s-app": label}):
                node = text(pod, "spec", "nodeName")
                if node and not at(pod, "metadata", "deletionTimestamp"):
                    found.setdefault(node, {})[app] = Daemon(start_of(pod), _ready(pod))
        return found

    def networked(self, nodes: Collection[str]) -> Mapping[str, Sequence[Networked]]:
        """Give the pods of the network on these nodes, each with its endpoint's state."""
        pods = [p for p in map(Pod.from_dict, self._pods(nodes)) if _counts(p)]
        states = self._states() if pods else {}
        found: dict[str, list[Networked]] = {node: [] for node in nodes}
        for pod in pods:
            found[pod.node].append(Networked(pod, states.get((pod.namespace, pod.name), "")))
        return found

    def _pods(self, nodes: Collection[str]) -> Iterable[Object]:
        if len(nodes) <= FEW:
            return (p for node in sorted(nodes) for p in self.cluster.list("pods", node=node))
        wanted = set(nodes)
        return (p for p in self.cluster.each("pods") if text(p, "spec", "nodeName") in wanted)

    def _states(self) -> dict[tuple[str, str], str]:
        return {
            (text(e, "metadata", "namespace"), text(e, "metadata", "name")): text(e, "status", "state")
            for e in self.cluster.each("ciliumendpoints.cilium.io")
        }


def _counts(pod: Pod) -> bool:
    ours = pod.labels.get("c2c/owned") == "true"
    return not (ours or pod.host_network or pod.finished or pod.deleted_at)


def _ready(pod: Object) -> bool:
    return any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in maps(pod, "status", "conditions")
    )
