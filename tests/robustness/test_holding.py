"""The loop with which a probe pod holds a connection: a real shell, a real server, connections that are really ended."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from migrate.adapters.probe_holding import Noted, asking, holding, noted

LIMIT_S = 20.0
pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None, reason="probe pods have a bash, this machine has none"
)


@dataclass
class Server:
    """An echo server that counts its connections and what was asked; ``silent``: it takes in and says nothing."""

    asked: int = 0
    silent: bool = False
    open: list[socket.socket] = field(default_factory=list)
    port: int = 0

    def end_all(self) -> None:
        """End every connection; the server itself goes on."""
        for connection in self.open:
            with suppress(OSError):  # one that was given up
                connection.shutdown(socket.SHUT_RDWR)
        self.open.clear()


@pytest.fixture
def server() -> Iterator[Server]:
    said = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            said.open.append(self.connection)

        def do_HEAD(self) -> None:
            said.asked += 1
            if not said.silent:
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Connections are ended in the middle of anything here."""

    with Quiet(("127.0.0.1", 0), Handler) as made:
        said.port = made.server_port
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield said
        made.shutdown()


@dataclass
class Pod:
    """A folder in the place of a probe pod's file system."""

    folder: Path

    def run(self, script: str) -> str:
        env = {**os.environ, "TMPDIR": str(self.folder)}
        return subprocess.run(
            ["sh", "-c", script], env=env, capture_output=True, text=True, timeout=10, check=False
        ).stdout

    def holds(self, server: Server, pod: str) -> None:
        self.run(holding("n2", pod, "127.0.0.1", server.port, silent_s=1, round_s=0.1))

    def noted(self) -> Noted | None:
        return noted(self.run(asking()))

    def ends(self) -> list[tuple[str, str, str]]:
        found = self.noted()
        return [(c.target, c.pod, c.how) for c in found.cuts] if found else []


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    yield Pod(tmp_path)
    (tmp_path / "c2c-held" / "target").unlink(missing_ok=True)  # the loop ends where it has no target


def until(true: Callable[[], bool]) -> bool:
    """Wait until something is true; say whether it came to be."""
    end = time.monotonic() + LIMIT_S
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def test_one_connection_is_held_and_asked_over_again_and_again(server: Server, pod: Pod) -> None:
    assert pod.noted() is None
    pod.holds(server, "uid-1")
    assert until(lambda: server.asked > 3)
    pod.holds(server, "uid-1")  # said again, it changes nothing and begins no second loop
    asked = server.asked
    assert until(lambda: server.asked > asked + 3)
    assert (len(server.open), pod.ends()) == (1, [])


def test_an_end_is_noted_once_and_the_connection_is_made_anew(server: Server, pod: Pod) -> None:
    pod.holds(server, "uid-1")
    assert until(lambda: server.asked > 1)
    server.end_all()
    assert until(lambda: bool(pod.ends()) and len(server.open) == 1)
    asked = server.asked
    assert until(lambda: server.asked > asked + 3)
    assert pod.ends() == [("n2", "uid-1", "reset")]


def test_no_answer_for_too_long_is_an_end_too(server: Server, pod: Pod) -> None:
    pod.holds(server, "uid-1")
    assert until(lambda: server.asked > 1)
    server.silent = True
    assert until(lambda: bool(pod.ends()))
    server.silent = False
    assert pod.ends()[0] == ("n2", "uid-1", "silent")


def test_another_target_is_no_end(server: Server, pod: Pod) -> None:
    pod.holds(server, "uid-1")
    assert until(lambda: server.asked > 1)
    pod.holds(server, "uid-2")
    assert until(lambda: len(server.open) == 2)
    asked = server.asked
    assert until(lambda: server.asked > asked + 3)
    assert pod.ends() == []
    server.end_all()
    assert until(lambda: pod.ends() == [("n2", "uid-2", "reset")])


def test_a_target_that_nobody_answers_at_is_tried_again_and_is_no_end(server: Server, pod: Pod) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pod.run(holding("n2", "uid-1", "127.0.0.1", port, silent_s=1, round_s=0.1))
    assert until(lambda: pod.noted() is not None)
    pod.holds(server, "uid-1")
    assert until(lambda: server.asked > 1)
    assert pod.ends() == []
