"""The traps of a migration, sprung with Helm, the genuine operator and the node agent, before any product code is there.

Each test leaves the cluster as it found it: stage M, every node on Calico.
"""

from __future__ import annotations

import time

from tests import capabilities
from tests.controlplane import charts, checker, kubelet, nodes
from tests.controlplane.calico_install import POOL
from tests.controlplane.client import Object, eventually, throughout
from tests.controlplane.cni import Plugin
from tests.controlplane.conftest import WORKERS
from tests.controlplane.instance import SERVER
from tests.controlplane.world import AGENTS, World, all_run, is_of

CILIUM, CALICO = "05-cilium.conflist", "10-calico.conflist"
WATCHER_INTERVAL_S = 15


def test_stage_m_is_passive(world: World) -> None:
    """Cilium runs everywhere, has ranges from the genuine operator, and no node uses it."""
    assert {node: world.conf(node) for node in WORKERS} == {key: [CALICO] for key in WORKERS}
    assert [a for a in world.addresses("shop").values() if not is_of(a, POOL)] == []
    ranges = [
        item["spec"]["ipam"]["podCIDRs"][0] for item in world.api.items("/apis/cilium.io/v2/ciliumnodes")
    ]
    assert len(set(ranges)) == len(WORKERS)
    assert all(text.startswith("10.245.") and text.endswith("/24") for text in ranges)
    names = [
        c["metadata"]["name"]
        for c in world.api.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
    ]
    assert len([name for name in names if name.endswith(".cilium.io")]) == 10


def test_a_label_does_nothing_until_the_agent_is_new(world: World) -> None:
    """The switch of one node, what it leaves behind when pods were not drained first, and the way back."""
    node = WORKERS[0]
    world.label(node)
    throughout(lambda: world.conf(node) == [CALICO], 1, "the label alone switches nothing")
    world.restart_agent(node)
    assert world.conf(node) == [CILIUM]
    assert all(world.conf(other) == [CALICO] for other in WORKERS[1:])
    record = world.agent.record(node)
    world.recycle("shop", node)
    assert record.leaks, "pods that were deleted after the switch leave veths and handles"
    on_node = {s.name: s.address for s in record.sandboxes.values() if s.namespace == "shop"}
    assert all(is_of(address, charts.POOL) for address in on_node.values())
    endpoints = {
        e["metadata"]["name"]: e
        for e in world.api.items("/apis/cilium.io/v2/namespaces/shop/ciliumendpoints")
    }
    assert {
        name: endpoints[name]["status"]["networking"]["addressing"][0]["ipv4"] for name in on_node
    } == on_node
    (record.conf_folder / CILIUM).unlink()
    eventually(lambda: world.conf(node) == [CILIUM], 5, "an agent that was switched writes its file again")
    world.put_back(node)
    world.recycle("shop", node)
    assert world.conf(node) == [CALICO]
    assert all(is_of(address, POOL) for address in world.addresses("shop").values())


def test_without_custom_conf_every_node_switches_at_once(stages: World) -> None:
    """``cni.exclusive=false`` alone keeps nothing secondary: 05 sorts before 10."""
    shared = stages.values("shared", {"cni": {"customConf": False, "exclusive": False}})
    stages.upgrade(stages.values("migration", dict(charts.MIGRATION)), shared)
    for node in WORKERS:
        stages.restart_agent(node)
    assert all(stages.conf(node) == [CILIUM, CALICO] for node in WORKERS)
    stages.recycle("shop")
    assert all(is_of(address, charts.POOL) for address in stages.addresses("shop").values())


def test_an_upgrade_restarts_no_agent_and_no_operator(stages: World) -> None:
    """The audit stage stands in the ConfigMap, and everything runs on as before until it is restarted."""
    before = {node: stages.running(node) for node in WORKERS}
    uids = {pod["metadata"]["uid"] for pod in stages.pods(AGENTS)}
    migration, audit = (
        stages.values("migration", dict(charts.MIGRATION)),
        stages.values("audit", dict(charts.AUDIT)),
    )
    stages.upgrade(migration, audit)
    throughout(
        lambda: {node: stages.running(node) for node in WORKERS} == before, 2, "the agents run on as before"
    )
    assert {pod["metadata"]["uid"] for pod in stages.pods(AGENTS)} == uids
    assert stages.operator.config["unmanaged-pod-watcher-interval"] == "0"
    stages.restart_agent(WORKERS[1])
    assert stages.running(WORKERS[1])["policy-audit-mode"] == "true"
    assert stages.conf(WORKERS[1]) == [CILIUM]
    assert stages.running(WORKERS[0]) == before[WORKERS[0]]


def test_a_partial_values_file_hands_out_the_charts_own_pool(stages: World) -> None:
    """F-46: rc 0, and the next operator gives a joining node a range that the plan never named."""
    stages.upgrade(stages.values("audit", dict(charts.AUDIT)))
    stages.restart_operator()
    assert stages.operator.config["cluster-pool-ipv4-cidr"] == "10.0.0.0/8"
    joined = nodes.Plan("joined", 20)
    nodes.plant(stages.api, [joined])
    try:

        def given() -> str | None:
            answer = stages.api.call("GET", "/apis/cilium.io/v2/ciliumnodes/joined")
            found = answer.json["spec"]["ipam"].get("podCIDRs") if answer.ok else None
            return str(found[0]) if found else None

        pod_range = eventually(given, 60, "the operator gives the new node a range")
        assert not is_of(pod_range.split("/")[0], charts.POOL)
        eventually(
            lambda: CILIUM in stages.conf("joined"), 20, "the new node was switched at its first agent"
        )
    finally:
        stages.api.delete("/api/v1/nodes/joined")
        for pod in stages.api.items("/api/v1/pods", fieldSelector="spec.nodeName=joined"):
            stages.api.delete(kubelet.pod_path(pod), gracePeriodSeconds="0")


def test_the_watcher_deletes_dns_pods_that_cilium_does_not_manage(stages: World) -> None:
    """F-02: with ``0`` they are left alone for longer than the default interval; switched on, they are deleted."""
    untouched = dns_uids(stages)
    rest = WATCHER_INTERVAL_S + 5 - (time.monotonic() - stages.operator.started_at)
    throughout(
        lambda: dns_uids(stages) == untouched, max(rest, 1), "a watcher that is off touches nothing", 0.5
    )
    watcher = {"restart": True} | ({} if capabilities.is_long() else {"intervalSeconds": 3})
    watching = stages.values("watching", {"operator": {"unmanagedPodWatcher": watcher}})
    stages.upgrade(stages.values("migration", dict(charts.MIGRATION)), watching)
    throughout(lambda: dns_uids(stages) == untouched, 1, "the ConfigMap alone does nothing")
    started = time.monotonic()
    stages.restart_operator()
    eventually(lambda: dns_uids(stages) - untouched, 60, "a DNS pod was replaced", 0.5)
    print(f"the first DNS pod was replaced {time.monotonic() - started:.0f} s after the operator's restart")
    assert "Restarting unmanaged pod" in stages.operator.log.read_text(encoding="utf-8")


def dns_uids(world: World) -> set[str]:
    return {kubelet.uid_of(pod) for pod in world.pods("k8s-app=kube-dns")}


def node_config(name: str, value: str) -> Object:
    where = {"matchLabels": {"kubernetes.io/hostname": WORKERS[2]}}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNodeConfig",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"nodeSelector": where, "defaults": {"k": value}},
    }


def test_a_setting_that_two_node_configs_give_differently_is_caught(world: World) -> None:
    paths = [
        world.api.path(world.api.create(node_config(name, value))) for name, value in (("a", "1"), ("b", "2"))
    ]
    [pod] = world.pods(AGENTS, WORKERS[2])
    world.api.delete(kubelet.pod_path(pod))
    assert eventually(lambda: list(world.agent.problems), 20, "the node agent complains") == [
        f"{WORKERS[2]}: k is '1' in a and '2' in b"
    ]
    for path in paths:
        world.api.delete(path)
    eventually(lambda: world.running(WORKERS[2]), 20, "the agent starts once they agree")
    world.agent.problems.clear()


def test_the_world_goes_on_after_its_api_server_was_killed(world: World) -> None:
    """The node agent, kwok, the controllers and the operator come back; nothing is lost, given twice or leaked."""
    scale = "/apis/apps/v1/namespaces/shop/deployments/web"
    leaks = {node: len(world.agent.record(node).leaks) for node in WORKERS}
    world.api.patch(scale, {"spec": {"replicas": 12}})
    world.plane.restart(SERVER)
    path = "/api/v1/namespaces/shop/pods"
    eventually(lambda: len(world.api.items(path)) == 12, 60, "twelve pods are there")
    for replicas in (2, 6):
        world.api.patch(scale, {"spec": {"replicas": replicas}})
    eventually(lambda: len(world.api.items(path)) == 6 and all_run(world.api), 60, "six pods run")
    checker.addresses_are_unique(checker.Snapshot.take(world.api))
    assert {node: len(world.agent.record(node).leaks) for node in WORKERS} == leaks
    live = {
        s.handle
        for n in WORKERS
        for s in world.agent.record(n).sandboxes.values()
        if s.plugin is Plugin.CALICO
    }
    leaked = {leak.handle for n in WORKERS for leak in world.agent.record(n).leaks if leak.handle}
    handles = "/apis/crd.projectcalico.org/v1/ipamhandles"
    eventually(
        lambda: {str(h["spec"]["handleID"]) for h in world.api.items(handles)} == live | leaked,
        20,
        "handles agree",
    )
