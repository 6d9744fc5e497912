"""Ports that are nothing but memory: clock, journal, mirror, lock, store, reporter; plain data, so that they can be copied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.plan import canonical
from migrate.model.run import Run
from migrate.ports import ApiError, Desired, Holder, Mirrored

__all__ = ["MemoryJournal", "MemoryLock", "MemoryMirror", "MemoryStore", "Silent", "chained"]

START = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)


def chained(seq: int, prev: str, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give one record of a journal with its hash (``state.md`` §5.1)."""
    record = {"schemaVersion": "1.0", "seq": seq, "prev": prev, "kind": kind, **fields}
    return {**record, "hash": hashlib.sha256(canonical(record)).hexdigest()}


@dataclass(slots=True)
class MemoryJournal:
    """Records in a list; ``full_after`` makes the disk full."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    full_after: int | None = None

    def append(self, kind: str, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON values
        """Keep a record."""
        if self.full_after is not None and len(self.kept) >= self.full_after:
            raise OSError(28, "No space left on device")
        prev = str(self.kept[-1]["hash"]) if self.kept else "0" * 64
        record = chained(len(self.kept) + 1, prev, kind, fields)
        self.kept.append(record)
        return record

    def records(self) -> Sequence[Mapping[str, Any]]:
        """Give all records."""
        return self.kept

    def free_reserve(self) -> None:
        """Make room for one record."""
        if self.full_after is not None:
            self.full_after += 1


@dataclass(slots=True)
class MemoryMirror:
    """The state of a run, as the cluster's ConfigMap would hold it."""

    state: Mapping[str, Any] = field(default_factory=dict)
    seq: int = -1
    hash: str = ""
    run: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    wanted: Desired = field(default_factory=Desired)
    other_driver: bool = False
    other_after: int | None = None

    def read(self) -> Mirrored | None:
        """Give the state; None before it was first written."""
        if self.seq < 0:
            return None
        return Mirrored(self.state, self.seq, self.hash, str(self.document.get("hash", "")), self.run)

    def begin(self, run: str, plan: Mapping[str, Any]) -> None:
        """Begin a run's mirror."""
        self.run, self.document, self.wanted = run, plan, Desired()

    def plan(self) -> Mapping[str, Any] | None:
        """Give the plan of the run that was here last."""
        return self.document or None

    def write(self, state: Mapping[str, Any], seq: int, hash_: str) -> None:
        """Keep the state, unless another driver wrote."""
        if self.other_after is not None:
            self.other_after -= 1
            self.other_driver = self.other_after < 0
        if self.other_driver:
            raise ApiError(FailureClass.CONFLICT, "the state was written by another driver", status=422)
        self.state, self.seq, self.hash = state, seq, hash_

    def desired(self) -> Desired:
        """Give what is wanted."""
        return self.wanted

    def want(self, changes: Mapping[str, Any], by: str) -> Desired:
        """Change what is wanted; lists grow."""
        grown: dict[str, Any] = {
            k: (*getattr(self.wanted, k), *v)
            if isinstance(v, tuple) and isinstance(getattr(self.wanted, k), tuple)
            else v
            for k, v in changes.items()
        }
        self.wanted = replace(self.wanted, **grown, by=by, generation=self.wanted.generation + 1)
        return self.wanted


@dataclass(slots=True)
class MemoryLock:
    """The lock; ``other`` holds it where it is not ours; after ``lost_after`` looks it is lost once.

    Where ``away`` says that the API does not answer, nobody can say whose it is.
    """

    ours: bool = False
    other: str = ""
    lost_after: int | None = None
    away: Callable[[], bool] = lambda: False

    def acquire(self, *, steal: bool = False) -> Holder | None:
        """Take the lock, if nobody else has it."""
        if self.other and not steal:
            return Holder(self.other, 0.0)
        self.ours, self.other = True, ""
        return None

    def held(self) -> bool:
        """Say whether it is ours."""
        if self.lost_after is not None:
            self.lost_after -= 1
            if self.lost_after <= 0:
                self.ours, self.lost_after = False, None
        return self.ours and not self.away()

    def regain(self) -> bool:
        """Say whether it is ours still; raises ``ApiError`` while nobody answers."""
        if self.away():
            raise ApiError(FailureClass.TRANSIENT, "connection refused")
        return self.ours

    def release(self) -> None:
        """Give it back."""
        self.ours = False


@dataclass(slots=True)
class MemoryStore:
    """Files by name."""

    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, name: str, content: bytes) -> str:
        """Keep a file and give its sum."""
        self.files[name] = content
        return hashlib.sha256(content).hexdigest()

    def read(self, name: str) -> bytes | None:
        """Give a file."""
        return self.files.get(name)


@dataclass(slots=True)
class Silent:
    """A reporter that nobody listens to."""

    def event(self, record: Mapping[str, Any]) -> None:
        """Take a record."""

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Take the state."""


def time_of_day(seconds: float) -> datetime:
    """Give the time of day after so many seconds of the simulation."""
    return START + timedelta(seconds=seconds)


def dumped(data: object) -> str:
    """Give JSON for people."""
    return json.dumps(data, indent=1, sort_keys=True)
