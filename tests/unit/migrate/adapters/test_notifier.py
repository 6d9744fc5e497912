"""Web hooks: told on the occasions that are wished for, from references alone, and never in the way of a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from migrate.adapters.notifier import Hook, Notifier, hooks_of
from migrate.errors import Failure


@pytest.fixture
def heard() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """Give a real server: its address, what was posted, and the statuses that it is to answer."""
    posted: list[dict[str, Any]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop() if statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", posted, statuses
    server.shutdown()
    server.server_close()


def moved(after: str, before: str = "RUNNING(P4)", node: str = "") -> dict[str, Any]:
    return {"kind": "transition", "run": "7f3a0000", "before": before, "after": after, "node": node, "phase": "P4",
            "time": "2026-11-24T08:41:07Z", "text": "Authorization: Bearer abcdefgh12345678"}  # fmt: skip


def test_a_hook_hears_of_its_occasions_alone(heard: tuple[str, list[dict[str, Any]], list[int]]) -> None:
    url, posted, _ = heard
    complaints: list[str] = []
    told = Notifier([Hook(url, frozenset({"halted", "done"}))], "prod-eu-1", complaints.append)
    for after in ("STOPPING(PAUSED)", "PAUSED(approval)", "HALTED(gate)", "HALTED(gate)", "DONE"):
        told.event(moved(after))
    told.event(moved("HALTED", node="wrk-1"))
    assert [(p["event"], p["state"], p["cluster"]) for p in posted] == [
        ("halted", "HALTED(gate)", "prod-eu-1"), ("done", "DONE", "prod-eu-1"),
    ]  # fmt: skip
    assert "abcdefgh12345678" not in json.dumps(posted)
    assert complaints == []


def test_what_is_not_delivered_is_told_and_let_go(heard: tuple[str, list[dict[str, Any]], list[int]]) -> None:
    url, posted, statuses = heard
    statuses.append(500)
    complaints: list[str] = []
    every = frozenset({"halted"})
    hooks = [Hook(url, every), Hook("http://127.0.0.1:1/", every), Hook("file:///etc/passwd", every)]
    Notifier(hooks, "c", complaints.append).event(moved("HALTED(gate)"))
    assert len(posted) == 1
    assert [c.partition(":")[0] for c in complaints] == ["notify"] * 3
    assert "500" in complaints[0]


def test_addresses_are_resolved_from_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hook").write_text("https://a.example/1\n")
    monkeypatch.setenv("HOOK", "https://b.example/2")
    said = [
        {"url": {"fromFile": str(tmp_path / "hook")}, "on": ["halted"]},
        {"url": {"fromEnv": "HOOK"}},
        {"url": {"fromSecret": "ops/hooks/url"}, "on": ["done"]},
    ]
    found = hooks_of(said, lambda *key: "https://c.example/" + "-".join(key))
    assert [h.url for h in found] == [
        "https://a.example/1",
        "https://b.example/2",
        "https://c.example/ops-hooks-url",
    ]
    assert found[1].on == {"halted", "waiting", "done"}


@pytest.mark.parametrize("url", [{"fromFile": "/nowhere"}, {"fromEnv": "C2C_NO_SUCH"}, {"fromSecret": "odd"}])
def test_an_address_that_cannot_be_had_is_named(url: dict[str, str]) -> None:
    with pytest.raises(Failure, match="cannot be had"):
        hooks_of([{"url": url}], lambda *_: "")
