"""What the fault proxy does to which request, and what it has seen; data and counting, no sockets."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EACH = 0
_REVIEWS = re.compile(r"/apis/(authorization|authentication)\.k8s\.io/|/serviceaccounts/[^/]+/token$")
_BACKGROUND = re.compile(r"/leases(/|$)|/events(/|$)")
_EXEC = re.compile(r"/(exec|attach|portforward)$")
_NODE = re.compile(r"/nodes/([^/?]+)")


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a status instead of asking the server; ``text`` makes the body plain text, as proxies send it."""

    status: int
    retry_after_s: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Slow:
    """Wait before the request is passed on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Pass the request on, and end the connection after so many bytes of the answer's body."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection, before the server is asked or after it has answered."""

    after_answer: bool = False


@dataclass(frozen=True, slots=True)
class BreakTls:
    """Send what is no TLS."""


@dataclass(frozen=True, slots=True)
class ExpireToken:
    """Let the server see a token that it does not know."""


type Act = Refuse | Slow | Cut | Reset | BreakTls | ExpireToken


@dataclass(frozen=True, slots=True)
class Rule:
    """An act for the ``nth`` request (``EACH`` for every one) of a method whose path matches."""

    act: Act
    method: str = r".*"
    path: str = r".*"
    nth: int = 1

    def covers(self, method: str, target: str) -> bool:
        return bool(re.fullmatch(self.method, method) and re.search(self.path, target))


class Point(StrEnum):
    """Where a run is killed: its intent is durable and nothing is done, or all is done and it does not know."""

    ARRIVES = "a"
    ANSWERED = "b"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that went through, with the status that came back; 0 where none did."""

    method: str
    target: str
    status: int


def is_mutating(method: str, target: str) -> bool:
    """Say whether a request may change the cluster: no dry run, no review, no request for a token."""
    query = parse_qs(urlsplit(target).query)
    if method not in MUTATING or "dryRun" in query:
        return bool(_EXEC.search(urlsplit(target).path))
    return not _REVIEWS.search(target)


def is_counted(method: str, target: str) -> bool:
    """Say whether a request counts for kill points: a mutating one that is no renewal and no event."""
    return is_mutating(method, target) and not _BACKGROUND.search(urlsplit(target).path)


def node_of(target: str) -> str | None:
    """Give the node that a request is about, where its path or its field selector says so."""
    parts = urlsplit(target)
    if found := _NODE.search(parts.path):
        return found[1]
    selectors = ",".join(parse_qs(parts.query).get("fieldSelector", []))
    named = re.search(r"spec\.nodeName=([^,]+)", selectors)
    return named[1] if named else None


@dataclass(slots=True)
class Ledger:
    """Rules with how often each was met, and what was seen; safe to use from several threads."""

    rules: list[Rule] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    _met: Counter[Rule] = field(default_factory=Counter)
    _counted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *rules: Rule) -> None:
        with self._lock:
            self.rules += rules

    def clear(self) -> None:
        """Forget the rules, and how often they were met."""
        with self._lock:
            self.rules.clear()
            self._met.clear()

    def act(self, method: str, target: str) -> Act | None:
        """Count a request against every rule that covers it, and give the act of the first one that is due."""
        with self._lock:
            due: Act | None = None
            for rule in self.rules:
                if rule.covers(method, target):
                    self._met[rule] += 1
                    if rule.nth in {EACH, self._met[rule]}:
                        due = due or rule.act
            return due

    @property
    def counted(self) -> int:
        """Give how many requests counted for kill points so far."""
        with self._lock:
            return self._counted

    def number(self, method: str, target: str) -> int:
        """Give the number of a request among those that count for kill points, from 1; 0 for one that does not."""
        if not is_counted(method, target):
            return 0
        with self._lock:
            self._counted += 1
            return self._counted

    def note(self, method: str, target: str, status: int) -> None:
        with self._lock:
            self.seen.append(Seen(method, target, status))

    def mutating(self) -> list[Seen]:
        """Give the requests that may have changed the cluster."""
        with self._lock:
            return [seen for seen in self.seen if is_mutating(seen.method, seen.target)]

    def by_node(self) -> Counter[str]:
        """Count the requests about each node."""
        with self._lock:
            return Counter(_present(node_of(seen.target) for seen in self.seen))


def _present(names: Iterable[str | None]) -> list[str]:
    return [name for name in names if name]
