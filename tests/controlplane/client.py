"""The API server over plain HTTP and JSON: what tests, planters, the node agent and the checker speak.

Nothing of the product may be imported here: these calls are the second opinion on what the product's own client saw.
An answer is given as it came, text that is no ``Status`` object included; nothing is retried but a read over a
connection that the server had closed meanwhile.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
IDLE_S = 20.0

type Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: the status, the headers with lower-case names, and the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Object:
        decoded: Object = json.loads(self.body)
        return decoded

    @property
    def is_status(self) -> bool:
        """Say whether the body is a ``Status`` object: some refusals are plain text."""
        return self.headers.get("content-type", "").startswith(JSON) and self.json.get("kind") == "Status"

    @property
    def message(self) -> str:
        return str(self.json.get("message", "")) if self.is_status else self.text

    @property
    def causes(self) -> list[Object]:
        """Give the causes that a ``Status`` names, none where there are none."""
        return (self.json.get("details") or {}).get("causes") or [] if self.is_status else []


class RefusedError(Exception):
    """A call that the caller expected to succeed did not; the answer stands in ``answer``."""

    def __init__(self, call: str, answer: Answer) -> None:
        super().__init__(f"{call}: {answer.status} {answer.message[:400]}")
        self.answer = answer


class _Kept:
    """A thread's connection, closed when the thread ends or the client is dropped."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self.connection, self.used = connection, time.monotonic()

    def __del__(self) -> None:
        self.connection.close()


class Api:
    """One user's way to one API server; each thread has a connection of its own."""

    def __init__(self, url: str, token: str, ca_file: str, timeout_s: float = 30.0) -> None:
        parts = urlsplit(url)
        self.url, self.token, self.ca_file, self.timeout_s = url, token, ca_file, timeout_s
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 443
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._local = threading.local()
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def connect(self, timeout_s: float | None = None) -> http.client.HTTPSConnection:
        """Give a connection that nobody shares, for watches and for tests of the transport itself."""
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout_s or self.timeout_s, context=self._tls
        )

    def headers(self, kind: str = JSON, **extra: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": kind, "Accept": JSON, **extra}

    def call(
        self,
        method: str,
        path: str,
        body: Object | list[Any] | None = None,
        /,
        *,
        kind: str = JSON,
        **query: str,
    ) -> Answer:
        """Make one call and give the answer, whatever it is; raises ``OSError`` or ``HTTPException`` without one."""
        target = f"{path}?{urlencode(query)}" if query else path
        text = None if body is None else json.dumps(body).encode()
        self._leave_idle()
        fresh = getattr(self._local, "kept", None) is None
        try:
            return self._exchange(method, target, text, kind)
        except (OSError, http.client.HTTPException):
            self.close()
            if fresh or method != "GET":
                raise
        return self._exchange(method, target, text, kind)

    def _leave_idle(self) -> None:
        """Close a connection that was not used for long: the server may have, and a write is not sent twice."""
        kept = getattr(self._local, "kept", None)
        if kept is not None and time.monotonic() - kept.used > IDLE_S:
            self.close()

    def close(self) -> None:
        """Close this thread's connection; the next call makes another."""
        self._local.kept = None

    def _exchange(self, method: str, target: str, text: bytes | None, kind: str) -> Answer:
        if getattr(self._local, "kept", None) is None:
            self._local.kept = _Kept(self.connect())
        connection: http.client.HTTPSConnection = self._local.kept.connection
        self._local.kept.used = time.monotonic()
        connection.request(method, target, body=text, headers=self.headers(kind))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def expect(
        self,
        method: str,
        path: str,
        body: Object | list[Any] | None = None,
        /,
        *,
        kind: str = JSON,
        **query: str,
    ) -> Object:
        """Make one call that must succeed; raises ``RefusedError`` otherwise."""
        answer = self.call(method, path, body, kind=kind, **query)
        if not answer.ok:
            raise RefusedError(f"{method} {path}", answer)
        return answer.json

    def attempt(
        self, method: str, path: str, body: Object | None = None, /, *, kind: str = JSON, **query: str
    ) -> Answer:
        """Make one call whose refusal is an answer, such as "not found"; raises ``RefusedError`` for 429 and 5xx."""
        answer = self.call(method, path, body, kind=kind, **query)
        if answer.status == 429 or answer.status >= 500:
            raise RefusedError(f"{method} {path}", answer)
        return answer

    def get(self, path: str, **query: str) -> Object:
        return self.expect("GET", path, **query)

    def items(self, path: str, **query: str) -> list[Object]:
        """List raw, in pages of 500; raises ``RefusedError`` where a page is refused."""
        found: list[Object] = []
        token: dict[str, str] = {}
        while True:
            page = self.get(path, limit="500", **token, **query)
            found += page.get("items") or []
            following = page["metadata"].get("continue")
            if not following:
                return found
            token = {"continue": following}

    def create(self, obj: Object, **query: str) -> Object:
        return self.expect("POST", self.collection(obj), obj, **query)

    def patch(self, path: str, body: Object | list[Any], kind: str = MERGE, **query: str) -> Object:
        return self.expect("PATCH", path, body, kind=kind, **query)

    def apply(self, obj: Object, manager: str = "tests", **query: str) -> Object:
        """Apply an object on the server's side as ``manager``."""
        return self.expect("PATCH", self.path(obj), obj, kind=APPLY, fieldManager=manager, **query)

    def delete(self, path: str, **query: str) -> Answer:
        """Delete, and give the answer; an object that is not there is no error."""
        answer = self.call("DELETE", path, **query)
        if not answer.ok and answer.status != 404:
            raise RefusedError(f"DELETE {path}", answer)
        return answer

    def path(self, obj: Object) -> str:
        """Give the path of an object."""
        return f"{self.collection(obj)}/{obj['metadata']['name']}"

    def collection(self, obj: Object) -> str:
        """Give the path of the collection that an object belongs to, by discovery."""
        version, kind = obj["apiVersion"], obj["kind"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if (version, kind) not in self._resources:
            for resource in self.get(root)["resources"]:
                if "/" not in resource["name"]:
                    self._resources[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        plural, namespaced = self._resources[version, kind]
        namespace = obj["metadata"].get("namespace", "default")
        return f"{root}/namespaces/{namespace}/{plural}" if namespaced else f"{root}/{plural}"

    def watch(self, path: str, resource_version: str, timeout_s: int = 300) -> Iterator[Object]:
        """Give the events of a watch as they come, until the server ends it; an ``ERROR`` event is given too."""
        query = urlencode(
            {
                "watch": "1",
                "resourceVersion": resource_version,
                "timeoutSeconds": str(timeout_s),
                "allowWatchBookmarks": "true",
            }
        )
        connection = self.connect(timeout_s + 10.0)
        try:
            connection.request("GET", f"{path}?{query}", headers=self.headers())
            response = connection.getresponse()
            if response.status >= 400:
                raise RefusedError(f"WATCH {path}", Answer(response.status, {}, response.read()))
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()


def patience() -> float:
    """Give by how much a loaded machine may be slower than an idle one, from 1 to 10."""
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0), 10.0)


def eventually[T](question: Callable[[], T | None], deadline_s: float, what: str, every_s: float = 0.05) -> T:
    """Ask until the answer is true, and give it; raises ``TimeoutError`` after ``deadline_s`` seconds.

    The deadline is that of an idle machine, and is stretched by ``patience`` on a loaded one.
    """
    end = time.monotonic() + deadline_s * patience()
    while True:
        if answer := question():
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline_s:g} s: {what}")
        time.sleep(every_s)


def throughout(question: Callable[[], bool], window_s: float, what: str, every_s: float = 0.1) -> None:
    """Ask again and again for ``window_s`` seconds; raises ``AssertionError`` as soon as the answer is no."""
    end = time.monotonic() + window_s
    while time.monotonic() < end:
        assert question(), f"not for {window_s:g} s: {what}"
        time.sleep(every_s)
