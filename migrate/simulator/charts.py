"""Helm and the chart of a simulated cluster: what is installed runs, what is upgraded only lies in the ConfigMap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.engine.chart import meant_config
from migrate.model.draft import Rendered
from migrate.model.events import FailureClass
from migrate.model.pods import Owner, Pod
from migrate.ports import ApiError, Release
from migrate.simulator import kubelet
from migrate.simulator.faults import wrong
from migrate.simulator.happenings import moment
from migrate.simulator.world import World

__all__ = ["SimCharts"]

SYSTEM = "kube-system"
WATCHER = "unmanaged-pod-watcher-interval"


@dataclass(slots=True)
class SimCharts:
    """Helm and the chart: an upgrade changes the ConfigMap and nothing that runs."""

    world: World

    def release(self) -> Release | None:
        """Give the release."""
        held = self.world.release
        return (
            None
            if held is None
            else Release(held["status"], held["revision"], held["deployed"], held["values"])
        )

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Give the ConfigMap that these values mean."""
        minor = self.world.settings.cilium.minor
        return Rendered(_config(values, minor), _config({}, minor))

    def install(self, values: Mapping[str, Any]) -> None:
        """Install: the ConfigMap, agents on every node, two operators."""
        self._put(values, 1)
        if wrong(self.world, "helm-pending") and "helm-pending" not in self.world.happened:
            self.world.happened.append("helm-pending")
            self.world.release = {"status": "pending-install", "revision": 1, "deployed": 0, "values": values}
            return
        self.world.operator_config = None
        for name, app, labels in (
            ("cilium", "cilium", {"k8s-app": "cilium"}),
            ("cilium-envoy", "cilium-envoy", {"k8s-app": "cilium-envoy"}),
        ):
            self._daemon_set(name, app, labels)
        self._operator()
        moment(self.world, "installed")

    def _put(self, values: Mapping[str, Any], revision: int) -> None:
        config = _config(values, self.world.settings.cilium.minor)
        if wrong(self.world, "watcher-value-lost"):
            config[WATCHER] = "15s"
        self.world.put(
            "configmaps",
            {"kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": SYSTEM}, "data": config},
        )
        self.world.release = {
            "status": "deployed",
            "revision": revision,
            "deployed": revision,
            "values": values,
        }

    def _daemon_set(self, name: str, app: str, labels: dict[str, str]) -> None:
        nodes = list(self.world.hosts)
        self.world.put("daemonsets.apps", {
            "kind": "DaemonSet", "metadata": {"name": name, "namespace": SYSTEM, "generation": 1},
            "spec": {"template": {}},
            "status": {"desiredNumberScheduled": len(nodes), "numberReady": 0, "updatedNumberScheduled": len(nodes), "observedGeneration": 1},
        })  # fmt: skip
        template = Pod(SYSTEM, name, labels=labels, owner=Owner("DaemonSet", name), host_network=True,
                       tolerations=kubelet.everywhere(), images=(f"quay.io/cilium/{app}",))  # fmt: skip
        for node in nodes:
            kubelet.create(self.world, template, f"{name}-{self.world.number():x}", node)

    def _operator(self) -> None:
        self.world.put(
            "replicasets.apps",
            {
                "kind": "ReplicaSet",
                "metadata": {"name": "cilium-operator-1", "namespace": SYSTEM},
                "status": {},
            },
        )
        template = Pod(SYSTEM, "cilium-operator", labels={"io.cilium/app": "operator"}, owner=Owner("ReplicaSet", "cilium-operator-1"),
                       host_network=True, tolerations=kubelet.everywhere(), images=("quay.io/cilium/operator-generic",))  # fmt: skip
        for _ in range(min(2, len(self.world.hosts))):
            kubelet.create(self.world, template, f"cilium-operator-1-{self.world.number():x}")

    def upgrade(self, values: Mapping[str, Any], *, force_conflicts: bool = False) -> None:
        """Upgrade: values that are not given are lost, and nothing restarts."""
        if wrong(self.world, "helm-conflict") and not force_conflicts:
            what = 'conflict with "kubectl-edit" using v1: .data.debug in ConfigMap kube-system/cilium-config'
            raise ApiError(FailureClass.PERMANENT, what)
        held = self.world.release
        if held is None or held["status"].startswith("pending"):
            raise ApiError(
                FailureClass.PERMANENT, "another operation (install/upgrade/rollback) is in progress"
            )
        moment(self.world, "upgraded")
        if wrong(self.world, "helm-values-reset") and "helm-values-reset" not in self.world.happened:
            self.world.happened.append("helm-values-reset")
            values = {k: v for k, v in values.items() if k != "tunnelPort"}
        self._put(values, held["revision"] + 1)

    def rollback(self, revision: int) -> None:
        """Go back to a revision."""
        if self.world.release is not None:
            self.world.release = {**self.world.release, "status": "deployed", "deployed": revision}

    def uninstall(self) -> None:
        """Remove the release and what runs of it."""
        world = self.world
        world.release = None
        for resource, name in (
            ("daemonsets.apps", "cilium"),
            ("daemonsets.apps", "cilium-envoy"),
            ("replicasets.apps", "cilium-operator-1"),
        ):
            world.drop(resource, (SYSTEM, name))
        world.drop("configmaps", (SYSTEM, "cilium-config"))
        for key, pod in list(world.typed.items()):
            if pod.owner is not None and pod.owner.name in {"cilium", "cilium-envoy", "cilium-operator-1"}:
                kubelet.delete(world, key)
        world.operator_config = None
        for host in world.hosts.values():
            host.config = None


def _config(values: Mapping[str, Any], minor: tuple[int, int]) -> dict[str, str]:
    return {k: v for k, v in meant_config(values, minor).items() if v is not None}
