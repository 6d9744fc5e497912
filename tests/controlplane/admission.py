"""A webhook that answers: it allows everything, and counts what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64encode
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.controlplane import proxy


class Admission(ThreadingHTTPServer):
    """One server on a loopback port; a context manager. ``asked`` counts by operation."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = proxy.certificate(folder)
        self.asked: Counter[str] = Counter()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, folder / "proxy.key")
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            target=self.serve_forever, name="admission", kwargs={"poll_interval": 0.1}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    @property
    def client(self) -> dict[str, str]:
        """Give what a webhook's ``clientConfig`` says."""
        url = f"https://127.0.0.1:{self.server_address[1]}/"
        return {"url": url, "caBundle": b64encode(self.certificate.read_bytes()).decode()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Admission

    def do_POST(self) -> None:
        request: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        self.server.asked[str(request["operation"])] += 1
        answer = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": request["uid"], "allowed": True},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The count is the log."""
