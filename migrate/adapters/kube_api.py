"""The connection to an API server: credentials as kubectl has them, raw JSON, errors sorted into what they mean.

The official client reads kubeconfig files and exec plugins and holds the TLS connection; its models are not used: one odd
object would fail a whole list (``libraries.md`` §3). A call is repeated by the policy ``API`` where the transport failed
or the server asked for it; writes too, since every write of ours may happen twice.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import config as kube_config
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException

from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.model.connection import Connection
from migrate.model.events import FailureClass
from migrate.model.fields import maps, number, text
from migrate.ports import Answer, ApiError
from migrate.redaction import redacted_text
from migrate.retry import api_policy

__all__ = ["KubeApi", "connect"]

loader: Any = kube_config  # the client has no types for its loaders
CONNECT_S = 5.0
NOT_FOUND = 404
NEVER_AGAIN = ("failed calling webhook", "more than one PodDisruptionBudget")


def connect(connection: Connection, sleep: Callable[[float], None]) -> KubeApi:
    """Open a connection: kubeconfig by kubectl's rules, else the service account of the pod we run in.

    Raises ``Failure`` (exit 7) where there is neither.
    """
    settings: Any = type.__call__(Configuration)
    name = connection.context
    try:
        name = _loaded(connection, settings)
    except (kube_config.ConfigException, OSError) as error:
        if connection.kubeconfig or connection.context:
            raise _no_way(error) from error
        try:
            loader.load_incluster_config(client_configuration=settings)
            name = "in-cluster"
        except kube_config.ConfigException as inside:
            raise _no_way(error) from inside
    settings.retries = False
    client = ApiClient(settings)
    return KubeApi(client, name, connection, sleep)


def _loaded(connection: Connection, settings: Any) -> str:  # noqa: ANN401  # the client's Configuration
    """Load the kubeconfig and give the context's name."""
    file = connection.kubeconfig or None
    loader.load_kube_config(
        config_file=file,
        context=connection.context or None,
        client_configuration=settings,
        persist_config=False,
    )
    _, current = loader.list_kube_config_contexts(config_file=file)
    return connection.context or str(current["name"])


def _no_way(error: Exception) -> Failure:
    return Failure(
        f"no cluster can be reached: {redacted_text(str(error))[:256]}",
        fix="name a kubeconfig with --kubeconfig or KUBECONFIG, and a context with --context",
        code=ExitCode.UNREACHABLE,
    )


@dataclass(slots=True)
class KubeApi:
    """One API server; counts its calls by verb for the bounds that benchmarks keep."""

    client: ApiClient
    context: str
    connection: Connection
    sleep: Callable[[float], None]
    asks_again: bool = True
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def server(self) -> str:
        """Give the server's address."""
        return str(self.client.configuration.host)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: str = "application/json",
        timeout_s: float = 0,
    ) -> Answer:
        """Make a call, and make it again where that may help (policy ``API``)."""
        if not self.asks_again:
            return self._once(method, path, query, body, content, timeout_s)
        answer: Answer = api_policy(self.sleep)(self._once, method, path, query, body, content, timeout_s)
        return answer

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: object,
        content: str,
        timeout_s: float,
    ) -> Answer:
        self.calls[method] = self.calls.get(method, 0) + 1
        url = self.server.rstrip("/") + quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
        limit = (CONNECT_S, timeout_s or self.connection.timeout_s)
        payload = None if body is None else body if isinstance(body, str) else json.dumps(body)
        try:
            raw = self.client.rest_client.pool_manager.request(
                method,
                url,
                body=payload,
                headers=self.headers(content),
                timeout=urllib3.Timeout(connect=limit[0], read=limit[1]),
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, ssl.SSLError, OSError) as error:
            raise ApiError(
                FailureClass.TRANSIENT, f"{self.server} does not answer: {_short(error)}"
            ) from error
        return _checked(raw.status, {k.lower(): v for k, v in raw.headers.items()}, raw.data)

    @property
    def renews(self) -> bool:
        """Say whether the credentials renew themselves: by a plugin, or as a pod's token that is mounted anew."""
        return getattr(self.client.configuration, "refresh_api_key_hook", None) is not None

    def headers(self, content: str = "application/json") -> dict[str, str]:
        """Give the headers of a call, the token renewed where it is time; raises ``ApiError`` without credentials."""
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": "c2c"}
        try:
            token = self.client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except (ApiException, kube_config.ConfigException, OSError, ValueError) as error:
            raise ApiError(FailureClass.DENIED, f"no credentials: {_short(error)}", status=401) from error
        if token:
            headers["Authorization"] = token
        if self.connection.as_user:
            headers["Impersonate-User"] = self.connection.as_user
        if self.connection.as_groups:
            headers["Impersonate-Group"] = ",".join(self.connection.as_groups)
        return headers


def _short(error: Exception) -> str:
    return redacted_text(str(error).splitlines()[0] if str(error) else type(error).__name__)[:200]


def _checked(status: int, headers: Mapping[str, str], data: bytes) -> Answer:
    """Give an answer, or raise what it means; a body that is no Status is never shown: it may hold secrets."""
    body: Any = data.decode("utf-8", "replace")
    if "json" in headers.get("content-type", ""):
        try:
            body = json.loads(data)
        except ValueError as error:
            raise ApiError(FailureClass.TRANSIENT, "the answer was cut off", status=0) from error
    if status < 400 or status == NOT_FOUND:
        return Answer(status, headers, body)
    raise _error(status, headers, body)


def _error(status: int, headers: Mapping[str, str], body: Any) -> ApiError:  # noqa: ANN401  # JSON or text
    said = text(body, "message") if isinstance(body, dict) and body.get("kind") == "Status" else ""
    reason = text(body, "reason") if said else ""
    causes = list(maps(body, "details", "causes")) if said else []
    after = float(headers.get("retry-after", "0") or 0) or number(body, "details", "retryAfterSeconds")
    return ApiError(
        _class(status, said, reason, causes),
        redacted_text(said or f"the server answers {status}"),
        status=status,
        reason=reason,
        causes=causes,
        retry_after_s=after,
    )


def _class(status: int, said: str, reason: str, causes: list[Mapping[str, Any]]) -> FailureClass:
    """Sort an answer by the table of ``state.md`` §4."""
    match status:
        case 401:
            return FailureClass.DENIED
        case 403:
            return (
                FailureClass.WAIT
                if "is terminating" in said or "being terminated" in said
                else FailureClass.DENIED
            )
        case 409:
            return FailureClass.CONFLICT
        case 410:
            return FailureClass.NOT_FOUND
        case 422:
            return FailureClass.PERMANENT
        case 429:
            budget = any(c.get("reason") == "DisruptionBudget" for c in causes)
            return (
                FailureClass.WAIT if budget or "disruption budget" in said.lower() else FailureClass.TRANSIENT
            )
        case 503:
            return FailureClass.TRANSIENT if reason or said else FailureClass.UNKNOWN
        case 500 | 502 | 504:
            return FailureClass.PERMANENT if any(t in said for t in NEVER_AGAIN) else FailureClass.TRANSIENT
    return FailureClass.PERMANENT
