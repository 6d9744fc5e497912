"""One Kubernetes control plane of a test: etcd, API server, controllers, scheduler and kwok, all on loopback.

The flags are the measured ones of ``testing.md`` §4.1; each odd one has its reason beside it. An instance owns a
folder with its data, its credentials and one log for each process; the folder outlives a failed test.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests import capabilities
from tests.controlplane import kwok, users
from tests.controlplane.client import Api, eventually, patience
from tests.controlplane.processes import Process, free_port

READY_S = 60.0
ETCD, SERVER, MANAGER, SCHEDULER, KWOK = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)
WHOLE = (ETCD, SERVER, MANAGER, SCHEDULER, KWOK)
API_ONLY = (ETCD, SERVER)
CONTROLLERS = [
    "deployment",
    "replicaset",
    "daemonset",
    "statefulset",
    "job",
    "disruption",
    "namespace",
    "serviceaccount",
    "root-ca-certificate-publisher",
    "garbage-collector",
    "endpointslice",
    "node-lifecycle",
    "taint-eviction",
    "pod-garbage-collector",
]
SERVICE_RANGE = "10.96.0.0/16"


@dataclass(slots=True)
class ControlPlane:
    """The processes named in ``parts``, started in order and ended by SIGKILL; a context manager."""

    folder: Path
    parts: Sequence[str] = WHOLE
    audited: bool = False
    audited_user: str = ""
    """Whose calls alone are written down, where a large cluster's own would fill a disk."""
    processes: dict[str, Process] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    _port: int = 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "pki" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.jsonl"

    def api(self, user: str = users.ADMIN) -> Api:
        """Give a client of one of the named users."""
        return Api(self.url, self.tokens[user], str(self.ca_file))

    def kubeconfig(self, user: str = users.ADMIN) -> Path:
        """Give the kubeconfig of one of the named users."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        return users.write_kubeconfig(path, self.url, self.tokens[user], self.ca_file)

    def start(self) -> None:
        """Start every part and wait until it serves; raises ``TimeoutError`` with the ends of the logs."""
        started = time.monotonic()
        self._write_files()
        self._start_server()
        self.timings["readyz"] = time.monotonic() - started
        api = self.api()
        users.grant_simulation(api)
        if MANAGER in self.parts:
            self._start_controllers()
            self._wait(
                lambda: api.call("GET", "/api/v1/namespaces/default/serviceaccounts/default").ok, "account"
            )
        self.timings["default ServiceAccount"] = time.monotonic() - started
        if SCHEDULER in self.parts:
            self._start_scheduler()
        if KWOK in self.parts:
            kwok.install(api)
            self._start(kwok.process(self.folder, self.kubeconfig(users.KWOK), self.ca_file))
        self.timings["all parts"] = time.monotonic() - started

    def stop(self) -> None:
        """End every process that this instance started, the last one first."""
        started = time.monotonic()
        for process in reversed(self.processes.values()):
            process.kill()
        self.timings["stop"] = time.monotonic() - started

    def kill(self, name: str) -> None:
        """Kill one process, as a crash would."""
        self.processes[name].kill()

    def restart(self, name: str) -> float:
        """Start a killed process again, wait until the API serves, and give the seconds that this took."""
        started = time.monotonic()
        self.processes[name].kill()
        self.processes[name].start()
        if name in {ETCD, SERVER}:
            self.wait_until_ready()
        seconds = time.monotonic() - started
        if MANAGER in self.parts:
            self._wait_for_controllers()
        return seconds

    def _wait_for_controllers(self) -> None:
        """Wait until a new namespace gets its account: controllers that lost their server come back by and by."""
        api, path = self.api(), f"/api/v1/namespaces/after-restart-{time.monotonic_ns()}"
        name = path.rsplit("/", 1)[1]
        api.expect("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self._wait(lambda: api.call("GET", f"{path}/serviceaccounts/default").ok, "the controllers work")
        api.delete(path)

    def logs(self) -> str:
        """Give the last lines of every log."""
        return "\n".join(f"---- {p.name} ({p.log})\n{p.tail()}" for p in self.processes.values())

    def wait_until_ready(self) -> None:
        """Wait until ``/readyz`` says 200."""
        api = self.api()

        def answers() -> bool:
            try:
                return api.call("GET", "/readyz").ok
            except OSError:
                return False

        self._wait(answers, "/readyz")

    def _wait(self, question: Callable[[], bool], what: str) -> None:
        try:
            eventually(question, READY_S, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.logs()}") from error

    def _write_files(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.folder / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        self.tokens = users.write_tokens(self.folder / "tokens.csv")
        if self.audited:
            rules: list[dict[str, object]] = [{"level": "Metadata"}]
            if self.audited_user:
                rules = [{"level": "Metadata", "users": [self.audited_user]}, {"level": "None"}]
            kind = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
            (self.folder / "audit.yaml").write_text(json.dumps({**kind, "rules": rules}), encoding="utf-8")

    def _start(self, process: Process) -> None:
        self.processes[process.name] = process
        process.start()

    def _process(self, name: str, *flags: str) -> Process:
        command = [str(capabilities.binary(name)), *flags]
        return Process(name, command, self.folder / f"{name}.log")

    def _start_server(self) -> None:
        """Start etcd before the API server, which gives up after 20 s without it; another port where one is taken."""
        for _ in range(3):
            client, peer, self._port = free_port(), free_port(), free_port()
            self._start(self._process(ETCD, *self._etcd_flags(client, peer)))
            self._start(self._process(SERVER, *self._server_flags(client)))
            if self._serves():
                return
            self.stop()
        raise TimeoutError(f"no API server after three starts\n{self.logs()}")

    def _serves(self) -> bool:
        """Say whether the API server became ready; no if a process ended, as it does on a port that is taken."""
        end = time.monotonic() + READY_S * patience()
        while time.monotonic() < end and all(p.is_alive for p in self.processes.values()):
            if self.ca_file.exists():
                try:
                    if self.api().call("GET", "/readyz").ok:
                        return True
                except OSError:
                    pass
            time.sleep(0.05)
        return False

    def _etcd_flags(self, client: int, peer: int) -> list[str]:
        serving, peering = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        return [
            "--name=e",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={serving}",
            f"--advertise-client-urls={serving}",  # without it etcd exits
            f"--listen-peer-urls={peering}",
            f"--initial-advertise-peer-urls={peering}",
            f"--initial-cluster=e={peering}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            "--heartbeat-interval=500",
            "--election-timeout=2500",
        ]

    def _server_flags(self, etcd: int) -> list[str]:
        audit = [f"--audit-policy-file={self.folder / 'audit.yaml'}", f"--audit-log-path={self.audit_log}"]
        alone = ["--disable-admission-plugins=ServiceAccount"] if MANAGER not in self.parts else []
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # a loopback address may not be an endpoint
            f"--cert-dir={self.folder / 'pki'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={self.folder / 'sa.key'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--kubelet-preferred-address-types={kwok.KUBELET_ADDRESS_TYPE},InternalIP",
            "--profiling=false",
            *(audit if self.audited else []),
            *alone,
        ]

    def _start_controllers(self) -> None:
        names = ",".join(f"{name}-controller" for name in CONTROLLERS)
        self._start(
            self._process(
                MANAGER,
                *self._client_flags(users.MANAGER),
                "--use-service-account-credentials=true",  # else it is forbidden everything, in silence
                f"--service-account-private-key-file={self.folder / 'sa.key'}",
                f"--root-ca-file={self.ca_file}",
                "--node-monitor-grace-period=40s",
                f"--controllers={names}",
            )
        )

    def _start_scheduler(self) -> None:
        self._start(self._process(SCHEDULER, *self._client_flags(users.SCHEDULER)))

    def _client_flags(self, user: str) -> list[str]:
        config = f"--kubeconfig={self.kubeconfig(user)}"
        return [
            "--leader-elect=false",
            "--secure-port=0",
            config,
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ]
