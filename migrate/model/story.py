"""What a run's records tell: the migration report, one model for every rendering (``reports.md`` §7).

Its fields are the keys of its JSON. Times are RFC 3339 in UTC, lengths seconds; nothing in it is derived from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "STORY_VERSION",
    "Exposed",
    "File",
    "Mark",
    "MigrationReport",
    "NodeStory",
    "Outcome",
    "Policy",
    "Proof",
    "Records",
    "Seen",
    "Stage",
    "Stay",
    "Takeback",
    "Tool",
]

STORY_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Tool:
    """Which program wrote the report."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, in a sentence; ``operator`` is the first holder of the lock, ``end`` empty while it goes on."""

    status: str
    reason: str
    sentence: str
    start: str
    end: str
    seconds: float
    operator: str
    attended: bool


@dataclass(frozen=True, slots=True)
class Records:
    """The journal: how many records, whether its hash chain is whole, and where not."""

    count: int
    whole: bool
    head: str
    damage: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One phase of the run; ``end`` is empty where the run stands in it."""

    phase: str
    name: str
    start: str
    end: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stay:
    """A time that a node spent in one state; ``at`` seconds from the first record."""

    state: str
    start: str
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class NodeStory:
    """One node: ``out`` seconds in which it took no pods, held against the plan's ``p50`` and ``p90``.

    ``retries`` counts commands that failed or whose answer was lost; ``wave`` from 1, 0 where it was in none.
    """

    name: str
    canary: bool
    wave: int
    mode: str
    pods: int
    state: str
    reason: str
    stays: tuple[Stay, ...]
    out: float
    p50: float
    p90: float
    retries: int
    rollbacks: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One evaluation of a gate; ``evidence`` is the SHA-256 of what it was decided on."""

    gate: str
    node: str
    outcome: str
    text: str
    time: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a person or another process did, or a stop: ``at`` seconds from the first record."""

    kind: str
    time: str
    at: float
    who: str
    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Exposed:
    """A namespace that was less protected than before, in one direction, and for how long at most."""

    namespace: str
    direction: str
    pods: int
    why: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Seen:
    """When a node's policies were enforced again."""

    node: str
    time: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What became of the policies: objects staged, the hash of their translation, audit, enforcement, exposure."""

    objects: int
    translation: str
    mode: str
    audited: float
    enforced: tuple[Seen, ...]
    exposed: tuple[Exposed, ...]


@dataclass(frozen=True, slots=True)
class Takeback:
    """A step of the plan that can be undone, and whether it was done."""

    step: str
    phase: str
    node: str
    command: str
    undo: str
    done: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file of evidence, by its path in the run's folder."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """The whole report; ``removal`` is empty where the run removed nothing of Calico."""

    schemaVersion: str  # noqa: N815  # a key of the JSON
    kind: str
    tool: Tool
    run: str
    rehearsal: bool
    plan: str
    cluster: str
    context: str
    outcome: Outcome
    journal: Records
    stages: tuple[Stage, ...]
    waves: tuple[tuple[str, ...], ...]
    nodes: tuple[NodeStory, ...]
    gates: tuple[Proof, ...]
    marks: tuple[Mark, ...]
    accepted: tuple[str, ...]
    policy: Policy
    undo: tuple[Takeback, ...]
    removal: tuple[str, ...]
    files: tuple[File, ...]
