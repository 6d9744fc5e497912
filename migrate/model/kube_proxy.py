"""kube-proxy as it is configured: where that is written, how it balances, and what it takes for a pod of the cluster.

Source: Kubernetes ``cmd/kube-proxy/app/server_linux.go`` (``getLocalDetectors``): of each family only the first CIDR
counts, and without one nothing is told apart (*no-op*); ``pkg/proxy/iptables/proxier.go``: a source that is no pod of
the cluster is masqueraded on its way to a Service address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from migrate.model.addresses import Network, network
from migrate.model.fields import mapping, text
from migrate.model.pods import Pod, command_line, flag
from migrate.model.snapshot import Snapshot
from migrate.model.workloads import Workload

__all__ = ["KubeProxy", "daemon_set", "kube_proxies", "static_pods"]

_CONFIG_MAPS = ("kube-proxy", "kube-proxy-config")
_DEFAULT_MODE = "ClusterCIDR"


@dataclass(frozen=True, slots=True)
class KubeProxy:
    """One configuration of kube-proxy.

    ``source`` is the object that holds it; ``key`` the entry of a ConfigMap, empty for a command line (then only its
    owner can change it). ``mode`` is iptables, ipvs, nftables or empty; ``local`` how local traffic is told; ``values``
    the parsed file, empty for a command line.
    """

    source: str
    key: str = ""
    mode: str = ""
    local: str = _DEFAULT_MODE
    cluster_cidr: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> Mapping[int, Network]:
        """Give by family the one CIDR that counts: the first."""
        found: dict[int, Network] = {}
        for part in self.cluster_cidr.split(","):
            if (net := network(part)) is not None:
                found.setdefault(net.version, net)
        return found


def kube_proxies(snapshot: Snapshot) -> list[KubeProxy]:
    """Give every configuration of kube-proxy that shows: a ConfigMap, or command lines.

    A process that is part of another one (k3s) shows none.
    """
    daemon = daemon_set(snapshot)
    words = command_line(mapping(daemon.template, "spec")) if daemon is not None else []
    if daemon is not None and words and flag(words, "config") is None:
        return [_of_arguments(f"DaemonSet/{daemon.label}", words)]
    found = [p for name in _CONFIG_MAPS if (p := _of_config_map(snapshot, name)) is not None]
    if found or daemon is not None:
        return found
    return [_of_arguments(f"Pod/{p.label}", p.arguments) for p in static_pods(snapshot)]


def daemon_set(snapshot: Snapshot) -> Workload | None:
    """Give the DaemonSet that runs kube-proxy; None where none does."""
    found = (w for w in snapshot.workloads if w.kind == "DaemonSet" and w.name.startswith("kube-proxy"))
    return next(found, None)


def static_pods(snapshot: Snapshot) -> list[Pod]:
    """Give the static pods that run kube-proxy, as kOps and RKE2 have them."""
    return [p for p in snapshot.pods if p.mirror and p.name.startswith("kube-proxy")]


def _of_config_map(snapshot: Snapshot, name: str) -> KubeProxy | None:
    for key, content in (snapshot.config_map("kube-system", name) or {}).items():
        values = _parsed(content)
        if text(values, "kind") == "KubeProxyConfiguration":
            return KubeProxy(
                source=f"ConfigMap/kube-system/{name}",
                key=key,
                mode=text(values, "mode"),
                local=text(values, "detectLocalMode") or _DEFAULT_MODE,
                cluster_cidr=text(values, "clusterCIDR"),
                values=values,
            )
    return None


def _of_arguments(source: str, words: Sequence[str]) -> KubeProxy:
    return KubeProxy(
        source=source,
        mode=flag(words, "proxy-mode") or "",
        local=flag(words, "detect-local-mode") or _DEFAULT_MODE,
        cluster_cidr=flag(words, "cluster-cidr") or "",
    )


def _parsed(content: object) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(content) if isinstance(content, str) else None
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, Mapping) else {}
