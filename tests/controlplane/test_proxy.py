"""The fault proxy in front of a real API server: each fault is seen by a client as what it is to be."""

from __future__ import annotations

import http.client
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import audit, charts, users
from tests.controlplane.client import Api, eventually
from tests.controlplane.conftest import Space
from tests.controlplane.instance import ControlPlane
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.proxy_rules import EACH, BreakTls, Cut, ExpireToken, Point, Refuse, Reset, Rule, Slow

WRITER = """
import json, sys, urllib.request, ssl
url, token, ca, count = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
for number in range(int(count)):
    body = json.dumps({"metadata": {"name": f"c{number}"}}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers), context=tls).read()
    print(number, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def module_proxy(shared: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultProxy]:
    with FaultProxy(shared.api(), tmp_path_factory.mktemp("proxy")) as made:
        yield made


@pytest.fixture
def proxy(module_proxy: FaultProxy) -> Iterator[FaultProxy]:
    module_proxy.ledger.seen.clear()
    yield module_proxy
    module_proxy.ledger.clear()
    module_proxy.kill = None


@pytest.fixture
def through(proxy: FaultProxy, shared: ControlPlane) -> Api:
    return proxy.client(shared.tokens[users.ADMIN])


def test_calls_and_refusals_come_back_unchanged(proxy: FaultProxy, through: Api, space: Space) -> None:
    assert through.get("/version")["gitVersion"] == "v1.36.3"
    assert through.call("GET", space.path("configmaps/absent")).json["details"]["name"] == "absent"
    made = through.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": space.name}}
    )
    assert space.api.get(space.path("configmaps/a"))["metadata"]["uid"] == made["metadata"]["uid"]
    assert [(s.method, s.status) for s in proxy.ledger.mutating()] == [("POST", 201)]


def test_a_watch_is_live(through: Api, space: Space) -> None:
    path = space.path("configmaps")
    start = str(through.get(path)["metadata"]["resourceVersion"])
    names: list[str] = []

    def follow() -> None:
        for event in through.watch(path, start, timeout_s=20):
            if event["type"] == "ADDED":
                names.append(event["object"]["metadata"]["name"])
            if len(names) == 2:
                return

    thread = threading.Thread(target=follow)
    thread.start()
    for name in ("a", "b"):
        space.api.expect("POST", path, {"metadata": {"name": name}})
        eventually(lambda n=name: n in names, 5, f"the event of {name}")  # type: ignore[misc]
    thread.join()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_is_made_for_the_nth_request_only(
    proxy: FaultProxy, through: Api, space: Space, status: int
) -> None:
    proxy.ledger.add(Rule(Refuse(status, retry_after_s=7), "GET", "configmaps", nth=2))
    said = [through.call("GET", space.path("configmaps")) for _ in range(3)]
    assert [answer.status for answer in said] == [200, status, 200]
    assert said[1].headers["retry-after"] == "7"
    assert said[1].is_status


def test_a_refusal_may_be_plain_text(proxy: FaultProxy, through: Api) -> None:
    proxy.ledger.add(Rule(Refuse(503, text="service unavailable"), path="/version", nth=EACH))
    answer = through.call("GET", "/version")
    assert (answer.status, answer.is_status, answer.text) == (503, False, "service unavailable")


def test_a_slow_answer_comes(proxy: FaultProxy, through: Api) -> None:
    proxy.ledger.add(Rule(Slow(0.6), path="/version"))
    started = time.monotonic()
    assert through.get("/version")
    assert time.monotonic() - started >= 0.6


def test_a_body_is_cut(proxy: FaultProxy, through: Api) -> None:
    proxy.ledger.add(Rule(Cut(20), path="/version", nth=EACH))
    with pytest.raises(http.client.IncompleteRead):
        through.call("GET", "/version")


def test_a_connection_is_reset_before_the_server_is_asked(
    proxy: FaultProxy, through: Api, space: Space
) -> None:
    proxy.ledger.add(Rule(Reset(), "POST", "configmaps"))
    with pytest.raises((ConnectionError, ssl.SSLError, http.client.HTTPException)):
        through.call("POST", space.path("configmaps"), {"metadata": {"name": "a"}})
    assert space.api.call("GET", space.path("configmaps/a")).status == 404


def test_a_connection_is_reset_after_the_server_has_done_it(
    proxy: FaultProxy, through: Api, space: Space
) -> None:
    proxy.ledger.add(Rule(Reset(after_answer=True), "POST", "configmaps"))
    with pytest.raises((ConnectionError, ssl.SSLError, http.client.HTTPException)):
        through.call("POST", space.path("configmaps"), {"metadata": {"name": "a"}})
    assert space.api.call("GET", space.path("configmaps/a")).ok


def test_tls_breaks(proxy: FaultProxy, through: Api) -> None:
    proxy.ledger.add(Rule(BreakTls(), path="/version", nth=EACH))
    with pytest.raises(ssl.SSLError):
        through.call("GET", "/version")


def test_a_token_expires(proxy: FaultProxy, through: Api) -> None:
    proxy.ledger.add(Rule(ExpireToken(), nth=3))
    assert [through.call("GET", "/api/v1/nodes").status for _ in range(4)] == [200, 200, 401, 200]


@pytest.mark.parametrize(("point", "stored"), [(Point.ARRIVES, 2), (Point.ANSWERED, 3)])
def test_a_run_is_killed_at_its_third_write(
    proxy: FaultProxy, shared: ControlPlane, space: Space, point: Point, stored: int
) -> None:
    """Killed when the request arrives the write is not done; killed when its answer came back it is done."""
    url = f"{proxy.url}{space.path('configmaps')}"
    command = [sys.executable, "-c", WRITER, url, shared.tokens[users.ADMIN], str(proxy.certificate), "5"]
    base = proxy.ledger.number("POST", "/api/v1/configmaps")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        proxy.kill_at(base + 3, run.pid, point)
        printed, _ = run.communicate(timeout=30)
    assert run.returncode == -signal.SIGKILL
    assert proxy.killed.is_set()
    assert printed.split() == ["0", "1"]
    assert (
        len(
            [
                c
                for c in space.api.items(space.path("configmaps"))
                if c["metadata"]["name"] != "kube-root-ca.crt"
            ]
        )
        == stored
    )


def test_requests_are_counted_by_node(proxy: FaultProxy, through: Api) -> None:
    through.call("GET", "/api/v1/nodes/wrk-01")
    through.call("GET", "/api/v1/pods", fieldSelector="spec.nodeName=wrk-01")
    through.call("GET", "/api/v1/pods", fieldSelector="spec.nodeName=wrk-02")
    through.call("GET", "/api/v1/pods")
    assert proxy.ledger.by_node() == {"wrk-01": 2, "wrk-02": 1}


def test_the_audit_log_is_a_second_witness_of_what_was_written(
    proxy: FaultProxy, through: Api, shared: ControlPlane, space: Space
) -> None:
    through.call("POST", space.path("configmaps"), {"metadata": {"name": "a"}})
    through.call("POST", space.path("configmaps"), {"metadata": {"name": "b"}}, dryRun="All")
    said = [entry for entry in audit.entries(shared.audit_log, users.ADMIN) if entry.namespace == space.name]
    [written] = [entry for entry in audit.writes(said) if entry.resource == "configmaps"]
    assert (written.verb, written.name, written.code) == ("create", "a", 201)
    assert len(proxy.ledger.mutating()) == 1


@pytest.mark.needs("helm")
def test_helm_works_through_it(proxy: FaultProxy, shared: ControlPlane, tmp_path: Path) -> None:
    helm = charts.Helm(proxy.kubeconfig(shared.tokens[users.ADMIN]), tmp_path)
    done = helm.run("list")
    assert done.returncode == 0, done.stderr
    assert any("/secrets" in seen.target for seen in proxy.ledger.seen)
