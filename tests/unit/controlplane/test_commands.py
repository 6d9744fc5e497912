"""What the commands in the pod of a simulated agent answer, and what they refuse to touch."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.adapters import probe_holding
from migrate.ports import Cut
from tests.controlplane import cni, commands
from tests.controlplane.record import NodeRecord, Running

MIGRATION = {"custom-cni-conf": "true", "enable-policy": "never"}
SWITCHED = {cni.WRITE_KEY: "/host/etc/cni/net.d/05-cilium.conflist", "policy-audit-mode": "true"}


@pytest.fixture
def record(tmp_path: Path) -> NodeRecord:
    made = NodeRecord("wrk-01", "192.0.2.11", tmp_path / "wrk-01")
    cni.write(made.conf_folder / "10-calico.conflist", cni.calico_conf())
    return made


def run(record: NodeRecord, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as kwok would: by its name on the PATH, told only the node's folder."""
    path = commands.install(folder / "bin")
    environment = {"PATH": f"{path}:{commands.REAL}", "SIM_ROOT": str(record.root)}
    return subprocess.run(
        [str(path / command[0]), *command[1:]], env=environment, capture_output=True, text=True, check=False
    )


def of_probe(record: NodeRecord, folder: Path, pod: str, script: str) -> str:
    """Run a script in a probe pod of the node, as kwok does that knows the pod's name."""
    path = commands.install(folder / "bin")
    environment = {"PATH": f"{path}:{commands.REAL}", "SIM_ROOT": str(record.root), "SIM_NAME": pod}
    ran = subprocess.run(
        [str(path / "sh"), "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    return ran.stdout


def started(record: NodeRecord, config: dict[str, str], *, ready: bool = True) -> None:
    record.agent = Running("uid", 1, config, ready)
    record.write_running_config(config)
    record.save()


def test_the_conf_folder_is_listed_and_changed_through_the_mount_of_the_pod(
    record: NodeRecord, tmp_path: Path
) -> None:
    assert run(record, tmp_path, "ls", "/host/etc/cni/net.d").stdout.split() == ["10-calico.conflist"]
    script = "mv /host/etc/cni/net.d/10-calico.conflist /host/etc/cni/net.d/10-calico.conflist.cilium_bak"
    assert run(record, tmp_path, "sh", "-c", script).returncode == 0
    assert run(record, tmp_path, "test", "-e", "/host/etc/cni/net.d/10-calico.conflist").returncode == 1
    assert (record.conf_folder / "10-calico.conflist.cilium_bak").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "/host/etc/cni/net.d/../../../../../etc/passwd", "/"])
def test_nothing_outside_the_nodes_folder_is_reached(record: NodeRecord, tmp_path: Path, path: str) -> None:
    done = run(record, tmp_path, "cat", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file" in done.stderr


def test_the_configuration_that_runs_is_read_key_by_key(record: NodeRecord, tmp_path: Path) -> None:
    started(record, MIGRATION)
    assert run(record, tmp_path, "cat", "/tmp/cilium/config-map/custom-cni-conf").stdout == "true"
    started(record, SWITCHED)
    assert run(record, tmp_path, "cat", "/tmp/cilium/config-map/custom-cni-conf").returncode == 1


def test_status_says_whether_the_agent_manages_a_conf_file(record: NodeRecord, tmp_path: Path) -> None:
    started(record, MIGRATION)
    status = json.loads(run(record, tmp_path, "cilium-dbg", "status", "-o", "json").stdout)
    assert status["cni-file"] == {"msg": "CNI configuration management disabled", "state": "Disabled"}
    started(record, SWITCHED)
    status = json.loads(run(record, tmp_path, "cilium-dbg", "status", "-o", "json").stdout)
    assert status["cni-file"]["msg"].endswith("/host/etc/cni/net.d/05-cilium.conflist")


def test_config_shows_mutable_options_and_with_all_those_of_the_old_struct(
    record: NodeRecord, tmp_path: Path
) -> None:
    started(record, SWITCHED | {"enable-policy": "default"})
    short = json.loads(run(record, tmp_path, "cilium-dbg", "config", "-o", "json").stdout)
    whole = json.loads(run(record, tmp_path, "cilium-dbg", "config", "--all", "-o", "json").stdout)
    assert short["PolicyAuditMode"] == "Enabled"
    assert (whole["policy-enforcement"], whole["options"]) == ("default", short)
    assert not any("cni" in key.lower() for key in whole)
    assert run(record, tmp_path, "cilium-dbg", "config", "get", "enable-policy").stdout == "default\n"


def test_an_agent_that_is_not_up_answers_nothing(record: NodeRecord, tmp_path: Path) -> None:
    started(record, MIGRATION, ready=False)
    done = run(record, tmp_path, "cilium-dbg", "status", "-o", "json")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_probe_pod_holds_a_connection_and_notes_what_a_test_writes(
    record: NodeRecord, tmp_path: Path
) -> None:
    def asked(pod: str) -> probe_holding.Noted | None:
        return probe_holding.noted(of_probe(record, tmp_path, pod, probe_holding.asking()))

    assert asked("probe-1") is None
    of_probe(record, tmp_path, "probe-1", probe_holding.holding("wrk-02", "uid-2", "10.245.2.7", 8080))
    end = time.monotonic() + 10
    while asked("probe-1") is None and time.monotonic() < end:
        time.sleep(0.05)
    held = asked("probe-1")
    assert held is not None
    assert held.cuts == ()
    assert asked("probe-2") is None
    with (record.root / "sim/tmp/probe-1/c2c-held/cuts").open("a") as cuts:
        cuts.write("1767643200 reset wrk-02 uid-2\n")
    assert asked("probe-1") == replace(held, cuts=(Cut("2026-01-05T20:00:00Z", "wrk-02", "uid-2", "reset"),))
