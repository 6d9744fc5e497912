"""Commands and logs of a simulated agent's pod through the genuine API server, and the settings it starts with.

The settings are held against Cilium's own resolver, which reads the same cluster.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import capabilities
from tests.controlplane import cni, users
from tests.controlplane.client import Object
from tests.controlplane.conftest import WORKERS, Space
from tests.controlplane.instance import ControlPlane
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.simulated_cilium import Cilium
from tests.controlplane.world import AGENTS, World

pytestmark = pytest.mark.needs("kubectl")
NODE = WORKERS[1]


class Kubectl:
    """kubectl with one kubeconfig, in the pod of the agent of one node."""

    def __init__(self, world: World, kubeconfig: Path) -> None:
        self._world, self._kubeconfig = world, kubeconfig

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(capabilities.binary("kubectl"))
        command = [program, "--kubeconfig", str(self._kubeconfig), "-n", "kube-system", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        [pod] = self._world.pods(AGENTS, NODE)
        name = str(pod["metadata"]["name"])
        return self.run("exec", name, "-c", "cilium-agent", "--", *command)


@pytest.fixture(scope="module", params=["straight", "through the proxy"])
def kubectl(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubectl]:
    if request.param == "straight":
        yield Kubectl(world, world.plane.kubeconfig())
        return
    with FaultProxy(world.api, tmp_path_factory.mktemp("exec")) as proxy:
        yield Kubectl(world, proxy.kubeconfig(world.plane.tokens[users.ADMIN]))


def test_the_conf_folder_is_read_and_changed(kubectl: Kubectl, world: World) -> None:
    folder = world.agent.record(NODE).conf_folder
    (folder / "99-own.conflist.cilium_bak").write_text("{}", encoding="utf-8")
    listed = kubectl.exec("ls", "/host/etc/cni/net.d")
    assert "10-calico.conflist" in listed.stdout.split()
    old, new = "/host/etc/cni/net.d/99-own.conflist.cilium_bak", "/host/etc/cni/net.d/99-own.txt"
    assert kubectl.exec("mv", old, new).returncode == 0
    assert (folder / "99-own.txt").exists()
    assert kubectl.exec("rm", new).returncode == 0
    assert not (folder / "99-own.txt").exists()


def test_the_running_configuration_is_read(kubectl: Kubectl, world: World) -> None:
    running = world.running(NODE)
    assert kubectl.exec("cat", "/tmp/cilium/config-map/custom-cni-conf").stdout == running["custom-cni-conf"]
    status = json.loads(kubectl.exec("cilium-dbg", "status", "-o", "json").stdout)
    assert status["cni-file"]["state"] == "Disabled"
    config = json.loads(kubectl.exec("cilium-dbg", "config", "--all", "-o", "json").stdout)
    assert config["policy-enforcement"] == running["enable-policy"] == "never"


def test_a_command_that_fails_is_told_though_not_by_its_exit_code(kubectl: Kubectl) -> None:
    done = kubectl.exec("cat", "/host/etc/cni/net.d/absent")
    assert done.returncode != 0
    assert "exit status 1" in done.stderr


def test_other_pods_have_no_commands(kubectl: Kubectl, world: World) -> None:
    [pod] = world.pods("k8s-app=calico-node", NODE)
    done = kubectl.run("exec", str(pod["metadata"]["name"]), "--", "ls")
    assert "no exec found" in done.stderr


def test_the_log_of_an_agent_is_a_file_of_its_node(kubectl: Kubectl, world: World) -> None:
    log = world.agent.record(NODE).root / "sim" / "agent.log"
    log.write_text("2026-01-01T00:00:00.000000000Z stdout F level=info msg=ready\n", encoding="utf-8")
    [pod] = world.pods(AGENTS, NODE)
    assert "msg=ready" in kubectl.run("logs", str(pod["metadata"]["name"]), "-c", "cilium-agent").stdout


NODE_CONFIGS: dict[str, list[tuple[str, Object]]] = {
    "none": [],
    "one that matches": [
        ("a", {"nodeSelector": {"matchLabels": {"switched": "true"}}, "defaults": {"k": "1"}})
    ],
    "one that does not": [
        ("a", {"nodeSelector": {"matchLabels": {"switched": "no"}}, "defaults": {"k": "1"}})
    ],
    "one that takes every node": [("a", {"nodeSelector": {}, "defaults": {"enable-policy": "default"}})],
    "two with keys of their own": [
        ("b", {"nodeSelector": {}, "defaults": {"k": "1"}}),
        ("a", {"nodeSelector": {}, "defaults": {"l": "2"}}),
    ],
    "terms": [
        (
            "a",
            {
                "nodeSelector": {"matchExpressions": [{"key": "gone", "operator": "NotIn", "values": ["x"]}]},
                "defaults": {"k": "1"},
            },
        )
    ],
}


@pytest.mark.needs("cilium-resolver")
@pytest.mark.parametrize("case", NODE_CONFIGS)
def test_settings_are_merged_as_ciliums_own_resolver_does(
    shared: ControlPlane, space: Space, workers: None, kinds: None, case: str
) -> None:
    labels = {"switched": "true"}
    space.api.patch("/api/v1/nodes/wrk-01", {"metadata": {"labels": labels}})
    body = {
        "metadata": {"name": "cilium-config"},
        "data": {"enable-policy": "never", "custom-cni-conf": "true"},
    }
    space.api.expect("POST", space.path("configmaps"), body)
    for name, spec in NODE_CONFIGS[case]:
        space.api.expect("POST", space.path("ciliumnodeconfigs", "cilium.io/v2"), {
            "apiVersion": "cilium.io/v2", "kind": "CiliumNodeConfig", "metadata": {"name": name}, "spec": spec,
        })  # fmt: skip
    program = str(capabilities.binary("cilium-resolver"))
    asked = [program, str(shared.kubeconfig()), space.name, "wrk-01"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    node = space.api.get("/api/v1/nodes/wrk-01")
    ours = Cilium(space.api).settings(space.name, node["metadata"]["labels"])
    assert ours == json.loads(done.stdout)


@pytest.mark.needs("cilium-resolver")
def test_where_two_settings_differ_the_resolver_takes_the_later_name_and_the_agent_complains(
    shared: ControlPlane, space: Space, workers: None, kinds: None
) -> None:
    space.api.expect(
        "POST", space.path("configmaps"), {"metadata": {"name": "cilium-config"}, "data": {"k": "0"}}
    )
    for name in ("a", "b"):
        space.api.expect("POST", space.path("ciliumnodeconfigs", "cilium.io/v2"), {
            "apiVersion": "cilium.io/v2", "kind": "CiliumNodeConfig", "metadata": {"name": name},
            "spec": {"nodeSelector": {}, "defaults": {"k": name}},
        })  # fmt: skip
    program = str(capabilities.binary("cilium-resolver"))
    asked = [program, str(shared.kubeconfig()), space.name, "wrk-01"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["k"] == "b"
    with pytest.raises(cni.SameKeyTwiceError):
        Cilium(space.api).settings(space.name, {})
