"""What Helm does to a release on a real API server; what its adapter must know of it stands beside each test."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.controlplane import charts
from tests.controlplane.charts import AUDIT, MIGRATION, Helm
from tests.controlplane.client import MERGE, Object, eventually
from tests.controlplane.instance import ControlPlane
from tests.controlplane.test_chart_contract import changes, merged

pytestmark = pytest.mark.needs("helm")
MAPS = f"/api/v1/namespaces/{charts.NAMESPACE}/configmaps"
CONFIG = f"{MAPS}/cilium-config"
WAITS = ("--wait", "--timeout", "60s")


class Release:
    """A release of Cilium on one API server, with the files of its stages."""

    def __init__(self, plane: ControlPlane, folder: Path, program: str) -> None:
        self.api, self.helm = plane.api(), Helm(plane.kubeconfig(), folder, program)
        self.chart = charts.chart(folder)
        self.migration = charts.values(folder, "migration", MIGRATION)
        self.audit = charts.values(folder, "audit", AUDIT)

    def config(self) -> dict[str, str]:
        return dict(self.api.get(CONFIG)["data"])

    def templates(self) -> list[Object]:
        """Give the pod templates of the release."""
        root = f"/apis/apps/v1/namespaces/{charts.NAMESPACE}"
        owned = self.api.items(f"{root}/daemonsets") + self.api.items(f"{root}/deployments")
        return [obj["spec"]["template"] for obj in owned]

    def is_gone(self) -> None:
        """Wait until the namespace that the chart makes is gone: in one that is being deleted nothing can be made."""
        eventually(
            lambda: self.api.call("GET", "/api/v1/namespaces/cilium-secrets").status == 404, 30, "it is gone"
        )

    def remove(self) -> None:
        self.helm.run("uninstall", charts.RELEASE, "--no-hooks")
        self.is_gone()
        for secret in self.api.items(
            f"/api/v1/namespaces/{charts.NAMESPACE}/secrets", labelSelector="owner=helm"
        ):
            self.api.delete(f"/api/v1/namespaces/{charts.NAMESPACE}/secrets/{secret['metadata']['name']}")


@pytest.fixture(params=["helm", "helm3"])
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def release(shared: ControlPlane, tmp_path: Path, program: str) -> Iterator[Release]:
    """A release of stage M without agents: it is never ready, and nothing is waited for."""
    made = Release(shared, tmp_path, program)
    done = made.helm.install(made.chart, [made.migration])
    assert done.returncode == 0, done.stderr
    yield made
    made.remove()


@pytest.fixture
def bare(shared: ControlPlane, tmp_path: Path, program: str) -> Iterator[Release]:
    """A cluster without a release, and what is needed to make one."""
    made = Release(shared, tmp_path, program)
    yield made
    made.remove()


four = pytest.mark.parametrize("program", ["helm"], indirect=True)
three = pytest.mark.parametrize("program", ["helm3"], indirect=True)


@four
@pytest.mark.parametrize(
    ("writes", "said"),
    [
        ("update", 'conflict with "orch" using v1: .data.enable-policy'),
        ("apply", 'conflict with "orch": .data.enable-policy'),
    ],
)
def test_a_field_of_another_manager_stops_an_upgrade_and_is_named(
    release: Release, writes: str, said: str
) -> None:
    """Must: name the manager and the field, in both forms of the sentence; force only when told."""
    field = {"data": {"enable-policy": "always"}}
    if writes == "update":
        release.api.patch(CONFIG, field, MERGE, fieldManager="orch")
    else:
        metadata = {"name": "cilium-config", "namespace": charts.NAMESPACE}
        release.api.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **field}, "orch", force="true"
        )
    done = release.helm.upgrade(release.chart, [release.migration, release.audit])
    assert done.returncode == 1
    assert said in done.stderr
    assert release.helm.history()[-1][1] == "failed"
    assert release.config()["enable-policy"] == "always"


@three
def test_helm_3_overwrites_a_field_of_another_manager(release: Release) -> None:
    """Must: with Helm 3 the conflict shows in nothing but the difference before the upgrade."""
    release.api.patch(CONFIG, {"data": {"enable-policy": "always"}}, MERGE, fieldManager="orch")
    assert release.helm.upgrade(release.chart, [release.migration, release.audit]).returncode == 0
    assert release.config()["enable-policy"] == "default"


def test_a_foreign_key_survives_every_upgrade(release: Release) -> None:
    """Must: extra keys are findings of the comparison, no upgrade removes them."""
    release.api.patch(CONFIG, {"data": {"added-by-hand": "1"}}, MERGE, fieldManager="orch")
    assert release.helm.upgrade(release.chart, [release.migration, release.audit]).returncode == 0
    assert release.config()["added-by-hand"] == "1"


def test_an_upgrade_that_is_killed_while_it_waits_blocks_the_next_until_a_rollback(release: Release) -> None:
    """Must: RepairRelease."""
    child = release.helm.begin(
        "upgrade", charts.RELEASE, release.chart, "--values", release.migration, *WAITS
    )
    eventually(
        lambda: release.helm.history()[-1] == (2, "pending-upgrade"), 30, "the upgrade is pending", 0.2
    )
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    refused = release.helm.upgrade(release.chart, [release.migration])
    assert refused.returncode == 1
    assert "another operation (install/upgrade/rollback) is in progress" in refused.stderr
    assert release.helm.run("rollback", charts.RELEASE, "1").returncode == 0
    assert release.helm.upgrade(release.chart, [release.migration]).returncode == 0


def test_an_install_that_is_killed_is_repaired_by_uninstalling(bare: Release) -> None:
    """Must: a release in pending-install has no revision to go back to."""
    child = bare.helm.begin("install", charts.RELEASE, bare.chart, "--values", bare.migration, *WAITS)
    eventually(lambda: bare.helm.history() == [(1, "pending-install")], 30, "the install is pending", 0.2)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    again = bare.helm.install(bare.chart, [bare.migration])
    assert again.returncode == 1
    assert bare.helm.upgrade(bare.chart, [bare.migration]).returncode == 1
    assert bare.helm.run("uninstall", charts.RELEASE).returncode == 0
    bare.is_gone()
    assert bare.helm.install(bare.chart, [bare.migration]).returncode == 0


@four
def test_of_two_installs_at_once_one_fails(bare: Release) -> None:
    """Must: another driver is at work."""
    calls = [
        bare.helm.begin("install", charts.RELEASE, bare.chart, "--values", bare.migration) for _ in range(2)
    ]
    said = [call.communicate()[0] for call in calls]
    assert sorted(call.returncode for call in calls) == [0, 1]
    loser = said[[call.returncode for call in calls].index(1)]
    assert any(text in loser for text in ("already exists", "cannot reuse a name", "in progress")), loser


@four
def test_a_wait_that_is_not_met_fails_the_revision_and_names_what_is_not_ready(release: Release) -> None:
    """Must: print what is Pending and why, not only this text; do not roll back."""
    done = release.helm.upgrade(release.chart, [release.migration], "--wait", "--timeout", "2s")
    assert done.returncode == 1
    assert re.search(r"resource (Deployment|DaemonSet)/kube-system/cilium\S* not ready", done.stderr)
    assert release.helm.history()[-1] == (2, "failed")


def test_a_partial_file_resets_every_other_value_and_succeeds(release: Release) -> None:
    """Must: all files of the stage, always."""
    assert release.helm.upgrade(release.chart, [release.audit]).returncode == 0
    config = release.config()
    assert config["cluster-pool-ipv4-cidr"] == "10.0.0.0/8"
    assert not {"tunnel-port", "hubble-metrics", "enable-host-legacy-routing"} & config.keys()


def test_the_audit_stage_changes_no_pod_template(release: Release) -> None:
    """Must: restart the operator, then the agents."""
    before, templates = release.config(), release.templates()
    assert release.helm.upgrade(release.chart, [release.migration, release.audit]).returncode == 0
    assert set(changes(before, release.config())) == {
        "custom-cni-conf",
        "write-cni-conf-when-ready",
        "cni-exclusive",
        "cni-log-file",
        "enable-policy",
        "policy-audit-mode",
        "unmanaged-pod-watcher-interval",
    }
    assert release.templates() == templates


@four
def test_rolling_out_by_helm_changes_the_template_of_all_agents_at_once(
    release: Release, tmp_path: Path
) -> None:
    """Must: never set ``rollOutCiliumPods``."""
    rolling = charts.values(tmp_path, "rolling", {"rollOutCiliumPods": True})
    templates = release.templates()
    assert release.helm.upgrade(release.chart, [release.migration, rolling]).returncode == 0
    assert release.templates() != templates


@four
def test_an_object_that_is_not_helms_stops_an_install_unless_it_is_taken(bare: Release) -> None:
    """Must: adopt only when the plan says so."""
    bare.api.create(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "cilium", "namespace": charts.NAMESPACE},
        }
    )
    done = bare.helm.install(bare.chart, [bare.migration])
    assert done.returncode == 1
    assert "invalid ownership metadata" in done.stderr
    assert bare.helm.install(bare.chart, [bare.migration], "--take-ownership").returncode == 0


def test_a_dry_run_on_the_server_is_the_exact_difference_and_stores_nothing(release: Release) -> None:
    """Must: differences come from ``--dry-run=server``; on the client's side three Secrets differ each time."""
    live = _documents(release.helm.run("get", "manifest", charts.RELEASE).stdout)
    server = release.helm.upgrade(release.chart, [release.migration], "--dry-run=server")
    client = release.helm.upgrade(release.chart, [release.migration], "--dry-run=client")
    assert "STATUS: pending-upgrade" in server.stdout
    assert _documents(server.stdout) == live
    differing = {name for name in live if live[name] != _documents(client.stdout).get(name)}
    assert differing == {"Secret/cilium-ca", "Secret/hubble-server-certs", "Secret/hubble-relay-client-certs"}
    assert release.helm.history() == [(1, "deployed")]


def _documents(text: str) -> dict[str, Object]:
    """Give the objects of a manifest that Helm prints, by kind and name."""
    body = text.rsplit("MANIFEST:\n", maxsplit=1)[-1].split("\nNOTES:", maxsplit=1)[0]
    found = [obj for obj in yaml.load_all(body, Loader=yaml.CSafeLoader) if isinstance(obj, dict)]
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in found if "kind" in obj}


@four
def test_a_hook_that_hangs_holds_an_install_until_its_timeout(bare: Release, tmp_path: Path) -> None:
    chart = charts.chart(tmp_path, variant="hanging-hook")
    done = bare.helm.install(chart, [bare.migration], "--timeout", "2s")
    assert done.returncode == 1
    assert "post-install" in done.stderr
    assert bare.helm.history() == [(1, "failed")]


def test_the_values_that_were_given_can_be_read_back(release: Release) -> None:
    given = json.loads(release.helm.run("get", "values", charts.RELEASE, "-o", "json").stdout)
    assert given == merged(MIGRATION, {})


def test_what_changed_between_the_two_majors(release: Release, program: str) -> None:
    """Must: know the major by ``helm version``."""
    listed = release.helm.run("list", "-a")
    upgrade = release.helm.run("upgrade", "--help").stdout
    if program == "helm3":
        assert listed.returncode == 0
        assert "--atomic" in upgrade
        assert "--rollback-on-failure" not in upgrade
    else:
        assert listed.returncode != 0
        assert "--rollback-on-failure" in upgrade
