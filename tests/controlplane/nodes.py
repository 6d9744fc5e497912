"""Nodes of a simulated cluster, as their kubelets would have registered them, with all that kwok does not give.

A node without an address keeps its pods Pending for ever, and one without the label ``kubernetes.io/hostname`` never
gets a pod that others attract by it; so both are always planted.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tests.controlplane import kwok
from tests.controlplane.client import Api, Object, eventually

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
STATIC = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
KUBELET = "v1.36.3"


@dataclass(frozen=True, slots=True)
class Plan:
    """One node to plant; ``number`` decides its address and, of host-local IPAM, its range."""

    name: str
    number: int
    is_control_plane: bool = False
    pod_cidr: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        """Give an address of the documentation range, of the benchmark range for nodes beyond the two hundredth."""
        if self.number <= 200:
            return f"192.0.2.{10 + self.number}"
        return f"198.18.{self.number // 200}.{10 + self.number % 200}"


def plans(workers: int, control: int = 0, *, host_local: bool = False) -> list[Plan]:
    """Give control-plane nodes ``cp-1`` … and workers ``wrk-01`` …, in this order."""
    names = [(f"cp-{n}", True) for n in range(1, control + 1)] + [
        (f"wrk-{n:02}", False) for n in range(1, workers + 1)
    ]
    return [
        Plan(name, number, is_control, f"10.244.{number}.0/24" if host_local else "")
        for number, (name, is_control) in enumerate(names, 1)
    ]


def node(plan: Plan) -> Object:
    """Give the Node object of a plan."""
    labels = {"kubernetes.io/hostname": plan.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    taints = [{"key": key, "effect": effect} for key, effect in plan.taints]
    if plan.is_control_plane:
        labels[CONTROL_PLANE] = ""
        taints.append({"key": CONTROL_PLANE, "effect": "NoSchedule"})
    spec: Object = {"taints": taints, "providerID": f"sim://{plan.name}"}
    if plan.pod_cidr:
        spec |= {"podCIDR": plan.pod_cidr, "podCIDRs": [plan.pod_cidr]}
    room = {"cpu": "16", "memory": "64Gi", "pods": "250", "ephemeral-storage": "100Gi"}
    status = {
        "capacity": room,
        "allocatable": room,
        "addresses": [
            {"type": "InternalIP", "address": plan.address},
            {"type": "Hostname", "address": plan.name},
            {"type": kwok.KUBELET_ADDRESS_TYPE, "address": kwok.KUBELET_ADDRESS},
        ],
        "nodeInfo": _info(plan),
    }
    metadata = {"name": plan.name, "labels": labels | dict(plan.labels)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def _info(plan: Plan) -> Object:
    return {
        "architecture": "amd64",
        "bootID": str(uuid.uuid4()),
        "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.12.0",
        "kubeProxyVersion": "",
        "kubeletVersion": KUBELET,
        "machineID": uuid.uuid5(uuid.NAMESPACE_DNS, plan.name).hex,
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 13 (trixie)",
        "systemUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, plan.name)),
    }


def plant(api: Api, planned: Sequence[Plan]) -> None:
    """Register nodes, and the static pods of control-plane nodes; wait until all are Ready."""
    for plan in planned:
        api.create(node(plan))
    for plan in planned:
        eventually(lambda name=plan.name: is_ready(api, name), 60, f"{plan.name} is Ready")  # type: ignore[misc]
        if plan.is_control_plane:
            for component in STATIC:
                api.create(mirror_pod(plan, component))


def is_ready(api: Api, name: str) -> bool:
    """Say whether a node is Ready now."""
    conditions = api.get(f"/api/v1/nodes/{name}")["status"].get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def mirror_pod(plan: Plan, component: str) -> Object:
    """Give the mirror pod of a static pod of the control plane, as kubeadm's manifests make it."""
    metadata = {
        "name": f"{component}-{plan.name}",
        "namespace": "kube-system",
        "labels": {"component": component, "tier": "control-plane"},
        "annotations": {"kubernetes.io/config.mirror": uuid.uuid5(uuid.NAMESPACE_DNS, component).hex},
    }
    spec = {
        "nodeName": plan.name,
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists", "effect": "NoExecute"}],
        "containers": [{"name": component, "image": f"{component}:{KUBELET}"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
