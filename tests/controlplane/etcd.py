"""etcd of an instance, through its JSON gateway: only what makes faults of the API server."""

from __future__ import annotations

import json
import re
import urllib.request

from tests.controlplane.instance import ETCD, ControlPlane

_URL = re.compile(r"--listen-client-urls=(\S+)")


def _ask(plane: ControlPlane, path: str, body: dict[str, object]) -> dict[str, object]:
    serving = _URL.search(" ".join(plane.processes[ETCD].command))
    assert serving
    request = urllib.request.Request(f"{serving[1]}{path}", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, object] = json.loads(response.read())
    return answer


def compact(plane: ControlPlane) -> int:
    """Forget every revision but the newest, and give it."""
    status = _ask(plane, "/v3/maintenance/status", {})
    header = status["header"]
    assert isinstance(header, dict)
    revision = int(header["revision"])
    _ask(plane, "/v3/kv/compaction", {"revision": revision, "physical": True})
    return revision
