"""Kubernetes Events on nodes: what befalls a node of a run stands where ``kubectl describe node`` shows it.

An Event is a courtesy: one that cannot be written is let go, and for a while none is tried.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.fields import text
from migrate.model.run import NodeStatus, Run
from migrate.ports import Api, ApiError, Clock

__all__ = ["NodeEvents"]

PLACE = "default"
"""Events of objects without a namespace live here, as the kubelet's do."""
MOST = 1024
REST_S = 60.0
BAD = frozenset({NodeStatus.HALTED, NodeStatus.ROLLING_BACK, NodeStatus.ROLLED_BACK})


@dataclass(slots=True)
class NodeEvents:
    """A reporter; ``api`` should ask once and not wait long."""

    api: Api
    clock: Clock
    _silent_until: float = float("-inf")
    _count: int = 0

    def event(self, record: Mapping[str, Any]) -> None:
        """Write an Event for a node's change of state."""
        after, node = text(record, "after"), text(record, "node")
        moved = record.get("kind") == "transition" and node and after and after != text(record, "before")
        if not moved or self.clock.monotonic() < self._silent_until:
            return
        try:
            self.api.call(
                "POST", f"/api/v1/namespaces/{PLACE}/events", body=self._object(record, node, after)
            )
        except ApiError:
            self._silent_until = self.clock.monotonic() + REST_S

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Nothing is told of waiting."""

    def _object(self, record: Mapping[str, Any], node: str, after: str) -> dict[str, Any]:
        self._count += 1
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        said = text(record, "text") or f"{node} is {after.lower().replace('_', ' ')}"
        run = text(record, "run")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{node[:200]}.c2c-{run}-{record.get('seq', self._count)}",
                "namespace": PLACE,
                "labels": {"c2c/run": run},
            },
            "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node},
            "reason": "Migration" + "".join(part.capitalize() for part in after.split("_")),
            "message": f"c2c run {run[:4]}: {said}"[:MOST],
            "type": "Warning" if after in BAD else "Normal",
            "source": {"component": "c2c", "host": socket.gethostname()},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
