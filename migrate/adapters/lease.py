"""The lock: a Lease of our own that a thread renews; losing it to another is final (``state.md`` §5.3).

Where the API stays away it runs out, and nothing further is done; afterwards it is ours again if it stayed as we left it.
Expiry is judged as client-go does (``tools/leaderelection``): by how long *we* saw ``renewTime`` unchanged on our own
monotonic clock, so that no clock of another machine counts.
"""

from __future__ import annotations

import contextvars
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.model.events import FailureClass
from migrate.model.fields import labels, number, text
from migrate.ports import Api, ApiError, Clock, Holder

__all__ = ["LeaseLock", "Process", "namespace_object", "this_process"]

DURATION_S, RENEW_S, MARGIN_S, LOOK_S = 30, 10.0, 5.0, 1.0
NAME = "c2c-run"
BOOT = "c2c/boot-id"
CONFLICT, NOT_FOUND = 409, 404
TRIES = 3  # a renewal whose answer was lost, and one of the other thread, change the version without being another's


@dataclass(frozen=True, slots=True)
class Process:
    """Who holds a lock: ``user@host:pid:run``, and the boot of the machine that the pid counts in."""

    user: str
    host: str
    pid: int
    run: str
    boot: str

    @property
    def identity(self) -> str:
        """Give the holder's name as it stands in the Lease."""
        return f"{self.user}@{self.host}:{self.pid}:{self.run}"


def this_process(run: str, user: str) -> Process:
    """Give who we are."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    found = boot.read_text(encoding="ascii").strip() if boot.is_file() else ""
    return Process(user, socket.gethostname(), os.getpid(), run, found)


def namespace_object(name: str) -> dict[str, Any]:
    """Give the namespace of our own objects as it is made."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"c2c/owned": "true"}},
    }


@dataclass(slots=True)
class LeaseLock:
    """The Lease ``c2c-run``; ``say`` takes a line for people while another's lock is watched.

    ``api`` should not repeat calls by itself: the thread that renews asks again in time.
    """

    api: Api
    clock: Clock
    us: Process
    namespace: str
    say: Callable[[str], None]
    _renewed: float = float("-inf")
    _lost: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _version: str = ""
    _transitions: int = 0

    # What the driver asks.

    def acquire(self, *, steal: bool = False) -> Holder | None:
        """Take the lock: at once if it is free or of a dead process of this machine, else after one unrenewed duration.

        With ``steal`` it is taken after one duration even if it was renewed.
        """
        if self.held():
            return None
        found = self._read()
        if found is None:
            return None if self._create() else self._watched(self._read() or {}, steal=steal)
        if not _holder(found) or self._is_ours_or_dead(found):
            return None if self._take(found) else self._watched(self._read() or {}, steal=steal)
        return self._watched(found, steal=steal)

    def held(self) -> bool:
        """Say whether it is ours for some seconds more."""
        return not self._lost and self.clock.monotonic() < self._renewed + DURATION_S - MARGIN_S

    def regain(self) -> bool:
        """Renew a lock that ran out: whoever took it meanwhile changed its version, and a write of ours is refused.

        Raises ``ApiError`` where the API does not answer, or does not let us renew it.
        """
        for _ in range(TRIES):
            if self._lost:
                return False
            try:
                self._put(self.us.identity, self._version)
            except ApiError as error:
                if error.status not in {CONFLICT, NOT_FOUND}:
                    raise
                self._look_who()
            else:
                break
        return self.held()

    def release(self) -> None:
        """Give it back, and stop renewing."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(RENEW_S)
        self._thread = None
        if self.held():
            with suppress(ApiError):  # else it runs out by itself
                self._put("", self._version)
        self._renewed = float("-inf")

    # Taking.

    def _watched(self, found: Mapping[str, Any], *, steal: bool) -> Holder | None:
        """Watch another's lock for one duration: still and unrenewed, it is taken."""
        holder, began = _holder(found), self.clock.monotonic()
        length = number(found, "spec", "leaseDurationSeconds") or DURATION_S
        self.say(
            f"{holder} holds the lock, last renewed {text(found, 'spec', 'renewTime')}: watching it for {length:.0f} s"
        )
        seen, since = _mark(found), began
        while self.clock.monotonic() - began < length:
            self.clock.sleep(LOOK_S)
            found = self._read() or {}
            if not _holder(found):
                break
            if _mark(found) != seen:
                seen, since = _mark(found), self.clock.monotonic()
                if not steal:
                    return Holder(_holder(found), 0.0)
        if steal and since > began:
            self.say(f"taking the lock from {holder}, which renews it")
        return (
            None if self._take(found) else Holder(_holder(self._read() or {}), self.clock.monotonic() - since)
        )

    def _is_ours_or_dead(self, found: Mapping[str, Any]) -> bool:
        """Say whether the holder is us, or a process of this run on this machine and boot that lives no more."""
        who, run = _holder(found), self.us.run
        if who == self.us.identity:
            return True
        place, _, pid = who.removesuffix(f":{run}").rpartition(":")
        same = who.endswith(f":{run}") and place.rpartition("@")[2] == self.us.host
        booted = labels(found, "metadata", "annotations").get(BOOT, "")
        return same and bool(booted) and booted == self.us.boot and pid.isdigit() and not _lives(int(pid))

    def _take(self, found: Mapping[str, Any]) -> bool:
        """Write us in as the holder; False where somebody was faster."""
        if not found:
            return self._create()
        self._transitions = int(number(found, "spec", "leaseTransitions")) + 1
        try:
            self._put(self.us.identity, text(found, "metadata", "resourceVersion"))
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            return False
        self._begin_renewing()
        return True

    def _create(self) -> bool:
        try:
            answer = self.api.call("POST", self._path(), body=self._object(self.us.identity, ""))
            if answer.status == NOT_FOUND:
                self._make_namespace()
                answer = self.api.call("POST", self._path(), body=self._object(self.us.identity, ""))
        except ApiError as error:
            if error.status != CONFLICT:
                raise
            return False
        self._took(answer.body)
        self._begin_renewing()
        return True

    def _make_namespace(self) -> None:
        """Make the namespace of our own objects: the one write before the lock."""
        with suppress(ApiError):  # somebody else made it, or the next call says what is wrong
            self.api.call("POST", "/api/v1/namespaces", body=namespace_object(self.namespace))

    def _begin_renewing(self) -> None:
        self._stop.clear()
        self._lost = False
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._renew_for_ever,), name="c2c-lease", daemon=True
        )
        self._thread.start()

    def _renew_for_ever(self) -> None:
        while not self._stop.wait(RENEW_S):
            self.renew()

    def renew(self) -> None:
        """Renew once: what fails for now is tried again in time, a foreign holder is the end."""
        with suppress(ApiError):
            self.regain()

    def _look_who(self) -> None:
        """Find out whether a refused renewal means that the lock is another's; a mere new version is taken up."""
        found = self._read()
        if found is None or _holder(found) != self.us.identity:
            self._lost = True
            self._stop.set()
        else:
            self._version = text(found, "metadata", "resourceVersion")

    # The object.

    def _path(self, name: str = "") -> str:
        base = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        return f"{base}/{name}" if name else base

    def _read(self) -> Mapping[str, Any] | None:
        answer = self.api.call("GET", self._path(NAME))
        return None if answer.status == NOT_FOUND else answer.body

    def _put(self, holder: str, version: str) -> None:
        answer = self.api.call("PUT", self._path(NAME), body=self._object(holder, version))
        if answer.status == NOT_FOUND:
            raise ApiError(FailureClass.NOT_FOUND, "the Lease is gone", status=NOT_FOUND)
        self._took(answer.body)

    def _took(self, body: Mapping[str, Any]) -> None:
        self._version = text(body, "metadata", "resourceVersion")
        self._renewed = self.clock.monotonic()

    def _object(self, holder: str, version: str) -> dict[str, Any]:
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": NAME,
                "namespace": self.namespace,
                "annotations": {BOOT: self.us.boot},
                **({"resourceVersion": version} if version else {}),
            },
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": DURATION_S,
                "renewTime": now,
                "leaseTransitions": self._transitions,
            },
        }


def _holder(found: Mapping[str, Any]) -> str:
    return text(found, "spec", "holderIdentity")


def _mark(found: Mapping[str, Any]) -> tuple[str, str]:
    return text(found, "spec", "renewTime"), _holder(found)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
