"""The one place where adapters are made and put together: the ports of a run on a live cluster."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from migrate.adapters.clock import LockClock, SystemClock
from migrate.adapters.eviction import KubeEvictor
from migrate.adapters.helm import Chart, HelmCharts, helm_binary, helm_version
from migrate.adapters.journal_file import FileJournal
from migrate.adapters.kube_api import KubeApi, connect
from migrate.adapters.kube_cluster import KubeCluster
from migrate.adapters.kube_exec import KubeShell
from migrate.adapters.lease import LeaseLock, Process, namespace_object, this_process
from migrate.adapters.live_dump import access
from migrate.adapters.mirror_configmap import ConfigMapMirror
from migrate.adapters.no_flows import NoFlows
from migrate.adapters.nodes_api import ApiNodes
from migrate.adapters.own_rights import KubeRights
from migrate.adapters.probes_pods import PodProber
from migrate.adapters.programs import ChildPrograms
from migrate.adapters.run_folder import FileStore
from migrate.adapters.watcher import KubeWatcher
from migrate.model.connection import Connection
from migrate.model.fields import text
from migrate.model.settings import Settings
from migrate.ports import Charts, Ports, Reporter

__all__ = ["Live", "RunPlace", "charts_of", "open_cluster", "own_objects", "ports_of"]

LEASE_TIMEOUT_S = 5.0


@dataclass(slots=True)
class Live:
    """An open connection: the API, the cluster, and the clock that everything waits by."""

    api: KubeApi
    cluster: KubeCluster
    clock: SystemClock
    connection: Connection


def open_cluster(connection: Connection) -> Live:
    """Open a connection; raises ``Failure`` (exit 7) where there is no way to a cluster."""
    clock = SystemClock()
    api = connect(connection, clock.sleep)
    return Live(api, KubeCluster(api, api.context, api.server), clock, connection)


def charts_of(live: Live, settings: Settings) -> Charts:
    """Give the Cilium chart of the settings; raises ``Failure`` where Helm is missing."""
    binary = helm_binary()
    version = helm_version(binary)
    return HelmCharts(
        Chart.of(settings.cilium.chart, settings.cilium.version),
        access=_helm_access(live),
        namespace=settings.cilium.namespace,
        binary=binary,
        user_values=settings.cilium.values,
        major=int(version.lstrip("v").partition(".")[0]),
    )


def _helm_access(live: Live) -> Sequence[str]:
    found = live.connection
    words = ["--kubeconfig", found.kubeconfig] if found.kubeconfig else []
    words += ["--kube-context", found.context] if found.context else []
    words += ["--kube-as-user", found.as_user] if found.as_user else []
    return words + [w for group in found.as_groups for w in ("--kube-as-group", group)]


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run lives on this machine; ``continues`` is the mirror's seq and hash that a new journal follows."""

    run: str
    folder: Path
    continues: tuple[int, str] | None = None


def ports_of(
    live: Live, settings: Settings, place: RunPlace, reporter: Reporter, say: Callable[[str], None]
) -> Ports:
    """Give every port of a run; ``say`` takes lines for people while the lock of another is watched."""
    shell = _shell(live)
    run_id, journal = place.run, place.folder / "journal.jsonl"
    return Ports(
        cluster=live.cluster,
        evictor=KubeEvictor(live.api),
        nodes=ApiNodes(live.cluster, shell),
        charts=charts_of(live, settings),
        prober=PodProber(
            live.cluster, shell, live.clock, settings.namespace, run_id, settings.gates.probe_image
        ),
        flows=NoFlows("no source of flows is set up"),
        watcher=KubeWatcher(live.cluster),
        rights=KubeRights(partial(access, live.api), settings.namespace),
        journal=FileJournal(journal)
        if place.continues is None
        else FileJournal(journal, continues=place.continues),
        mirror=ConfigMapMirror(live.api, live.clock, settings.namespace),
        lock=lock_of(live, settings, run_id, say),
        clock=live.clock,
        store=FileStore(place.folder),
        programs=ChildPrograms(live.clock),
        reporter=reporter,
    )


def _shell(live: Live) -> KubeShell:
    api = live.api
    return KubeShell(api, api.client.configuration, api.server, api.headers, live.clock.sleep)


def own_objects(live: Live, settings: Settings) -> list[Mapping[str, Any]]:
    """Give examples of what a run creates for itself: its namespace, or where that is there, what goes into it."""
    name = settings.namespace
    if live.cluster.get("namespaces", name) is None:
        return [namespace_object(name)]
    shell = _shell(live)
    prober = PodProber(live.cluster, shell, live.clock, name, "preflight", settings.gates.probe_image)
    nodes = sorted(text(n, "metadata", "name") for n in live.cluster.list("nodes"))
    return [prober.example(node) for node in nodes[:1]]


def lock_of(live: Live, settings: Settings, run_id: str, say: Callable[[str], None]) -> LeaseLock:
    """Give the lock of a run, over a connection of its own that asks once and does not wait long."""
    short = replace(live.connection, timeout_s=LEASE_TIMEOUT_S)
    api = KubeApi(live.api.client, live.api.context, short, live.clock.sleep, asks_again=False)
    return LeaseLock(api, LockClock(live.clock.wake), us(run_id), settings.namespace, say)


def us(run_id: str) -> Process:
    """Give who we are, as the lock and the journal name us."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return this_process(run_id, user)
