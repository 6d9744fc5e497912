"""Where a chart may come from besides a file: a repository and a registry, each as far as Helm asks it for one chart.

The registry speaks what Helm reads of the OCI distribution specification (``/v2/``, manifests, blobs) over TLS; its
certificate is trusted where ``SSL_CERT_FILE`` names it.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.controlplane.proxy import certificate

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
NAME = "charts/cilium"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True)
class Stored:
    """What a registry gives: type and content, by path."""

    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def keep(self, chart: bytes, metadata: Mapping[str, Any]) -> None:
        """Keep one chart under the tag of its version."""
        config = json.dumps(metadata).encode()
        layers = {CONFIG: config, CONTENT: chart}
        parts = [{"mediaType": kind, "digest": digest(c), "size": len(c)} for kind, c in layers.items()]
        made = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]}
        manifest = json.dumps(made).encode()
        for name in (str(metadata["version"]), digest(manifest)):
            self.found[f"/v2/{NAME}/manifests/{name}"] = MANIFEST, manifest
        for content in layers.values():
            self.found[f"/v2/{NAME}/blobs/{digest(content)}"] = "application/octet-stream", content
        self.found["/v2/"] = "application/json", b"{}"


class _Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, stored: Stored, *rest: Any) -> None:
        self.stored = stored
        super().__init__(*rest)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def _answer(self, *, body: bool) -> None:
        self.stored.asked.append(self.path)
        missing = "application/json", b'{"errors": [{"code": "NAME_UNKNOWN"}]}'
        kind, content = self.stored.found.get(self.path, missing)
        self.send_response(200 if self.path in self.stored.found else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Content-Digest", digest(content))
        self.end_headers()
        if body:
            self.wfile.write(content)


class _Repository(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@contextmanager
def repository(folder: Path) -> Iterator[str]:
    """Serve a folder with packages and their ``index.yaml``; gives its URL."""
    with _served(partial(_Repository, directory=str(folder))) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


@contextmanager
def registry(chart: Path, metadata: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, Path, Stored]]:
    """Serve one package; gives its reference, the certificate that is to be trusted, and what was asked for."""
    stored = Stored()
    stored.keep(chart.read_bytes(), metadata)
    trusted = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted, folder / "proxy.key")
    with _served(partial(_Registry, stored), tls) as server:
        yield f"oci://127.0.0.1:{server.server_address[1]}/{NAME}", trusted, stored


@contextmanager
def _served(handler: Any, tls: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, name="charts", kwargs={"poll_interval": 0.1})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
