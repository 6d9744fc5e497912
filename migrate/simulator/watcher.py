"""What runs on the nodes of a simulated cluster, answered from its indexes; and what its server grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from migrate.model.fields import at
from migrate.model.pods import start_of
from migrate.ports import Daemon, Networked
from migrate.simulator.api import answers
from migrate.simulator.kubelet import is_ready
from migrate.simulator.world import Key, World

__all__ = ["SimRights", "SimWatcher"]

APPS = {"cilium": "cilium", "calico-node": "calico", "canal": "calico"}


@dataclass(slots=True)
class SimWatcher:
    """Looks at agents, calico-node and pods of the network."""

    world: World

    def daemons(self) -> Mapping[str, Mapping[str, Daemon]]:
        """Give by node what runs there of Cilium's agent and of calico-node."""
        answers(self.world)
        return {name: dict(self._of(name)) for name in self.world.hosts}

    def _of(self, node: str) -> Iterable[tuple[str, Daemon]]:
        for key, label in self.world.pods_at.get(node, {}).items():
            if label not in APPS:
                continue
            item = self.world.of("pods")[key]
            if "deletionTimestamp" not in item["metadata"]:
                yield APPS[label], Daemon(start_of(item), is_ready(item))

    def networked(self, nodes: Iterable[str]) -> Mapping[str, Sequence[Networked]]:
        """Give the pods of the network on these nodes, each with its endpoint's state."""
        answers(self.world)
        return {
            node: [self._seen(key) for key in self.world.pods_at.get(node, {}) if self._counts(key)]
            for node in nodes
        }

    def _counts(self, key: Key) -> bool:
        pod = self.world.typed[key]
        leaving = "deletionTimestamp" in self.world.of("pods")[key]["metadata"]
        return not pod.host_network and not leaving

    def _seen(self, key: Key) -> Networked:
        endpoint = self.world.of("ciliumendpoints.cilium.io").get(key)
        return Networked(self.world.typed[key], str(at(endpoint, "status", "state") or ""))


@dataclass(slots=True)
class SimRights:
    """What the server grants: all, until somebody takes it away."""

    world: World

    def withdrawn(self, *, of_nodes: bool) -> Sequence[str]:
        """Give the rights that are gone."""
        del of_nodes
        answers(self.world)
        return list(self.world.withdrawn)
