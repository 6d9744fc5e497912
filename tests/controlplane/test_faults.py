"""Each fault of the table, planted on one node of the world: it is seen through the API as a real one would be."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.controlplane import charts, kubelet, nodes, workloads
from tests.controlplane.calico_install import POOL
from tests.controlplane.client import Object, eventually, throughout
from tests.controlplane.conftest import WORKERS
from tests.controlplane.faults import Fault
from tests.controlplane.node import FOREIGN_RANGE
from tests.controlplane.world import AGENTS, SWITCH, World, is_of

NAME = WORKERS[2]
CILIUM, CALICO = "05-cilium.conflist", "10-calico.conflist"
GUESTS = "/api/v1/namespaces/guests/pods"
NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Ground:
    """One node of the world, with bare pods that are bound to it."""

    world: World

    def plant(self, fault: Fault, seconds: float = 0.0) -> None:
        self.world.agent.faults.plant(fault, NAME, seconds)

    def remove(self, fault: Fault) -> None:
        self.world.agent.faults.remove(fault, NAME)

    def guest(self) -> str:
        """Bind a new pod to the node and give its name, which no pod of an earlier test has: that one may be there yet."""
        name = f"g{next(NUMBERS)}"
        self.world.api.create(workloads.bare_pod("guests", name, NAME))
        return name

    def pod(self, name: str) -> Object:
        return self.world.api.get(f"{GUESTS}/{name}")

    def address(self, name: str) -> str:
        """Wait until a pod runs and give its address."""

        def running() -> Object | None:
            pod = self.pod(name)
            return pod if kubelet.phase_of(pod) == "Running" else None

        return str(eventually(running, 15, f"{name} runs")["status"]["podIP"])

    def switch(self) -> None:
        self.world.label(NAME)
        self.world.restart_agent(NAME)

    def new_agent(self) -> Object:
        """Delete the agent's pod and give the one that comes, as soon as it has a status."""
        [old] = self.world.pods(AGENTS, NAME)
        self.world.api.delete(kubelet.pod_path(old))

        def fresh() -> Object | None:
            found = [p for p in self.world.pods(AGENTS, NAME) if kubelet.uid_of(p) != kubelet.uid_of(old)]
            return found[0] if found and found[0]["status"].get("containerStatuses") else None

        return eventually(fresh, 20, "a new agent has a status")

    def is_ready(self) -> bool:
        return nodes.is_ready(self.world.api, NAME)


@pytest.fixture
def ground(world: World) -> Iterator[Ground]:
    if not world.api.call("GET", "/api/v1/namespaces/guests").ok:
        world.api.create(workloads.namespace("guests"))
        account = "/api/v1/namespaces/guests/serviceaccounts/default"
        eventually(lambda: world.api.call("GET", account).ok, 10, "the default account")
    yield Ground(world)
    for fault in Fault:
        world.agent.faults.remove(fault, NAME)
    for pod in world.api.items(GUESTS):
        world.api.delete(kubelet.pod_path(pod))
    (world.agent.record(NAME).conf_folder / "00-other.conflist").unlink(missing_ok=True)
    eventually(lambda: world.running(NAME), 20, "the agent runs")
    eventually(lambda: nodes.is_ready(world.api, NAME), 20, "the node is Ready")
    world.put_back(NAME)
    assert world.conf(NAME) == [CALICO]


def agent_of(pod: Object) -> tuple[bool, str]:
    """Say whether an agent's container is ready, and what it waits for."""
    [container] = pod["status"]["containerStatuses"]
    return container["ready"], container["state"].get("waiting", {}).get("reason", "")


def test_pods_without_an_address_stay_pending(ground: Ground) -> None:
    ground.plant(Fault.NO_ADDRESS)
    name = ground.guest()
    throughout(lambda: kubelet.phase_of(ground.pod(name)) == "Pending", 1, "the pod has no address")
    ground.remove(Fault.NO_ADDRESS)
    assert is_of(ground.address(name), POOL)


def test_the_runtime_calls_the_wrong_plugin(ground: Ground) -> None:
    ground.plant(Fault.WRONG_POOL)
    assert is_of(ground.address(ground.guest()), charts.POOL)
    assert ground.world.conf(NAME) == [CALICO]


def test_the_runtime_notices_a_switch_late(ground: Ground) -> None:
    assert is_of(ground.address(ground.guest()), POOL), (
        "the runtime has noticed what an earlier test put back"
    )
    ground.plant(Fault.LATE_SWITCH, seconds=600)
    ground.switch()
    assert ground.world.conf(NAME) == [CILIUM]
    assert is_of(ground.address(ground.guest()), POOL)
    ground.remove(Fault.LATE_SWITCH)
    assert is_of(ground.address(ground.guest()), charts.POOL)


def test_an_agent_that_is_never_ready_writes_nothing(ground: Ground) -> None:
    ground.plant(Fault.AGENT_NEVER_READY)
    ground.world.label(NAME)
    assert agent_of(ground.new_agent()) == (False, "")
    throughout(lambda: ground.world.conf(NAME) == [CALICO], 1, "nothing is written")


def test_an_agent_in_a_crash_loop_says_so(ground: Ground) -> None:
    ground.plant(Fault.AGENT_CRASH_LOOP)
    assert agent_of(ground.new_agent()) == (False, "CrashLoopBackOff")


def test_an_agent_that_is_ready_may_have_written_nothing(ground: Ground) -> None:
    ground.plant(Fault.CONF_NOT_WRITTEN)
    ground.switch()
    assert ground.world.conf(NAME) == [CALICO]


def test_an_agent_may_write_though_nothing_told_it_to(ground: Ground) -> None:
    ground.plant(Fault.CONF_WITHOUT_LABEL)
    ground.world.restart_agent(NAME)
    assert ground.world.conf(NAME) == [CILIUM]
    assert ground.world.running(NAME)["custom-cni-conf"] == "true"


def test_a_third_plugin_takes_over(ground: Ground) -> None:
    ground.plant(Fault.FOREIGN_CONF)
    eventually(lambda: ground.world.conf(NAME)[0] == "00-other.conflist", 5, "the foreign file is there")
    assert is_of(ground.address(ground.guest()), FOREIGN_RANGE)


@pytest.mark.parametrize(
    "fault", [Fault.ENDPOINT_NOT_READY, Fault.IDENTITY_MISSING], ids=lambda fault: fault.name
)
def test_an_endpoint_is_not_what_it_should_be(ground: Ground, fault: Fault) -> None:
    ground.switch()
    ground.plant(fault)
    name = ground.guest()
    ground.address(name)
    status = ground.world.api.get(f"/apis/cilium.io/v2/namespaces/guests/ciliumendpoints/{name}")["status"]
    assert (status["state"] == "ready") is (fault is not Fault.ENDPOINT_NOT_READY)
    assert ("identity" in status) is (fault is not Fault.IDENTITY_MISSING)


def test_a_slow_image_delays_the_agent(ground: Ground) -> None:
    ground.plant(Fault.SLOW_IMAGE, seconds=2)
    started = time.monotonic()
    ground.world.restart_agent(NAME)
    assert time.monotonic() - started >= 2


def test_a_reboot_gives_every_pod_a_new_sandbox(ground: Ground) -> None:
    name = ground.guest()
    before, record = ground.address(name), ground.world.agent.record(NAME)
    boot = record.boot_id
    ground.world.agent.reboot(NAME)
    eventually(lambda: ground.pod(name)["status"]["podIP"] != before, 15, "the pod has a new address")
    eventually(ground.is_ready, 15, "the node is back")
    node = ground.world.api.get(f"/api/v1/nodes/{NAME}")
    assert node["status"]["nodeInfo"]["bootID"] == record.boot_id != boot
    assert ground.pod(name)["status"]["podIPs"] == [{"ip": ground.pod(name)["status"]["podIP"]}]
    assert ground.pod(name)["status"]["containerStatuses"][0]["restartCount"] == 1
    assert ground.world.conf(NAME) == [CALICO]


def test_the_nodes_own_reboot_command_is_a_file(ground: Ground) -> None:
    record = ground.world.agent.record(NAME)
    boot = record.boot_id
    (record.root / "sim" / "reboot").touch()
    eventually(lambda: record.boot_id != boot, 10, "the node has rebooted")


def test_a_reboot_of_a_switched_node_ends_on_cilium(ground: Ground) -> None:
    """calico-node writes its file again, and the exclusive agent renames it again."""
    ground.switch()
    name = ground.guest()
    before = ground.address(name)
    ground.world.agent.reboot(NAME)
    eventually(lambda: ground.pod(name)["status"]["podIP"] != before, 15, "the pod has a new address")
    assert is_of(ground.address(name), charts.POOL)
    assert ground.world.conf(NAME) == [CILIUM]


def test_a_node_may_never_come_back(ground: Ground) -> None:
    ground.plant(Fault.NODE_NEVER_READY)
    ground.world.agent.reboot(NAME)
    eventually(lambda: not ground.is_ready(), 10, "the node is down")
    throughout(lambda: not ground.is_ready(), 2, "the node stays down")
    ground.remove(Fault.NODE_NEVER_READY)
    ground.world.agent.reboot(NAME)


def test_a_reboot_may_not_happen(ground: Ground) -> None:
    ground.plant(Fault.BOOT_ID_UNCHANGED)
    boot = ground.world.agent.record(NAME).boot_id
    ground.world.agent.reboot(NAME)
    assert ground.world.agent.record(NAME).boot_id == boot
    assert ground.is_ready()


def test_dns_pods_restart(ground: Ground) -> None:
    def restarts() -> int:
        pods = ground.world.pods("k8s-app=kube-dns")
        return sum(int(c["restartCount"]) for pod in pods for c in pod["status"]["containerStatuses"])

    before = restarts()
    for node in WORKERS:
        ground.world.agent.faults.plant(Fault.COREDNS_RESTART, node)
    eventually(lambda: restarts() == before + 2, 10, "both DNS pods have restarted")


def test_calicos_address_jumps_at_its_next_start(ground: Ground) -> None:
    api, note = ground.world.api, "projectcalico.org/IPv4Address"

    def address() -> str:
        return str(api.get(f"/api/v1/nodes/{NAME}")["metadata"]["annotations"][note])

    before = address()
    ground.plant(Fault.ADDRESS_JUMP)
    for expected in ("192.0.2.250/24", before):
        [pod] = ground.world.pods("k8s-app=calico-node", NAME)
        api.delete(kubelet.pod_path(pod))
        eventually(lambda wanted=expected: address() == wanted, 15, f"the annotation is {expected}")  # type: ignore[misc]


def test_a_node_without_any_conf_is_not_ready(ground: Ground) -> None:
    folder = ground.world.agent.record(NAME).conf_folder
    (folder / CALICO).rename(folder / "kept")
    eventually(lambda: not ground.is_ready(), 10, "the node is not ready")
    conditions = ground.world.api.get(f"/api/v1/nodes/{NAME}")["status"]["conditions"]
    assert any("cni plugin not initialized" in c.get("message", "") for c in conditions)
    (folder / "kept").rename(folder / CALICO)
    eventually(ground.is_ready, 10, "the node is ready again")


def test_a_controller_of_a_ready_agent_fails(ground: Ground) -> None:
    answers = ground.world.agent.record(NAME).root / "sim" / "agent" / "status"

    def failing() -> list[str]:
        said = json.loads(answers.read_text(encoding="utf-8"))["controllers"]
        return [c["name"] for c in said if c["status"]["consecutive-failure-count"]]

    ground.plant(Fault.AGENT_UNHEALTHY)
    eventually(lambda: failing() == ["sync-policymap"], 5, "a controller fails")
    assert ground.world.running(NAME)
    ground.remove(Fault.AGENT_UNHEALTHY)
    eventually(lambda: not failing(), 5, "it fails no more")


def test_calico_runs_and_is_not_ready(ground: Ground) -> None:
    def is_ready() -> bool:
        [pod] = ground.world.pods("k8s-app=calico-node", NAME)
        return agent_of(pod)[0]

    ground.plant(Fault.CALICO_NOT_READY)
    eventually(lambda: not is_ready(), 10, "calico-node is not ready")
    ground.remove(Fault.CALICO_NOT_READY)
    eventually(is_ready, 10, "calico-node is ready again")


def test_calicos_file_is_put_back_whatever_the_agent_does(ground: Ground) -> None:
    ground.switch()
    ground.plant(Fault.CONF_COMES_BACK)
    eventually(lambda: ground.world.conf(NAME) == [CALICO], 5, "Calico's file is the only one")
    assert is_of(ground.address(ground.guest()), POOL)
    ground.remove(Fault.CONF_COMES_BACK)
    eventually(lambda: ground.world.conf(NAME) == [CILIUM], 5, "the agent has written its own again")


def test_pods_are_cut_off_where_the_agent_enforces(ground: Ground) -> None:
    name = ground.guest()
    ground.address(name)

    def is_ready() -> bool:
        return any(
            c["type"] == "Ready" and c["status"] == "True" for c in ground.pod(name)["status"]["conditions"]
        )

    ground.plant(Fault.PODS_CUT_OFF)
    throughout(is_ready, 1, "nothing is enforced yet")
    config = {**SWITCH, "metadata": {"name": "enforce", "namespace": "kube-system"}}
    config["spec"] = {"nodeSelector": {}, "defaults": {"enable-policy": "default"}}
    ground.world.api.create(config)
    try:
        ground.world.restart_agent(NAME)
        eventually(lambda: not is_ready(), 5, "the pod is cut off")
        ground.remove(Fault.PODS_CUT_OFF)
        eventually(is_ready, 5, "the pod is ready again")
    finally:
        ground.world.api.delete("/apis/cilium.io/v2/namespaces/kube-system/ciliumnodeconfigs/enforce")
        ground.world.restart_agent(NAME)
