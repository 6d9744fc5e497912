"""Calico's aggregated API ``projectcalico.org/v3``, served from the objects of ``crd.projectcalico.org/v1``.

The API server reaches it through an APIService whose Service is an external name for the loopback host, so it is a
genuine aggregated API: discovery, lists, writes and watches go through the aggregator, and when it is stopped the
group is as dead as with a backend that is gone.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.controlplane import calico_kinds
from tests.controlplane.client import Api, Object, eventually
from tests.controlplane.proxy import certificate

V3, V1 = "projectcalico.org/v3", "crd.projectcalico.org/v1"
NAMESPACE = "calico-apiserver"
NAME = "v3.projectcalico.org"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_INSIDE = re.compile(rb'"apiVersion"\s*:\s*"crd\.projectcalico\.org/v1"')
_OUTSIDE = re.compile(rb'"apiVersion"\s*:\s*"projectcalico\.org/v3"')


class AggregatedApi(ThreadingHTTPServer):
    """The backend of the APIService; a context manager that registers it and takes it away."""

    daemon_threads = True
    dead = False

    def __init__(self, api: Api, folder: Path, minor: int = 32) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api, self.minor = api, minor
        folder.mkdir(parents=True, exist_ok=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate(folder), folder / "proxy.key")
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            target=self.serve_forever, name="calico-api", kwargs={"poll_interval": 0.1}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        for obj in self._registration():
            self.api.create(obj)
        eventually(lambda: self.api.call("GET", f"/apis/{V3}/ippools").ok, 30, "the aggregated API serves")
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self.die()
        self.api.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{NAME}")

    def die(self) -> None:
        """Stop serving, on the connections that are open too, and leave the APIService standing."""
        self.dead = True
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """The API server probes and hangs up."""

    def _registration(self) -> list[Object]:
        port = self.server_address[1]
        service = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
        backend = {"name": "calico-api", "namespace": NAMESPACE, "port": port}
        spec = {
            "group": "projectcalico.org",
            "version": "v3",
            "service": backend,
            "groupPriorityMinimum": 1500,
            "versionPriority": 200,
            "insecureSkipTLSVerify": True,
        }
        where = {"name": "calico-api", "namespace": NAMESPACE}
        return [
            {"apiVersion": "v1", "kind": "Service", "metadata": where, "spec": service},
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": NAME},
                "spec": spec,
            },
        ]

    def discovery(self) -> Object:
        """Give the resources of the group, as Calico's API server lists them."""
        kinds = [kind for kind in calico_kinds.POLICY_KINDS if kind.since <= self.minor]
        resources = [
            {
                "name": kind.plural,
                "singularName": kind.name.lower(),
                "namespaced": kind.is_namespaced,
                "kind": kind.name,
                "verbs": VERBS,
            }
            for kind in kinds
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": V3, "resources": resources}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AggregatedApi

    def parse_request(self) -> bool:
        """Hang up on whoever still asks when the server is dead, as a connection of a dead process does."""
        if not super().parse_request() or self.server.dead:
            self.close_connection = True
            return False
        return True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike; the base class looks for ``do_GET`` and its like."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def _serve(self) -> None:
        path = self.path.split("?")[0].rstrip("/")
        if path == f"/apis/{V3}":
            self._answer(200, "application/json", json.dumps(self.server.discovery()).encode())
        elif path.startswith(f"/apis/{V3}/"):
            self._pass_on()
        else:
            self._answer(404, "text/plain", b"404 page not found\n")

    def _pass_on(self) -> None:
        """Ask the stored group instead, and give its answer back in the words of this one."""
        body = _OUTSIDE.sub(
            f'"apiVersion":"{V1}"'.encode(), self.rfile.read(int(self.headers.get("Content-Length", "0")))
        )
        own = {"Authorization": f"Bearer {self.server.api.token}", "Accept": "application/json"}
        if kind := self.headers.get("Content-Type"):
            own["Content-Type"] = kind
        upstream = self.server.api.connect(timeout_s=600)
        try:
            upstream.request(self.command, self.path.replace(V3, V1, 1), body=body or None, headers=own)
            answer = upstream.getresponse()
            if "watch=" in self.path:
                self._stream(answer)
            else:
                content = answer.getheader("Content-Type", "application/json")
                self._answer(answer.status, content, _translated(answer.read()))
        finally:
            upstream.close()

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while line := answer.readline():
            part = _translated(line)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _translated(text: bytes) -> bytes:
    return _INSIDE.sub(f'"apiVersion":"{V3}"'.encode(), text)
