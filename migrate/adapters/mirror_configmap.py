"""The run's state in the cluster: the ConfigMap ``c2c-run`` and the plan beside it (``state.md`` §5.2).

The driver writes ``state``, ``seq``, ``hash`` by a JSON patch that tests the ``seq`` of its own last write, so two drivers
cannot both go on; verbs write ``desired`` from anywhere.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.fields import labels, text
from migrate.model.serial import decode, encode
from migrate.ports import Api, ApiError, Clock, Desired, Mirrored

__all__ = ["ConfigMapMirror"]

NAME, PLAN = "c2c-run", "c2c-plan"
LIMIT, PIECE = 1_000_000, 900 * 1024
CONFLICT, NOT_FOUND, REFUSED = 409, 404, 422
ATTEMPTS = 5


@dataclass(slots=True)
class ConfigMapMirror:
    """The mirror of the run that is there now."""

    api: Api
    clock: Clock
    namespace: str
    _seq: str | None = None

    # The driver's part.

    def read(self) -> Mirrored | None:
        """Give the state of the run that was here last."""
        data = labels(self._get(NAME) or {}, "data")
        self._seq = data.get("seq")
        if not data.get("state"):
            return None
        return Mirrored(
            _unpacked(data["state"]),
            int(data.get("seq") or 0),
            data.get("hash", ""),
            data.get("plan", ""),
            data.get("run", ""),
        )

    def begin(self, run: str, plan: Mapping[str, Any]) -> None:
        """Begin a run's mirror with its plan, in pieces that fit; the state and the wishes of an earlier run go."""
        whole = _packed(plan)
        pieces = [whole[i : i + PIECE] for i in range(0, len(whole), PIECE)]
        said = {"pieces": str(len(pieces)), "hash": text(plan, "hash")}
        for place, piece in enumerate(pieces):
            self._replace(f"{PLAN}-{place}", run, {**said, "plan": piece})
        empty = {"run": run, "plan": said["hash"], "state": "", "seq": "0", "hash": "", "desired": "{}"}
        self._replace(NAME, run, empty)
        self._seq = "0"

    def plan(self) -> Mapping[str, Any] | None:
        """Give the plan as it was written; None where it is not whole."""
        found = labels(self._get(f"{PLAN}-0") or {}, "data")
        pieces = [found.get("plan", "")]
        for place in range(1, int(found.get("pieces") or 0)):
            more = labels(self._get(f"{PLAN}-{place}") or {}, "data")
            pieces.append(more.get("plan", "") if more.get("hash") == found.get("hash") else "")
        return _unpacked("".join(pieces)) if all(pieces) else None

    def write(self, state: Mapping[str, Any], seq: int, hash_: str) -> None:
        """Write the state; raises ``ApiError`` of class conflict where another driver wrote since our last write."""
        packed = _packed(state)
        if len(packed) > LIMIT:
            raise ApiError(FailureClass.PERMANENT, f"the run's state has {len(packed)} bytes, too many for a ConfigMap")  # fmt: skip
        if self._seq is None:
            self.read()
        new = {"state": packed, "seq": str(seq), "hash": hash_}
        patch = [{"op": "test", "path": "/data/seq", "value": self._seq}]
        patch += [{"op": "add", "path": f"/data/{k}", "value": v} for k, v in new.items()]
        try:
            status = self._patch(patch)
        except ApiError as error:
            if error.status == REFUSED:
                raise ApiError(
                    FailureClass.CONFLICT, "another driver wrote the run's state", status=REFUSED
                ) from error
            raise
        if status == NOT_FOUND:
            raise ApiError(
                FailureClass.NOT_FOUND, f"the ConfigMap {self.namespace}/{NAME} was deleted", status=NOT_FOUND
            )
        self._seq = str(seq)

    # Anyone's part.

    def desired(self) -> Desired:
        """Give what is wanted."""
        return _wanted(labels(self._get(NAME) or {}, "data").get("desired", ""))

    def want(self, changes: Mapping[str, Any], by: str) -> Desired:
        """Change what is wanted; lists only grow. Asked again where somebody else changed it in between."""
        for _ in range(ATTEMPTS):
            found = self._get(NAME)
            if found is None:
                raise ApiError(FailureClass.NOT_FOUND, f"there is no run in this cluster ({self.namespace}/{NAME})", status=NOT_FOUND)  # fmt: skip
            wanted = grown(_wanted(labels(found, "data").get("desired", "")), changes, by)
            said = {**encode(wanted), "at": self.clock.now().isoformat(timespec="seconds")}
            version = text(found, "metadata", "resourceVersion")
            patch = [
                {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                {"op": "add", "path": "/data/desired", "value": json.dumps(said, sort_keys=True)},
            ]
            try:
                self._patch(patch)
            except ApiError as error:
                if error.status not in {CONFLICT, REFUSED}:
                    raise
                continue
            return wanted
        raise ApiError(FailureClass.CONFLICT, "what is wanted of the run changes faster than it can be written", status=CONFLICT)  # fmt: skip

    # The objects.

    def _path(self, name: str = "") -> str:
        base = f"/api/v1/namespaces/{self.namespace}/configmaps"
        return f"{base}/{name}" if name else base

    def _get(self, name: str) -> Mapping[str, Any] | None:
        answer = self.api.call("GET", self._path(name))
        return None if answer.status == NOT_FOUND else answer.body

    def _patch(self, patch: list[dict[str, Any]]) -> int:
        return self.api.call("PATCH", self._path(NAME), body=patch, content="application/json-patch+json").status  # fmt: skip

    def _replace(self, name: str, run: str, data: Mapping[str, str]) -> None:
        meta = {"name": name, "namespace": self.namespace, "labels": {"c2c/owned": "true", "c2c/run": run}}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)}
        if self.api.call("PUT", self._path(name), body=body).status == NOT_FOUND:
            self.api.call("POST", self._path(), body=body)


def grown(wanted: Desired, changes: Mapping[str, Any], by: str) -> Desired:
    """Give what is wanted after a change: lists grow, the rest is replaced."""
    old = encode(wanted)
    new = dict(old)
    for key, value in encode(changes).items():
        before = old.get(key)
        listed = isinstance(value, list) and isinstance(before, list)
        new[key] = [*before, *(v for v in value if v not in before)] if listed and before else value
    return decode(Desired, {**new, "by": by, "generation": wanted.generation + 1})


def _wanted(said: str) -> Desired:
    found = json.loads(said) if said else {}
    return decode(Desired, {k: v for k, v in found.items() if k != "at"})


def _packed(value: Mapping[str, Any]) -> str:
    raw = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(raw, mtime=0)).decode("ascii")


def _unpacked(packed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found
