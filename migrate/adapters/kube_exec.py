"""Commands in pods by the API server's ``exec`` (WebSocket), and their logs.

A kubelet sends a failure as a ``Status`` with the exit code as a cause; others only as text. Both are read as a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import websocket
from kubernetes.stream.ws_client import (
    ERROR_CHANNEL,
    STDERR_CHANNEL,
    STDOUT_CHANNEL,
    WSClient,
    get_websocket_url,
)

from migrate.model.events import FailureClass
from migrate.model.fields import maps, text
from migrate.ports import Api, ApiError, Ran
from migrate.redaction import redacted_text
from migrate.retry import api_policy

__all__ = ["KubeShell"]

LIMIT_S, CONNECT_S = 60.0, 10.0
DENIED = (401, 403)
NOT_FOUND = 404
FAILED = 1
new_client: Any = WSClient  # the client has no types for it
websocket_url: Any = get_websocket_url


@dataclass(slots=True)
class KubeShell:
    """Runs commands; ``configuration`` is the client's, ``headers`` gives the credentials of a call.

    ``sleep`` lets the time pass between two attempts to open a connection.
    """

    api: Api
    configuration: Any
    server: str
    headers: Callable[[], Mapping[str, str]]
    sleep: Callable[[float], None]

    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> Ran:
        """Run a command; one that does not end in time is left and reported as unknown."""
        place = f"{self.server.rstrip('/')}/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/exec"
        query = [("command", word) for word in command]
        query += [("container", container), ("stdout", "true"), ("stderr", "true")]
        headers = {name.lower(): value for name, value in self.headers().items()}
        if "impersonate-user" in headers:
            raise ApiError(FailureClass.PERMANENT, "commands in pods cannot be run as somebody else: leave --as out", status=-1)  # fmt: skip
        client = api_policy(self.sleep)(self._opened, websocket_url(place, query), headers, pod)
        try:
            client.run_forever(timeout=LIMIT_S)
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise ApiError(FailureClass.TRANSIENT, f"no command can be run in {pod}: {error}", status=-1) from error  # fmt: skip
        if client.is_open():
            client.close()
            raise ApiError(FailureClass.UNKNOWN, f"{command[0]} in {pod} did not end within {LIMIT_S:.0f} s", status=-1)  # fmt: skip
        out, err = client.read_channel(STDOUT_CHANNEL), client.read_channel(STDERR_CHANNEL)
        code, said = _ended(client.read_channel(ERROR_CHANNEL))
        return Ran(code, out, err or said)

    def _opened(self, url: str, headers: Mapping[str, str], pod: str) -> Any:  # noqa: ANN401  # the client's
        """Open the connection: until it is open no command has begun, and it may be asked for again."""
        websocket.setdefaulttimeout(CONNECT_S)
        try:
            return new_client(self.configuration, url, headers, False)
        except websocket.WebSocketBadStatusException as error:
            raise _refused(error.status_code, pod, str(error)) from error
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise ApiError(FailureClass.TRANSIENT, f"no command can be run in {pod}: {error}", status=-1) from error  # fmt: skip

    def logs(self, namespace: str, pod: str, container: str, *, limit: int = 0) -> str:
        """Give the first bytes of a container's log."""
        query = {"container": container, **({"limitBytes": str(limit)} if limit else {})}
        answer = self.api.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query)
        if answer.status == NOT_FOUND:
            raise ApiError(FailureClass.NOT_FOUND, f"the pod {namespace}/{pod} is gone", status=NOT_FOUND)
        return answer.body if isinstance(answer.body, str) else json.dumps(answer.body)


def _refused(status: int, pod: str, said: str) -> ApiError:
    said = said.partition(" -+-+- ")[0]  # headers and body follow
    if status in DENIED:
        return ApiError(FailureClass.DENIED, f"commands in {pod} are not allowed (pods/exec): {redacted_text(said)[:200]}", status=status)  # fmt: skip
    if status == NOT_FOUND:
        return ApiError(FailureClass.NOT_FOUND, f"the pod {pod} is gone", status=status)
    return ApiError(FailureClass.TRANSIENT, f"no command can be run in {pod}: {redacted_text(said)[:200]}", status=-1)  # fmt: skip


def _ended(said: str) -> tuple[int, str]:
    """Give the exit code and what the server says of it."""
    try:
        status = json.loads(said or "{}")
    except ValueError:
        return FAILED, said
    if not isinstance(status, Mapping) or status.get("status") == "Success":
        return 0, ""
    codes = [text(c, "message") for c in maps(status, "details", "causes") if c.get("reason") == "ExitCode"]
    code = int(codes[0]) if codes and codes[0].isdigit() else FAILED
    return code, redacted_text(text(status, "message"))
