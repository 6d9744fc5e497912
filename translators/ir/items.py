"""What the passes hand to each other: scoped rules, ordered items with their regions, and notes on them.

An *item* is one rule, one end of a tier, or the residual Allow, in the order in which Calico asks
(``expansion.md`` §1). Regions are lists of cubes of one ``Space``. A *note* is a finding on its way to the
report: a code, where, and what fills its text; a *claim* is a region in which the output is known to differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from translators.flows import Direction
from translators.ir.policy import Action, Policy, Rule
from translators.selectors.ast import Node
from translators.span import Span

__all__ = [
    "Claim",
    "Compiled",
    "DenyStatus",
    "Grade",
    "Item",
    "Lowered",
    "LoweredRule",
    "Note",
    "Output",
    "ScopedPeer",
    "ScopedPolicy",
    "Source",
]


class Grade(IntEnum):
    """The certificate of a rule, worst last (``translation.md`` §4)."""

    S0 = 0
    S1 = 1
    S2 = 2
    A = 3
    X = 4


class DenyStatus(StrEnum):
    """How a Deny is carried out (``expansion.md`` §4)."""

    DROP = "drop"
    PLAIN = "plain"
    WHOLE = "whole"
    OMIT = "omit"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item comes from; ``rule`` is None for an end of tier or the residual."""

    policy: Policy | None
    direction: Direction
    rule: Rule | None = None
    tier: str = ""

    @property
    def span(self) -> Span | None:
        """Give the place of the rule, else of the policy."""
        if self.rule is not None:
            return self.rule.span
        return self.policy.span if self.policy is not None else None


@dataclass(frozen=True, slots=True)
class Note:
    """A finding about a policy or one of its rules; ``objects`` are what a grade S1 or S2 depends on.

    An empty ``code`` is a condition that needs no words of its own.
    """

    code: str
    source: Source
    grade: Grade = Grade.S0
    fills: Mapping[str, object] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A region in which the output may differ from the source, and the code that says why.

    ``assumed``: the region is empty while the objects named by a note of grade S1 or S2 stay as they are.
    """

    code: str
    source: Source
    region: tuple[int, ...]
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class LoweredRule:
    """One rule's region; ``native``: it stays in force as a Kubernetes NetworkPolicy, as Cilium reads that."""

    rule: Rule
    region: tuple[int, ...]
    native: bool = False


@dataclass(frozen=True, slots=True)
class Lowered:
    """A policy in one direction: whom it selects, and what each rule matches there, its subject included."""

    scoped: ScopedPolicy
    direction: Direction
    subject: tuple[int, ...]
    rules: tuple[LoweredRule, ...]


@dataclass(frozen=True, slots=True)
class ScopedPeer:
    """An entity after Calico's rewriting of scopes: one positive set, else one negated set, else any peer."""

    positive: Node | None
    negative: Node | None


@dataclass(frozen=True, slots=True)
class ScopedPolicy:
    """A policy whose subject is one selector over the labels that Calico sees."""

    policy: Policy
    subject: Node
    selects_hosts: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One step of the ordered walk; ``region`` is its match region, its subject included.

    ``native`` items stay in force as Kubernetes NetworkPolicies and can be neither cut nor left out.
    """

    action: Action
    region: tuple[int, ...]
    source: Source
    tier: int
    end_of_tier: bool = False
    native: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """Cubes that one source item contributes to the emitted policies."""

    source: Source
    cubes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The unordered form of one direction: what to allow, what to deny, whom to isolate.

    ``free``: subjects that are not isolated in this direction; their denies leave default deny off.
    ``closed``: the Allows that are exact for the labels of pods that exist, and shut to others (CAL-O313).
    ``naive`` is the wrong translation that measures the size of the right one: each rule as it stands, Allows
    and Denies, its order and Passes forgotten.
    """

    direction: Direction
    allows: tuple[Output, ...]
    denies: tuple[Output, ...]
    isolated: tuple[Output, ...]
    statuses: Mapping[DenyStatus, int]
    notes: tuple[Note, ...] = ()
    claims: tuple[Claim, ...] = ()
    naive: tuple[tuple[Output, ...], tuple[Output, ...]] = ((), ())
    closed: tuple[Source, ...] = ()
    free: tuple[int, ...] = ()
