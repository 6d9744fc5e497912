"""What Helm says, read as what it means to a run; answers of Helm 4.3.1 and of client-go below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.adapters.helm import CILIUMS_OWN, Chart, HelmCharts, _failed
from migrate.model.events import FailureClass
from migrate.model.settings import Settings
from migrate.ports import ApiError

SAID = {
    'Error: UPGRADE FAILED: Get "https://127.0.0.1:1/version": dial tcp: connect: connection refused': ("transient", 0),
    "Error: net/http: HTTP/1.x transport connection broken: malformed HTTP response": ("transient", 0),
    "Error: UPGRADE FAILED: the server is currently unable to handle the request": ("transient", -1),
    "Error: INSTALLATION FAILED: etcdserver: request timed out": ("transient", -1),
    "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress": ("conflict", -1),
    'Error: UPGRADE FAILED: conflict occurred while applying object: conflict with "x" using v1: .data.enable-policy': ("permanent", -1),
    'Error: secrets is forbidden: User "u" cannot list resource "secrets"': ("denied", -1),
    "Error: UPGRADE FAILED: Unauthorized": ("denied", -1),
    "Error: values don't meet the specifications of the schema(s)": ("permanent", -1),
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_a_failure_means_what_helm_says(said: str) -> None:
    error = _failed("upgrade", said)
    assert (str(error.failure), error.status) == SAID[said]


def test_a_helm_that_was_killed_is_asked_again(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\nkill -KILL $$\n", encoding="utf-8")
    helm.chmod(0o755)
    with pytest.raises(ApiError, match="killed by signal 9") as killed:
        HelmCharts(Chart("cilium", "1.20.2"), binary=str(helm)).upgrade({})
    assert killed.value.failure is FailureClass.TRANSIENT


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", ["cilium", "--repo", CILIUMS_OWN, "--version", "1.20.2"]),
        ("cilium-1.20.2.tgz", ["cilium-1.20.2.tgz"]),
        ("/srv/my charts/cilium", ["/srv/my charts/cilium"]),
        ("oci://charts.example/cilium", ["oci://charts.example/cilium", "--version", "1.20.2"]),
        (
            {"repo": "https://charts.example/stable", "name": "cilium"},
            ["cilium", "--repo", "https://charts.example/stable", "--version", "1.20.2"],
        ),
    ],
)
def test_a_chart_is_told_as_helm_takes_it(said: object, words: list[str]) -> None:
    cilium = Settings.from_mapping({"cilium": {"version": "1.20.2", "chart": said}}).cilium
    assert Chart.of(cilium.chart, cilium.version).words() == words


def test_what_helm_logs_is_not_told_where_it_says_an_error() -> None:
    """Helm 4 does both, and a log line of a whole object would leave no room for the error."""
    log = 'level=WARN msg="upgrade failed" name=cilium error="conflict occurred"'
    error = 'Error: UPGRADE FAILED: conflict with "kubectl-edit" using v1: .data.debug'
    assert str(_failed("upgrade", f"{log}\n{error}\n")) == f"helm upgrade: {error}"
    assert str(_failed("upgrade", log)) == f"helm upgrade: {log}"
