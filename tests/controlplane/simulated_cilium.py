"""What cilium-agents write to the cluster: CiliumNodes, identities and endpoints; and how they read their settings.

The ranges of the CiliumNodes come from the genuine operator. Shapes after cilium/cilium
``pkg/k8s/apis/cilium.io/v2`` (CiliumNode, CiliumIdentity, CiliumEndpoint) and ``pkg/k8s/apis/cilium.io`` (labels).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tests.controlplane import cni, kubelet
from tests.controlplane.client import Api, Object
from tests.controlplane.record import NodeRecord, Sandbox

ROOT = "/apis/cilium.io/v2"
TAINT = "node.cilium.io/agent-not-ready"
FIRST_IDENTITY = 256
_NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels"


@dataclass(slots=True)
class Cilium:
    """The cilium-agents of all simulated nodes, as far as they share anything: identities by label set."""

    api: Api
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _identities: dict[str, int] = field(default_factory=dict)

    def settings(self, namespace: str, labels: dict[str, str]) -> dict[str, str] | None:
        """Read what an agent that starts now with these node labels runs with; None without a ConfigMap."""
        base = self.api.attempt("GET", f"/api/v1/namespaces/{namespace}/configmaps/cilium-config")
        if not base.ok:
            return None
        overrides = self.api.attempt("GET", f"{ROOT}/namespaces/{namespace}/ciliumnodeconfigs")
        items = overrides.json["items"] if overrides.ok else []
        return cni.effective_config(base.json.get("data") or {}, items, labels)

    def ranges(self, node: Object, record: NodeRecord) -> list[str]:
        """Give the ranges that the operator wrote to the node's CiliumNode, which is made where it is absent."""
        answer = self.api.attempt("GET", f"{ROOT}/ciliumnodes/{record.name}")
        if answer.status == 404:
            if answer.is_status and answer.json.get("details"):
                self.api.attempt("POST", f"{ROOT}/ciliumnodes", self._node(node, record))
            return []
        return (
            list(((answer.json.get("spec") or {}).get("ipam") or {}).get("podCIDRs") or [])
            if answer.ok
            else []
        )

    def _node(self, node: Object, record: NodeRecord) -> Object:
        metadata = {
            "name": record.name,
            "labels": node["metadata"].get("labels") or {},
            "ownerReferences": kubelet.owner_of({**node, "apiVersion": "v1", "kind": "Node"}),
        }
        spec: Object = {
            "addresses": [{"type": "InternalIP", "ip": record.address}],
            "ipam": {},
            "bootid": record.boot_id,
        }
        return {"apiVersion": "cilium.io/v2", "kind": "CiliumNode", "metadata": metadata, "spec": spec}

    def add_endpoint(
        self, record: NodeRecord, pod: Object, sandbox: Sandbox, *, ready: bool, identity: bool
    ) -> None:
        """Make the CiliumEndpoint of a sandbox, and its identity where none has its labels."""
        labels = self.labels(pod)
        status: Object = {
            "id": int(sandbox.container[:4], 16),
            "external-identifiers": {
                "container-id": sandbox.container,
                "k8s-namespace": sandbox.namespace,
                "k8s-pod-name": sandbox.name,
            },
            "networking": {"addressing": [{"ipv4": sandbox.address}], "node": record.address},
            "state": "ready" if ready else "waiting-for-identity",
        }
        if identity:
            status["identity"] = {"id": self.identity(labels), "labels": labels}
        metadata = {
            "name": sandbox.name,
            "namespace": sandbox.namespace,
            "ownerReferences": kubelet.owner_of({**pod, "kind": "Pod"}),
            "labels": pod["metadata"].get("labels") or {},
        }
        endpoint = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumEndpoint",
            "metadata": metadata,
            "status": status,
        }
        self.api.apply(endpoint, "cilium-agent", force="true")

    def drop_endpoint(self, sandbox: Sandbox) -> None:
        self.api.delete(f"{ROOT}/namespaces/{sandbox.namespace}/ciliumendpoints/{sandbox.name}")

    def labels(self, pod: Object) -> list[str]:
        """Give the security labels of a pod, sorted: its own, its namespace's, its account's, its cluster's."""
        namespace = pod["metadata"]["namespace"]
        found = {f"k8s:{k}={v}" for k, v in (pod["metadata"].get("labels") or {}).items() if "hash" not in k}
        answer = self.api.attempt("GET", f"/api/v1/namespaces/{namespace}")
        if answer.ok:
            own = answer.json["metadata"].get("labels") or {}
            found |= {f"k8s:{_NAMESPACE_LABELS}.{key}={value}" for key, value in own.items()}
        account = pod["spec"].get("serviceAccountName", "default")
        return sorted(
            found
            | {
                f"k8s:io.kubernetes.pod.namespace={namespace}",
                f"k8s:io.cilium.k8s.policy.serviceaccount={account}",
                "k8s:io.cilium.k8s.policy.cluster=default",
            }
        )

    def identity(self, labels: list[str]) -> int:
        """Give the number of the identity with these labels, made where there is none yet."""
        key = ";".join(labels)
        with self._lock:
            if key not in self._identities:
                number = FIRST_IDENTITY + len(self._identities)
                pairs = dict(label.split("=", 1) for label in labels)
                self.api.apply(
                    {
                        "apiVersion": "cilium.io/v2",
                        "kind": "CiliumIdentity",
                        "metadata": {"name": str(number)},
                        "security-labels": pairs,
                    },
                    "cilium-agent",
                    force="true",
                )
                self._identities[key] = number
            return self._identities[key]

    def clear_taint(self, node: Object) -> None:
        """Remove the taint that keeps pods away until the agent is ready."""
        taints = node["spec"].get("taints") or []
        kept = [taint for taint in taints if taint["key"] != TAINT]
        if len(kept) != len(taints):
            name, version = node["metadata"]["name"], node["metadata"]["resourceVersion"]
            body = {"metadata": {"resourceVersion": version}, "spec": {"taints": kept}}
            self.api.attempt("PATCH", f"/api/v1/nodes/{name}", body, kind="application/merge-patch+json")
