"""The operator of Calico, as far as an install and a removal meet it: finalizers, protected accounts, reverted edits.

It works only while its own pod runs, so a removal that takes the operator first leaves every finalizer standing (F-14).
Behaviour after tigera/operator ``pkg/controller/installation/core_controller.go`` and ``pkg/render/finalizers.go``.
"""

from __future__ import annotations

import copy
import http.client
import threading
from dataclasses import dataclass, field
from typing import Self

from tests.controlplane.client import MERGE, Api, Object, RefusedError

LOOK_S = 0.25
ROOT = "/apis/operator.tigera.io/v1"
NAMESPACE = "calico-system"
PLURALS = {
    "Installation": "installations",
    "APIServer": "apiservers",
    "Goldmane": "goldmanes",
    "Whisker": "whiskers",
}
FINALIZERS = {
    "Installation": ["tigera.io/operator-cleanup", "operator.tigera.io/installation-controller"],
    "APIServer": ["operator.tigera.io/apiserver-controller"],
    "Goldmane": ["operator.tigera.io/goldmane-controller"],
    "Whisker": ["operator.tigera.io/whisker-controller"],
}
WORKLOADS = {
    "Installation": [("daemonsets", NAMESPACE, "csi-node-driver"), ("deployments", NAMESPACE, "calico-kube-controllers"),
                     ("daemonsets", NAMESPACE, "calico-node"), ("deployments", NAMESPACE, "calico-typha")],
    "APIServer": [("deployments", "calico-apiserver", "calico-apiserver")],
    "Goldmane": [("deployments", NAMESPACE, "goldmane")],
    "Whisker": [("deployments", NAMESPACE, "whisker")],
}  # fmt: skip
PROTECTED = (
    f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
)
NODE_SET = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/calico-node"


@dataclass(slots=True)
class TigeraOperator:
    """Plays the operator of one cluster; a context manager."""

    api: Api
    _wanted: Object | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._follow, name="tigera-operator", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=10)

    def _follow(self) -> None:
        while not self._stopped.wait(LOOK_S):
            try:
                if self._runs():
                    self.look()
            except (OSError, http.client.HTTPException, RefusedError):
                continue

    def _runs(self) -> bool:
        pods = self.api.items(
            "/api/v1/namespaces/tigera-operator/pods", labelSelector="k8s-app=tigera-operator"
        )
        return any(pod["status"].get("phase") == "Running" for pod in pods)

    def look(self) -> None:
        """Hold every resource, tear down what is being deleted, and keep the DaemonSet as it was."""
        for kind, plural in PLURALS.items():
            answer = self.api.call("GET", f"{ROOT}/{plural}/default")
            if not answer.ok:
                continue
            if "deletionTimestamp" in answer.json["metadata"]:
                self._tear_down(kind, plural)
            elif not answer.json["metadata"].get("finalizers"):
                body = {"metadata": {"finalizers": FINALIZERS[kind]}}
                self.api.patch(f"{ROOT}/{plural}/default", body, MERGE)
        if self.api.call("GET", f"{ROOT}/installations/default").ok:
            self._revert()

    def _tear_down(self, kind: str, plural: str) -> None:
        """Delete a resource's workloads; when their pods are gone let go of it, and of what it protected."""
        left = False
        for resource, namespace, name in WORKLOADS[kind]:
            path = f"/apis/apps/v1/namespaces/{namespace}/{resource}/{name}"
            left |= self.api.delete(path, propagationPolicy="Foreground").ok
            left |= bool(
                self.api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"k8s-app={name}")
            )
        if left:
            return
        if kind == "Installation":
            self._release_accounts()
        self.api.patch(f"{ROOT}/{plural}/default", {"metadata": {"finalizers": None}}, MERGE)

    def _release_accounts(self) -> None:
        for path in PROTECTED:
            for name in ("calico-node", "calico-cni-plugin"):
                if self.api.call("GET", f"{path}/{name}").ok:
                    self.api.patch(f"{path}/{name}", {"metadata": {"finalizers": None}}, MERGE)
                    self.api.delete(f"{path}/{name}")

    def _revert(self) -> None:
        """Undo an edit of the DaemonSet that did not come through the Installation."""
        answer = self.api.call("GET", NODE_SET)
        if not answer.ok or "deletionTimestamp" in answer.json["metadata"]:
            return
        spec = answer.json["spec"]["template"]["spec"]
        method = self.api.get(f"{ROOT}/installations/default")["spec"]["calicoNetwork"][
            "nodeAddressAutodetectionV4"
        ]
        if self._wanted is None:
            self._wanted = copy.deepcopy(spec)
        wanted = _with_method(self._wanted, method)
        if spec != wanted:
            self.api.patch(NODE_SET, {"spec": {"template": {"spec": wanted}}}, MERGE)


def _with_method(spec: Object, method: Object) -> Object:
    """Give the pod spec with the address autodetection that the Installation asks for."""
    made = copy.deepcopy(spec)
    value = "kubernetes-internal-ip" if method.get("kubernetes") == "NodeInternalIP" else "first-found"
    environment = made["containers"][0]["env"]
    kept = [entry for entry in environment if entry["name"] != "IP_AUTODETECTION_METHOD"]
    made["containers"][0]["env"] = [*kept, {"name": "IP_AUTODETECTION_METHOD", "value": value}]
    return made
