"""A cluster with Calico, workloads, the node agent and the genuine operator: what a migration is tested on.

``World`` puts the parts together; a test says which install of Calico and how many nodes. Whatever the product would
do is done here by hand, so that the world is proved before the product is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

from tests.controlplane import calico_install, charts, kubelet, nodes, users, workloads
from tests.controlplane.agent import NodeAgent
from tests.controlplane.calico_install import Install
from tests.controlplane.charts import Helm
from tests.controlplane.client import Api, Object, RefusedError, eventually
from tests.controlplane.instance import ControlPlane
from tests.controlplane.operator import GenuineOperator

MANY = 40  # nodes; beyond them the world is looked at more seldom while it is built
CANNOT_TELL = 504  # its cache is behind what is stored
SWITCH_LABEL = "io.cilium.migration/cilium-default"
AGENTS, OPERATORS = "k8s-app=cilium", "io.cilium/app=operator"
SYSTEM = "/api/v1/namespaces/kube-system/pods"
SWITCH = {
    "apiVersion": "cilium.io/v2",
    "kind": "CiliumNodeConfig",
    "metadata": {"name": "cilium-default", "namespace": "kube-system"},
    "spec": {
        "nodeSelector": {"matchLabels": {SWITCH_LABEL: "true"}},
        "defaults": {
            "write-cni-conf-when-ready": "/host/etc/cni/net.d/05-cilium.conflist",
            "custom-cni-conf": "false",
            "cni-chaining-mode": "none",
            "cni-exclusive": "true",
        },
    },
}


@dataclass(slots=True)
class World:
    """The parts of one simulated cluster."""

    plane: ControlPlane
    api: Api
    agent: NodeAgent
    operator: GenuineOperator
    helm: Helm
    install: Install
    nodes: Sequence[nodes.Plan]
    _files: dict[str, Path] = field(default_factory=dict)

    @property
    def chart(self) -> Path:
        return charts.chart(self.helm.folder)

    def values(self, name: str, content: dict[str, object]) -> Path:
        return charts.values(self.helm.folder, name, content)

    def install_cilium(self, *more: Path) -> None:
        """Install Cilium at stage M, wait for its pods, its kinds and its ranges, and plant the switch."""
        migration = charts.values(self.helm.folder, "migration", charts.MIGRATION)
        done = self.helm.install(self.chart, [migration, *more], "--wait", "--timeout", "300s")
        assert done.returncode == 0, done.stderr
        self.api.create(SWITCH)

    def upgrade(self, *files: Path) -> None:
        done = self.helm.upgrade(self.chart, list(files))
        assert done.returncode == 0, done.stderr

    def pods(self, selector: str, node: str = "", path: str = SYSTEM) -> list[Object]:
        query = {"labelSelector": selector} | ({"fieldSelector": f"spec.nodeName={node}"} if node else {})
        return self.api.items(path, **query)

    def conf(self, node: str) -> list[str]:
        """Give the conf files of a node, backups left out."""
        folder = self.agent.record(node).conf_folder
        return sorted(
            path.name for path in folder.iterdir() if path.suffix in {".conflist", ".conf", ".json"}
        )

    def running(self, node: str) -> dict[str, str]:
        """Give the settings that the agent of a node runs with."""
        agent = self.agent.record(node).agent
        return dict(agent.config) if agent and agent.is_ready else {}

    def restart_agent(self, node: str) -> None:
        """Delete the agent of a node and wait until another, by uid, is ready."""
        [pod] = self.pods(AGENTS, node)
        old = kubelet.uid_of(pod)
        self.api.delete(kubelet.pod_path(pod))

        def is_new() -> bool:
            agent = self.agent.record(node).agent
            return agent is not None and agent.uid != old and agent.is_ready

        eventually(is_new, 30, f"a new agent on {node} is ready")

    def put_back(self, node: str) -> None:
        """Bring a node back to Calico as the procedure does: no label, a new agent, the conf files exchanged."""
        self.label(node, None)
        if self.running(node).get("custom-cni-conf") != "true":
            self.restart_agent(node)
        folder = self.agent.record(node).conf_folder
        (folder / "05-cilium.conflist").unlink(missing_ok=True)
        if (backup := folder / "10-calico.conflist.cilium_bak").exists():
            backup.rename(folder / "10-calico.conflist")

    def restart_operator(self) -> None:
        """Delete the operator's pods and wait until the genuine process was started anew."""
        old, starts = {kubelet.uid_of(pod) for pod in self.pods(OPERATORS)}, self.operator.starts
        for pod in self.pods(OPERATORS):
            self.api.delete(kubelet.pod_path(pod))
        eventually(
            lambda: self.operator.starts > starts and self.operator.uid not in old,
            30,
            "the operator starts anew",
        )

    def label(self, node: str, value: str | None = "true") -> None:
        self.api.patch(f"/api/v1/nodes/{node}", {"metadata": {"labels": {SWITCH_LABEL: value}}})

    def recycle(self, namespace: str, node: str = "") -> None:
        """Delete the pods of a namespace, of one node or of all, and wait until all run again."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        gone = {}
        for pod in self.api.items(path, **({"fieldSelector": f"spec.nodeName={node}"} if node else {})):
            self.api.delete(kubelet.pod_path(pod))
            gone[kubelet.uid_of(pod)] = pod
        eventually(lambda: self._settled(path, set(gone)), 30, f"the pods of {namespace} run again")

    def _settled(self, path: str, gone: set[str]) -> bool:
        pods = self.api.items(path)
        return all(kubelet.uid_of(pod) not in gone and kubelet.phase_of(pod) == "Running" for pod in pods)

    def addresses(self, namespace: str) -> dict[str, str]:
        """Give the address of each pod of a namespace."""
        pods = self.api.items(f"/api/v1/namespaces/{namespace}/pods")
        return {str(pod["metadata"]["name"]): str(pod["status"].get("podIP", "")) for pod in pods}


def is_of(address: str, pool: str) -> bool:
    """Say whether an address lies in a range."""
    return ip_address(address) in ip_network(pool)


def all_run(api: Api, least: int = 1) -> bool:
    """Say whether every pod of the cluster runs, and at least so many; not yet, where the server cannot tell."""
    try:
        pods = api.items("/api/v1/pods")
    except RefusedError as error:
        if error.answer.status != CANNOT_TELL:
            raise
        return False
    return len(pods) >= least and all(kubelet.phase_of(pod) in {"Running", "Succeeded"} for pod in pods)


@contextmanager
def built(
    plane: ControlPlane,
    install: Install,
    planned: Sequence[nodes.Plan],
    objects: Sequence[Object] = (),
    within_s: float = 60,
) -> Iterator[World]:
    """Build a world whose pods all run on Calico; ``objects`` come besides CoreDNS and kube-proxy.

    ``within_s``: so long the pods of a large one may take to run.
    """
    api, folder = plane.api(), plane.folder
    (folder / "helm").mkdir()
    helm = Helm(plane.kubeconfig(), folder / "helm")
    calico_install.plant(api, install, helm)
    agent = NodeAgent(plane.api(users.AGENT), folder / "nodes", install.node_side)
    with agent, GenuineOperator(api, folder / "operator") as operator:
        nodes.plant(api, planned)
        workloads.apply_all(api, [*workloads.coredns(), *workloads.kube_proxy(), *objects])
        every_s = max(0.2, len(planned) / MANY)  # a look lists every pod
        eventually(lambda: all_run(api, 3 * len(planned)), within_s, "every pod runs on Calico", every_s)
        yield World(plane, api, agent, operator, helm, install, planned)
        agent.check()
