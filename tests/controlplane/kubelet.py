"""What a kubelet writes to the API for the pods and the node that the node agent plays.

Ordinary pods get an annotation with their address, and a stage of kwok runs them; the pods of the CNIs, which a fault
may keep from being ready, and pods that are revived after a reboot get their status from here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.controlplane.client import STRATEGIC, Api, Object
from tests.controlplane.cni import Plugin
from tests.controlplane.record import NodeRecord, Sandbox

ADDRESS, SANDBOX, DOWN = "sim/pod-ip", "sim/sandbox", "sim/down"
FINISHED = {"Succeeded", "Failed"}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def uid_of(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def label_of(pod: Object, key: str = "k8s-app") -> str:
    return str((pod["metadata"].get("labels") or {}).get(key, ""))


def is_host(pod: Object) -> bool:
    """Say whether a pod lives in the node's network."""
    return bool(pod["spec"].get("hostNetwork"))


def phase_of(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def pod_path(pod: Object) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


def owner_of(obj: Object) -> list[Object]:
    """Give the owner reference that ties another object's life to this one."""
    metadata = obj["metadata"]
    return [
        {
            "apiVersion": obj.get("apiVersion", "v1"),
            "kind": obj["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
    ]


def condition(kind: str, status: bool, reason: str = "", message: str = "") -> Object:
    stamp = now()
    return {
        "type": kind,
        "status": "True" if status else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": stamp,
    }


def announce(api: Api, pod: Object, sandbox: Sandbox) -> None:
    """Write the address of a new sandbox, as the runtime's plugin reports it; the pod's uid guards the write."""
    notes = {ADDRESS: sandbox.address, SANDBOX: sandbox.container}
    if sandbox.plugin is Plugin.CALICO:
        cidr = f"{sandbox.address}/32"
        notes |= {
            "cni.projectcalico.org/containerID": sandbox.container,
            "cni.projectcalico.org/podIP": cidr,
            "cni.projectcalico.org/podIPs": cidr,
        }
    metadata = {"uid": uid_of(pod), "annotations": notes}
    api.attempt("PATCH", pod_path(pod), {"metadata": metadata}, kind=STRATEGIC)


def report(
    api: Api, pod: Object, record: NodeRecord, sandbox: Sandbox, *, ready: bool, waiting: str = ""
) -> None:
    """Write a pod's status as its kubelet would: running in this sandbox, ready or not, or waiting for a reason."""
    stamp = now()
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": stamp}}
    containers = [
        {
            "name": container["name"],
            "image": container.get("image", ""),
            "imageID": "",
            "containerID": f"sim://{sandbox.container}-{sandbox.restarts}",
            "ready": ready,
            "started": not waiting,
            "restartCount": sandbox.serial - 1 + sandbox.restarts + (3 if waiting else 0),
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]
    status = {
        "phase": "Running",
        "startTime": stamp,
        "hostIP": record.address,
        "podIP": sandbox.address,
        "podIPs": [{"$patch": "replace"}, {"ip": sandbox.address}],
        "conditions": [
            condition("PodReadyToStartContainers", True),
            condition("Initialized", True),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
        "containerStatuses": containers,
    }
    body = {"metadata": {"uid": uid_of(pod)}, "status": status}
    api.attempt("PATCH", f"{pod_path(pod)}/status", body, kind=STRATEGIC)


def is_taken_for_lost(pod: Object) -> bool:
    """Say whether controllers made a pod not Ready because they had not heard of its node, though its containers run."""
    known = {c["type"]: c["status"] for c in pod["status"].get("conditions") or []}
    return known.get("ContainersReady") == "True" and known.get("Ready") == "False"


def recover(api: Api, pod: Object) -> None:
    """Make a pod Ready again, as a kubelet does that has found its server again."""
    body = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": [condition("Ready", True)]}}
    api.attempt("PATCH", f"{pod_path(pod)}/status", body, kind=STRATEGIC)


def hold_down(api: Api, node: str, why: str, reason: str, message: str) -> None:
    """Make a node NotReady, and keep kwok from making it Ready again."""
    api.patch(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {DOWN: why}}})
    ready = condition("Ready", False, reason, message) | {"lastHeartbeatTime": now()}
    api.patch(f"/api/v1/nodes/{node}/status", {"status": {"conditions": [ready]}}, STRATEGIC)


def let_up(api: Api, node: str) -> None:
    """Let kwok make a node Ready again."""
    api.patch(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {DOWN: None}}})


def set_boot_id(api: Api, node: str, boot_id: str) -> None:
    api.patch(f"/api/v1/nodes/{node}/status", {"status": {"nodeInfo": {"bootID": boot_id}}}, STRATEGIC)


def set_network(api: Api, node: str, *, up: bool) -> None:
    """Set the condition NetworkUnavailable as calico-node does at its start and in its preStop hook."""
    reason, text = ("CalicoIsUp", "Calico is running") if up else ("CalicoIsDown", "Calico is shutting down")
    state = condition("NetworkUnavailable", not up, reason, f"{text} on this node") | {
        "lastHeartbeatTime": now()
    }
    api.patch(f"/api/v1/nodes/{node}/status", {"status": {"conditions": [state]}}, STRATEGIC)
