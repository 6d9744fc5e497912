"""kwok of one instance: its stages, its own kinds, and its kubelet server for exec, logs and port-forward.

Every simulated node has the address type ``ExternalDNS`` with the name of the loopback host: that is where the API
server looks for kubelets, so that each node keeps an InternalIP of its own and its commands reach kwok all the same.
"""

from __future__ import annotations

from pathlib import Path

from tests import capabilities
from tests.controlplane import commands
from tests.controlplane.client import Api, Object, eventually
from tests.controlplane.processes import Process, free_port

STAGES = Path(__file__).parent / "stages"
GROUP = "kwok.x-k8s.io"
KINDS = {"Exec": "execs", "Logs": "logs", "PortForward": "portforwards"}
KUBELET_ADDRESS_TYPE, KUBELET_ADDRESS = "ExternalDNS", "localhost"


def definition(kind: str, plural: str) -> Object:
    """Give the CRD of one of kwok's kinds that are read from the cluster; any content is kept."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


def install(api: Api) -> None:
    """Install kwok's kinds, and wait until each is served."""
    for kind, plural in KINDS.items():
        api.create(definition(kind, plural))
    for plural in KINDS.values():
        eventually(lambda p=plural: api.call("GET", f"/apis/{GROUP}/v1alpha1/{p}").ok, 20, plural)  # type: ignore[misc]


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
