"""PRE-042: a pod that keeps files in a directory of its node does not find them on another.

Directories that every node has alike, or that show the node itself (time zone, certificates, devices, kernel, sockets
of the runtime, logs), are no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_waves import leaving

__all__ = ["RULE"]

ALIKE = (
    "/boot", "/dev", "/etc/ca-certificates", "/etc/cni", "/etc/hosts", "/etc/kubernetes", "/etc/localtime",
    "/etc/machine-id", "/etc/os-release", "/etc/passwd", "/etc/pki", "/etc/resolv.conf", "/etc/ssl", "/etc/timezone",
    "/lib/modules", "/opt/cni", "/proc", "/run/containerd", "/run/crio", "/run/dbus", "/run/systemd", "/run/udev",
    "/run/xtables.lock", "/sys", "/usr/lib/modules", "/usr/local/share/ca-certificates", "/usr/share/ca-certificates",
    "/usr/share/zoneinfo", "/usr/src", "/var/lib/kubelet", "/var/log", "/var/run/containerd", "/var/run/crio",
    "/var/run/docker.sock",
)  # fmt: skip


def check(case: Case) -> Iterator[Hit]:
    """Name every such directory of the pods that leave."""
    for node, pods in leaving(case).items():
        for pod in pods:
            for path in dict.fromkeys(
                v.ref for v in pod.volumes if v.kind == "hostPath" and not _alike(v.ref)
            ):
                yield Hit(
                    f"Pod/{pod.label}", {"p": pod.label, "path": path}, {"path": path, "node": node}, node
                )


def _alike(path: str) -> bool:
    return any(path == known or path.startswith(f"{known}/") for known in ALIKE)


RULE = Rule(
    number=42,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Files on the node",
    message="{p} uses hostPath {path}",
    remedy="nodes.move: recycle for its node, if what lies there matters",
    check=check,
    failures=(35,),
    reads=("pods",),
)
