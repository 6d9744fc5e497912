"""The genuine cilium-operator of a simulated cluster.

It is started when kwok runs the first pod of the Deployment, with the ConfigMap as it is at that moment and the rights
of the chart's own ServiceAccount, and started anew when that pod's uid changes: so a ``helm upgrade`` that replaces no
pod leaves the old configuration running, as in a real cluster.
"""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests import capabilities
from tests.controlplane import kubelet, users
from tests.controlplane.client import Api, Object, RefusedError
from tests.controlplane.processes import Process

SELECTOR = "io.cilium/app=operator"
CONFIG = "cilium-config"
ACCOUNT = "cilium-operator"
LOOK_S = 0.25
GRACE_S = 10.0  # a killed operator keeps its Lease for 15 s more


@dataclass(slots=True)
class GenuineOperator:
    """Follows the operator's pods in one namespace; a context manager."""

    api: Api
    folder: Path
    namespace: str = "kube-system"
    config: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    """What it runs with besides: as after an edit that nobody sees any more."""
    is_held: bool = False
    """Whether its process is kept from starting."""
    uid: str = ""
    starts: int = 0
    started_at: float = 0.0
    _program: str = ""
    _copied: int = 0
    _offered: set[str] = field(default_factory=set)
    _process: Process | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._program = str(capabilities.binary("cilium-operator"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._follow, name="operator", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=10)
        self._end()

    @property
    def log(self) -> Path:
        return self.folder / "cilium-operator.log"

    def tail(self, lines: int = 15) -> str:
        return self._process.tail(lines) if self._process else "cilium-operator was never started"

    def _follow(self) -> None:
        while not self._stopped.wait(LOOK_S):
            try:
                self._look()
            except (OSError, http.client.HTTPException, RefusedError):
                continue

    @property
    def _shown(self) -> Path:
        """The log of the process that runs now, as a container runtime keeps it: kwok reads no other form."""
        return self.folder / f"shown-{self.starts}.log"

    def _show_log(self) -> None:
        if not self.uid or not self.log.exists():
            return
        with self.log.open("rb") as file:
            file.seek(self._copied)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._copied += len(whole)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
        with self._shown.open("a", encoding="utf-8") as shown:
            shown.writelines(
                f"{stamp} stdout F {line}\n" for line in whole.decode("utf-8", "replace").splitlines()
            )

    def _look(self) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        pods = self.api.get(path, labelSelector=SELECTOR)["items"]
        live = sorted(
            (p for p in pods if _runs(p)), key=lambda pod: str(pod["metadata"]["creationTimestamp"])
        )
        if self.uid and self.uid not in {str(pod["metadata"]["uid"]) for pod in live}:
            self._end()
        if self._process and not self._process.is_alive:
            self.uid = ""  # it ended by itself, and its kubelet starts it again
        if not self.uid and live and not self.is_held:
            self._start(live[0])
        self._offer_logs(live)
        self._show_log()

    def stop(self) -> None:
        """Stop the process; its pods stay."""
        self._end()

    def _end(self) -> None:
        if self._process:
            self._process.stop(GRACE_S)
        self.uid = ""

    def _start(self, pod: Object) -> None:
        settings = self.api.get(f"/api/v1/namespaces/{self.namespace}/configmaps/{CONFIG}")
        self.config = dict(settings.get("data") or {}) | self.overrides
        folder = self.folder / "config-map"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for key, value in self.config.items():
            (folder / key).write_text(value, encoding="utf-8")
        token = users.service_account_token(self.api, self.namespace, ACCOUNT)
        kubeconfig = self.folder / "kubeconfig"
        users.write_kubeconfig(kubeconfig, self.api.url, token, Path(self.api.ca_file))
        command = [
            self._program,
            f"--config-dir={folder}",
            f"--k8s-kubeconfig-path={kubeconfig}",
            f"--k8s-namespace={self.namespace}",
            "--operator-api-serve-addr=127.0.0.1:0",
            "--operator-prometheus-serve-addr=127.0.0.1:0",
        ]
        self._copied = self.log.stat().st_size if self.log.exists() else 0
        self._process = Process(
            "cilium-operator", command, self.log, {"K8S_NODE_NAME": str(pod["spec"]["nodeName"])}
        )
        self._process.start()
        self.started_at = time.monotonic()
        self.uid, self.starts = str(pod["metadata"]["uid"]), self.starts + 1
        self._offered.clear()

    def _offer_logs(self, pods: list[Object]) -> None:
        """Let the log of every operator's pod be read: one process stands for them all."""
        for pod in (p for p in pods if p["metadata"]["uid"] not in self._offered):
            self._offered.add(pod["metadata"]["uid"])
            meta = {key: pod["metadata"][key] for key in ("name", "namespace")}
            meta["ownerReferences"] = kubelet.owner_of({**pod, "kind": "Pod"})
            obj = {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": "Logs",
                "metadata": meta,
                "spec": {"logs": [{"logsFile": str(self._shown)}]},
            }
            path = f"/apis/kwok.x-k8s.io/v1alpha1/namespaces/{meta['namespace']}/logs"
            if not self.api.call("POST", path, obj).ok:  # it was offered the log of an earlier process
                self.api.patch(f"{path}/{meta['name']}", {"spec": obj["spec"]})


def _runs(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
