"""Evictions side by side: as many are under way as go together, each with its own answer, in their order."""

from __future__ import annotations

import threading
from typing import Any

from migrate.adapters.eviction import AT_ONCE, KubeEvictor
from migrate.model.events import FailureClass
from migrate.ports import Answer, ApiError

BARRED = "pod-3"


class Slow:
    """An API server that answers none before as many have come as go together."""

    def __init__(self) -> None:
        self.met = threading.Barrier(AT_ONCE, timeout=10)

    def call(self, method: str, path: str, *, body: Any) -> Answer:
        assert method == "POST"
        self.met.wait()
        assert path.endswith(f"/{body['metadata']['name']}/eviction")
        if body["metadata"]["name"] == BARRED:
            raise ApiError(FailureClass.TRANSIENT, "too many", status=429, causes=[{"message": "needs 6"}])
        return Answer(201, {}, {})


def test_each_has_its_own_answer_in_order() -> None:
    pods = [("shop", f"pod-{n}", f"u{n}") for n in range(AT_ONCE)]
    answers = KubeEvictor(Slow()).evict_all(pods)  # type: ignore[arg-type]  # an API that only answers this
    refused = {pod[1]: (a.failure, str(a)) for pod, a in zip(pods, answers, strict=True) if a is not None}
    assert refused == {BARRED: (FailureClass.WAIT, "needs 6")}
