"""Evictions through the API, one attempt each: what is refused for now comes back to the engine, which asks again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from migrate.model.events import FailureClass
from migrate.ports import Api, ApiError, Eviction, refusal_of

__all__ = ["KubeEvictor"]

NOT_FOUND, TOO_MANY = 404, 429
STILL_PROCESSED_S = 10.0
AT_ONCE = 8  # as many as are asked for side by side


@dataclass(slots=True)
class KubeEvictor:
    """Asks for the eviction of exactly one pod, by uid."""

    api: Api

    def evict(self, namespace: str, name: str, uid: str, *, dry_run: bool = False) -> Eviction:
        """Ask for an eviction; the sentence of the budget that refuses is kept in the error."""
        options: dict[str, Any] = {"preconditions": {"uid": uid}}
        if dry_run:
            options["dryRun"] = ["All"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": options,
        }
        try:
            answer = self.api.call("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body=body)
        except ApiError as error:
            raise _waiting(error) from error
        return Eviction.GONE if answer.status == NOT_FOUND else Eviction.ACCEPTED

    def evict_all(
        self, pods: Sequence[tuple[str, str, str]], *, dry_run: bool = False
    ) -> Sequence[ApiError | None]:
        """Ask for each, some at a time: the server takes long over a pod whose budget others count on, too."""
        with ThreadPoolExecutor(AT_ONCE, "evictions") as pool:
            return list(pool.map(lambda pod: refusal_of(self, pod, dry_run=dry_run), pods))


def _waiting(error: ApiError) -> ApiError:
    """Give a 429 of any sort as *wait*: a budget that allows none, or one that is not observed yet."""
    if error.status != TOO_MANY:
        return error
    sentences = [str(c.get("message")) for c in error.causes if c.get("message")]
    return ApiError(
        FailureClass.WAIT,
        sentences[0] if sentences else str(error),
        status=TOO_MANY,
        reason=error.reason,
        causes=error.causes,
        retry_after_s=error.retry_after_s,
    )
