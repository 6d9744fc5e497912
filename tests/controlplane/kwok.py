"""kwok of one instance: its stages, its own kinds, and its kubelet server for exec, logs and port-forward.

Every simulated node has the address type ``ExternalDNS`` with the name of the loopback host: that is where the API
server looks for kubelets, so that each node keeps an InternalIP of its own and its commands reach kwok all the same.
"""

from __future__ import annotations

from pathlib import Path

from tests import capabilities
from tests.controlplane import commands, crds
from tests.controlplane.client import Api
from tests.controlplane.processes import Process, free_port

STAGES = Path(__file__).parent / "stages"
GROUP = "kwok.x-k8s.io"
KINDS = {"Exec": "execs", "Logs": "logs", "PortForward": "portforwards"}
KUBELET_ADDRESS_TYPE, KUBELET_ADDRESS = "ExternalDNS", "localhost"


def install(api: Api) -> None:
    """Install kwok's kinds, and wait until each is served."""
    crds.establish(
        api,
        [
            crds.definition(GROUP, "v1alpha1", kind, plural, is_namespaced=True)
            for kind, plural in KINDS.items()
        ],
    )


def process(folder: Path, kubeconfig: Path, certificate: Path) -> Process:
    """Give kwok with all stages of ``stages/``; its server shows the API server's own certificate."""
    stages = folder / "stages.yaml"
    stages.write_text(
        "---\n".join(path.read_text(encoding="utf-8") for path in sorted(STAGES.glob("*.yaml"))),
        encoding="utf-8",
    )
    port = free_port()
    path = (
        f"{commands.install(folder / 'bin')}:{commands.REAL}"  # kwok finds a pod's commands by its own PATH
    )
    command = [
        str(capabilities.binary("kwok")),
        f"--kubeconfig={kubeconfig}",
        "--manage-all-nodes=true",
        "--cidr=192.168.0.0/16",
        f"--config={stages}",
        "--node-lease-duration-seconds=40",
        f"--server-address=127.0.0.1:{port}",
        f"--node-port={port}",
        "--node-ip=127.0.0.1",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={certificate.with_suffix('.key')}",
        f"--enable-crds={','.join(KINDS)}",
    ]
    return Process("kwok", command, folder / "kwok.log", {"PATH": path})
