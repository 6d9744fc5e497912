"""What preflight says: findings of rules, and rules that could not look (``preflight.md`` §1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Outcome", "RuleResult", "Severity"]


class Severity(StrEnum):
    """How grave; ``block!`` cannot be accepted, ``block`` can by id. There is no other way around either."""

    MANDATORY = "block!"
    BLOCK = "block"
    WARN = "warn"
    INFO = "info"

    @property
    def blocks(self) -> bool:
        """Say whether it stops a migration."""
        return self in {Severity.MANDATORY, Severity.BLOCK}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: ``object`` is ``kind/namespace/name`` or ``node/NAME``; ``evidence`` the values that were read.

    ``node`` names the node whose migration it stops, empty for the whole cluster. ``accepted`` holds the reason.
    """

    code: str
    severity: Severity
    object: str
    message: str
    remedy: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    node: str = ""
    failures: tuple[int, ...] = ()
    accepted: str | None = None

    @property
    def id(self) -> str:
        """Give the id that ``--accept`` takes: code and object."""
        return f"{self.code}:{self.object}"


class Outcome(StrEnum):
    """How a rule ended; ``deferred``: the chart decides the rest, ``apply`` asks it before the first write."""

    OK = "ok"
    FOUND = "found"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule's answer; ``missing`` says what could not be read where the outcome is unknown or deferred."""

    rule: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
