"""Tells a web hook when a run halts, waits for a person, or is done; the address is a reference, never a value in a plan.

What cannot be delivered within seconds is told on the terminal and let go: a run does not wait for its audience.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate.errors import Failure
from migrate.model.fields import items, mapping, text
from migrate.model.run import Run, RunStatus
from migrate.redaction import redacted

__all__ = ["Hook", "Notifier", "hooks_of"]

LIMIT_S = 5.0
OCCASIONS = {
    RunStatus.HALTED: "halted",
    RunStatus.PAUSED: "waiting",
    RunStatus.DONE: "done",
    RunStatus.ROLLED_BACK: "done",
    RunStatus.ABORTED: "done",
}
Read = Callable[[str, str, str], str]
"""Gives a key of a Secret: namespace, name, key."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to tell, and on which occasions: halted, waiting, done."""

    url: str
    on: frozenset[str]


def hooks_of(said: Iterable[Mapping[str, Any]], secret: Read) -> list[Hook]:
    """Resolve the hooks of a configuration; raises ``Failure`` where an address cannot be had."""
    return [
        Hook(
            _value(mapping(one, "url"), secret),
            frozenset(map(str, items(one, "on"))) or frozenset(OCCASIONS.values()),
        )
        for one in said
    ]


def _value(reference: Mapping[str, Any], secret: Read) -> str:
    try:
        if path := text(reference, "fromFile"):
            return Path(path).read_text(encoding="utf-8").strip()
        if name := text(reference, "fromEnv"):
            return os.environ[name]
        namespace, name, key = text(reference, "fromSecret").split("/")
        return secret(namespace, name, key)
    except (OSError, KeyError, ValueError) as error:
        raise Failure(f"notify: the address {dict(reference)} cannot be had: {error}", fix="give fromFile, fromEnv or fromSecret: namespace/name/key that is there") from error  # fmt: skip


@dataclass(slots=True)
class Notifier:
    """A reporter. ``complain`` takes what could not be delivered."""

    hooks: Sequence[Hook]
    cluster: str
    complain: Callable[[str], None]
    _last: str = field(default="")

    def event(self, record: Mapping[str, Any]) -> None:
        """Tell of a change of the run's own state that people wait for."""
        after = text(record, "after")
        if record.get("kind") != "transition" or text(record, "node") or after == text(record, "before"):
            return
        status = after.partition("(")[0]
        occasion = next((word for state, word in OCCASIONS.items() if state == status), "")
        if not occasion or after == self._last:
            return
        self._last = after
        body = {
            "schemaVersion": "1.0", "kind": "Notification", "event": occasion, "cluster": self.cluster,
            "run": text(record, "run"), "state": after, "phase": text(record, "phase"), "time": text(record, "time"),
            "text": text(record, "text"), "next": f"c2c status --run {text(record, 'run')[:4]}",
        }  # fmt: skip
        for hook in self.hooks:
            if occasion in hook.on:
                self._post(hook, redacted(body))

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Nothing is told of waiting."""

    def _post(self, hook: Hook, body: Mapping[str, Any]) -> None:
        if not hook.url.startswith(("https://", "http://")):
            self.complain("notify: the address is neither https nor http")
            return
        asked = urllib.request.Request(  # noqa: S310  # checked above
            hook.url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:  # noqa: S310  # checked above
                answer.read(1)
        except urllib.error.HTTPError as error:
            with suppress(OSError):
                error.close()
            self.complain(f"notify: the hook answered {error.code} to {body['event']}")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            self.complain(f"notify: the hook was not told of {body['event']}: {type(reason).__name__}")
