"""What a preflight rule is: what it reads, what it says, and the function that finds (``preflight.md`` §1).

A rule module holds one ``RULE`` and nothing that another rule module needs; what several rules ask of a cluster
stands in ``migrate.preflight.views``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrate.model.draft import Draft
from migrate.model.facts import NodeFacts
from migrate.model.findings import Severity
from migrate.model.snapshot import Snapshot

__all__ = ["Case", "Check", "Group", "Hit", "Repeat", "Rule", "Unread"]


class Group(StrEnum):
    """Groups for ``--select``."""

    IDENTITY = "identity"
    CAPACITY = "capacity"
    EVICTION = "eviction"
    PLACEMENT = "placement"
    NETWORK = "network"
    ACCESS = "access"
    VALUES = "values"
    POLICY = "policy"
    FLOWS = "flows"
    OBSERVABILITY = "observability"
    TIME = "time"
    PERMISSIONS = "permissions"
    NO_RETURN = "no-return"


class Repeat(StrEnum):
    """When a rule is asked again: all through a run (C), or before the point of no return (R)."""

    CONTINUOUS = "continuous"
    NO_RETURN = "no-return"


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: a cluster and what a plan would do to it. ``now`` is RFC 3339 or empty (no clock was given)."""

    snapshot: Snapshot
    draft: Draft
    now: str = ""
    _once: dict[Callable[[Case], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def once[T](self, ask: Callable[[Case], T]) -> T:
        """Give the answer to a costly question that several rules ask; it is asked once a case.

        ``ask`` is pure, so remembering its answer changes nothing but the time.
        """
        if ask not in self._once:
            self._once[ask] = ask(self)
        found: T = self._once[ask]
        return found

    @property
    def moment(self) -> str:
        """Give the time that ages are measured at, RFC 3339: now, else when the snapshot was taken; may be empty."""
        return self.now or self.snapshot.taken

    def facts(self, *parts: str) -> Iterator[NodeFacts]:
        """Give the facts of the nodes at which all these parts were looked at, by name."""
        return (f for _, f in sorted(self.snapshot.facts.items()) if f.has(*parts))


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a rule found; ``fills`` complete the rule's texts, ``severity`` overrides the rule's.

    ``message`` and ``remedy`` stand in for the rule's own where one row of the specification has several.
    ``stays``: P2's command does not mend this one, whatever else it mends.
    ``object`` is ``kind/namespace/name`` as in ``Resource.path``, or ``node/NAME``; ``node`` the node that it stops.
    """

    object: str
    fills: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    node: str = ""
    severity: Severity | None = None
    message: str = ""
    remedy: str = ""
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """What a check could not look at although its ``reads`` were there; the rule is unknown, whatever else it found."""

    what: str


Check = Callable[[Case], Iterable[Hit | Unread]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of ``preflight.md``.

    ``reads`` are resources without which it cannot answer, ``calico`` kinds of Calico in whichever group; ``facts``
    parts of the node facts (rules *N*), ``answers`` fields of ``Answers`` that only a live server gives; ``chart``:
    a part of the answer lies in the rendered chart. Any of these missing makes the rule unknown (chart: deferred);
    without facts of some nodes, or without the chart, it still says what the rest shows. A check yields ``Unread``
    for what turns out to be missing.
    ``repaired_by`` is the command of P2 that mends it (rules *P*): while the draft holds it, findings are ``info``.
    Texts hold ``{name}`` for the fills of a hit.
    """

    number: int
    group: Group
    severity: Severity
    title: str
    message: str
    remedy: str
    check: Check
    failures: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    calico: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    chart: bool = False
    repaired_by: str = ""
    repeat: frozenset[Repeat] = frozenset()

    @property
    def id(self) -> str:
        """Give the rule's id, ``PRE-070``."""
        return f"PRE-{self.number:03d}"

    @property
    def code(self) -> str:
        """Give the code that users see, ``CP2070``."""
        return f"CP2{self.number:03d}"
