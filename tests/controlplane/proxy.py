"""The fault proxy: HTTPS in front of one API server, with a certificate of its own, that misbehaves by rule.

The run under test gets a kubeconfig that points here. Watches are streamed, upgrades (exec, port-forward) are passed
through as they are; HTTP/1.1 only. It also kills the run at a chosen request, and counts what the run sent.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast

from tests.controlplane import users
from tests.controlplane.client import Api
from tests.controlplane.proxy_rules import Act, BreakTls, Cut, ExpireToken, Ledger, Point, Refuse, Reset, Slow

CHUNK = 65536
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})
BODILESS = frozenset({204, 304})
NOT_TLS = b"HTTP/1.1 400 Bad Request\r\n\r\n"
LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Kill:
    """A process to kill when a counted request arrives, or when its answer came back."""

    pid: int
    number: int
    point: Point


class FaultProxy(ThreadingHTTPServer):
    """One proxy in front of the server that ``api`` speaks to; a context manager."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, api: Api, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api, self.ledger, self.killed = api, Ledger(), threading.Event()
        self.kill: Kill | None = None
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = certificate(folder)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, folder / "proxy.key")
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            target=self.serve_forever, name="fault-proxy", kwargs={"poll_interval": 0.1}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"

    def client(self, token: str) -> Api:
        """Give a client whose calls go through the proxy."""
        return Api(self.url, token, str(self.certificate))

    def kubeconfig(self, token: str) -> Path:
        """Give a kubeconfig of a user whose calls go through the proxy."""
        return users.write_kubeconfig(self._folder / "proxy.kubeconfig", self.url, token, self.certificate)

    def kill_at(self, number: int, pid: int, point: Point) -> None:
        """Kill a process at its ``number``-th counted request, from the first one on that the proxy sees."""
        self.killed.clear()
        self.kill = Kill(pid, number, point)

    def strike(self, number: int, point: Point) -> bool:
        """Kill the run if this is the request and the point, and say whether that was done.

        A command in a pod has no answer that comes back: then it is the next request that has.
        """
        kill = self.kill
        if kill is None or not 0 < kill.number <= number or kill.point is not point:
            return False
        self.kill = None
        os.kill(kill.pid, signal.SIGKILL)
        self.killed.set()
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one connection to the server."""

    protocol_version = "HTTP/1.1"
    _upstream: http.client.HTTPSConnection | None = None

    @property
    def proxy(self) -> FaultProxy:
        return cast("FaultProxy", self.server)

    def log_message(self, *_: Any) -> None:
        """The ledger is the log."""

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self._upstream:
            self._upstream.close()

    def _serve(self) -> None:
        ledger = self.proxy.ledger
        number = ledger.number(self.command, self.path)
        act = ledger.act(self.command, self.path)
        if self.proxy.strike(number, Point.ARRIVES):
            self._drop()
            return
        match act:
            case Refuse() as refusal:
                self._body()
                self._refuse(refusal)
            case Reset(after_answer=False):
                self._drop()
            case BreakTls():
                os.write(self.connection.fileno(), NOT_TLS)
                self.close_connection = True
            case _:
                if isinstance(act, Slow):
                    time.sleep(act.seconds)
                self._pass_on(number, act)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike; the base class looks for ``do_GET`` and its like."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _drop(self) -> None:
        """End the connection by a reset, without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.close_connection = True

    def _refuse(self, refusal: Refuse) -> None:
        reason = http.client.responses.get(refusal.status, "Unknown").replace(" ", "")
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "code": refusal.status,
        }
        body = (
            refusal.text.encode()
            or json.dumps({**status, "metadata": {}, "message": "by the fault proxy"}).encode()
        )
        self.send_response(refusal.status)
        self.send_header("Content-Type", "text/plain" if refusal.text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if refusal.retry_after_s is not None:
            self.send_header("Retry-After", str(refusal.retry_after_s))
        self.end_headers()
        self.wfile.write(body)
        self.proxy.ledger.note(self.command, self.path, refusal.status)

    def _headers_on(self, act: Act | None) -> dict[str, str]:
        kept = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP | {"host"}}
        if isinstance(act, ExpireToken):
            kept["Authorization"] = "Bearer expired"
        return kept

    def _pass_on(self, number: int, act: Act | None) -> None:
        if "upgrade" in self.headers.get("Connection", "").lower():
            self._tunnel(act)
            return
        if self._upstream is None:
            self._upstream = self.proxy.api.connect(timeout_s=600)
        self._upstream.request(
            self.command, self.path, body=self._body() or None, headers=self._headers_on(act)
        )
        answer = self._upstream.getresponse()
        self.proxy.ledger.note(self.command, self.path, answer.status)
        if self.proxy.strike(number, Point.ANSWERED) or isinstance(act, Reset):
            answer.read()
            self._drop()
            return
        self._give_back(answer, act)

    def _give_back(self, answer: http.client.HTTPResponse, act: Act | None) -> None:
        """Send the answer in chunks as they come, so that a watch is live; some answers have no body at all."""
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        if self.command == "HEAD" or answer.status in BODILESS:
            answer.read()
            self.end_headers()
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        left = act.after_bytes if isinstance(act, Cut) else None
        for block in _blocks(answer):
            part = block if left is None else block[:left]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if part else b"")
            self.wfile.flush()
            if left is not None and (left := left - len(part)) <= 0:
                self.close_connection = True
                answer.close()
                return
        self.wfile.write(b"0\r\n\r\n")

    def _tunnel(self, act: Act | None) -> None:
        """Pass an upgraded connection through, both ways, until either side ends it."""
        far = self.proxy.api.connect(timeout_s=600)
        far.connect()
        assert far.sock is not None
        lines = [f"{self.command} {self.path} HTTP/1.1", f"Host: {far.host}:{far.port}"]
        lines += [f"{key}: {value}" for key, value in self._headers_on(act).items()] + ["Connection: Upgrade"]
        far.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self.proxy.ledger.note(self.command, self.path, 101)
        back = threading.Thread(target=_copy, args=(far.sock, self.connection), daemon=True)
        back.start()
        _copy(self.connection, far.sock)
        back.join(timeout=5)
        far.close()
        self.close_connection = True


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := answer.read1(CHUNK):
        yield block


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(CHUNK):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def certificate(folder: Path) -> Path:
    """Make a certificate for the loopback address, that only the run's kubeconfig trusts."""
    path = folder / "proxy.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "2", "-subj", "/CN=fault-proxy", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", str(folder / "proxy.key"), "-out", str(path)], check=True, capture_output=True
    )
    return path
