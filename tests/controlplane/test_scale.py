"""How many nodes and pods a simulated cluster carries: counts that must be reached, with the times printed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests import capabilities
from tests.controlplane import calico_install, checker, instance, nodes, users, workloads
from tests.controlplane.agent import NodeAgent
from tests.controlplane.calico_install import POOL, Install
from tests.controlplane.client import Api, eventually
from tests.controlplane.instance import ControlPlane
from tests.controlplane.world import all_run

NODES, PODS = (200, 2000) if capabilities.is_long() else (20, 150)
DEADLINE_S = 600.0 if capabilities.is_long() else 60.0


def memory_mib(plane: ControlPlane) -> int:
    """Give the resident memory of all processes of an instance."""
    pages = [
        int(Path(f"/proc/{p.pid}/statm").read_text("utf-8").split()[1]) for p in plane.processes.values()
    ]
    return sum(pages) * 4096 // 2**20


def test_a_large_cluster_settles_with_every_address_given_once(own: ControlPlane) -> None:
    api, install = own.api(), Install()
    idle = memory_mib(own)
    calico_install.plant(api, install)
    with NodeAgent(
        own.api(users.AGENT), own.folder / "nodes", replace(install.node_side, writes_ipam=False)
    ) as agent:
        started = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda plan: api.create(nodes.node(plan)), nodes.plans(NODES)))
        eventually(lambda: ready(api) == NODES, DEADLINE_S, f"{NODES} nodes are Ready", 0.2)
        seen = time.monotonic()
        workloads.apply_all(api, [workloads.namespace("crowd"), workloads.deployment("crowd", "web", PODS)])
        eventually(lambda: all_run(api, PODS), DEADLINE_S, f"{PODS} pods run", 0.5)
        print(f"{NODES} nodes Ready in {seen - started:.1f} s; {PODS} pods in {time.monotonic() - seen:.1f} s; "
              f"{idle} MiB idle, {memory_mib(own)} MiB now")  # fmt: skip
        checker.pods_are_in(checker.Snapshot.take(api), [POOL])
        agent.check()


def ready(api: Api) -> int:
    """Count the nodes that are Ready now."""
    listed = [node["status"].get("conditions") or [] for node in api.items("/api/v1/nodes")]
    return sum(
        any(c["type"] == "Ready" and c["status"] == "True" for c in conditions) for conditions in listed
    )


if capabilities.is_long():

    def test_nodes_whose_kubelets_are_gone_are_unknown_and_tainted(own: ControlPlane) -> None:
        """Waits for a node that went away must be longer than this."""
        api = own.api()
        if not ready(api):
            nodes.plant(api, [nodes.Plan("left-alone", 900)])
        own.kill(instance.KWOK)
        started = time.monotonic()
        eventually(lambda: ready(api) == 0, 120, "no node is Ready", 1)
        print(f"NotReady {time.monotonic() - started:.0f} s after their kubelets had gone")
        taints = [t["key"] for n in api.items("/api/v1/nodes") for t in n["spec"].get("taints") or []]
        assert "node.kubernetes.io/unreachable" in taints
