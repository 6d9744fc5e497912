"""Serves the metrics of a run over HTTP while it goes on; one thread, one path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from migrate.errors import Failure

__all__ = ["MetricsServer"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsServer:
    """Answers ``GET /metrics`` with what ``text`` gives."""

    def __init__(self, address: str, text: Callable[[], str]) -> None:
        """Listen at ``HOST:PORT``; raises ``Failure`` where that cannot be had."""
        host, _, port = address.rpartition(":")
        try:
            self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(text))
        except (OSError, ValueError, OverflowError) as error:
            raise Failure(
                f"--metrics {address}: {error}", fix="give an address that is free: 127.0.0.1:9464"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="c2c-metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Give the port that is listened at."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


def _handler(text: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            known = self.path.partition("?")[0] == "/metrics"
            body = text().encode() if known else b"see /metrics\n"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401  # the library's names
            del format, args

    return Handler
