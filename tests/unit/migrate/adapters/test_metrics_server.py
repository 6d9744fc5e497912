"""Metrics of a run over HTTP, and the text that a Prometheus reads."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest

from migrate.adapters.metrics_server import MetricsServer
from migrate.engine.drafting import draft
from migrate.engine.machine import begin
from migrate.engine.planner import make_plan
from migrate.errors import Failure
from migrate.model.run import NodeStatus, Run
from migrate.model.settings import Settings
from migrate.render.metrics import Metrics
from tests import clusters
from tests.films import healthy_snapshot

SAMPLE = re.compile(r'^c2c_[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [0-9.e+]+$')


def a_run() -> Run:
    snapshot = healthy_snapshot()
    plan = make_plan(snapshot, draft(snapshot, Settings.from_mapping(clusters.settings())))
    return begin("7f3a0000", plan, sorted(plan.draft.nodes))


def read(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def test_the_last_state_is_served() -> None:
    metrics = Metrics()
    server = MetricsServer("127.0.0.1:0", metrics.text)
    try:
        url = f"http://127.0.0.1:{server.port}"
        assert read(f"{url}/metrics")[1] == ""
        metrics.event({"kind": "gate", "event": {"kind": "GateResult", "gate": "G-05", "outcome": "fail"}})
        failed = {"kind": "CommandFailed", "failure": "wait", "command": {"name": "Evict"}}
        metrics.event({"kind": "outcome", "event": failed})
        metrics.beat(a_run(), [("PDB shop/web", 31.5)])
        content, body = read(f"{url}/metrics")
        assert content.startswith("text/plain; version=0.0.4")
        lines = body.splitlines()
        assert [line for line in lines if not line.startswith("#") and not SAMPLE.match(line)] == []
        assert 'c2c_nodes{state="PENDING"} 4' in lines
        assert sum(line.startswith("c2c_nodes{") for line in lines) == len(NodeStatus)
        assert "c2c_longest_wait_seconds 31.5" in lines
        assert 'c2c_gate_results_total{gate="G-05",outcome="fail"} 1' in lines
        assert 'c2c_command_failures_total{command="Evict",class="wait"} 1' in lines
        assert "c2c_journal_records_total 2" in lines
        with pytest.raises(urllib.error.HTTPError, match="404") as found:
            read(f"{url}/")
        found.value.close()
    finally:
        server.close()


@pytest.mark.parametrize("address", ["9464x", "127.0.0.1:", "127.0.0.1:99999", "300.0.0.1:0"])
def test_an_address_that_cannot_be_had_is_named(address: str) -> None:
    with pytest.raises(Failure, match="--metrics"):
        MetricsServer(address, str)
