"""Evictions through the API, one attempt each: what is refused for now comes back to the engine, which asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrate.model.events import FailureClass
from migrate.ports import Api, ApiError, Eviction

__all__ = ["KubeEvictor"]

NOT_FOUND, TOO_MANY = 404, 429
STILL_PROCESSED_S = 10.0


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
