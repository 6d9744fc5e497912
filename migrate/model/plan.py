"""A plan: what will be done, in which order, on what evidence, and how each step goes back (``state.md`` §5.2).

Content-addressed: the hash covers everything but itself and there is no time in it, so the same input gives the same
plan. It holds no secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrate.model.draft import Draft

__all__ = ["PLAN_VERSION", "Plan", "Step", "canonical", "digest"]

PLAN_VERSION = "1.0"


def canonical(data: object) -> bytes:
    """Give the canonical JSON of a value: UTF-8, keys sorted, no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: object) -> str:
    """Give the SHA-256 of the canonical JSON, as hexadecimal digits."""
    return hashlib.sha256(canonical(data)).hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """One step as people read it; ``undo`` is the command that takes it back, empty where nothing needs to."""

    id: str
    phase: str
    command: str
    node: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    undo: str = ""
    timeout_s: float = 0
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan; ``bound`` maps each object that it was made from to its spec hash and resourceVersion.

    ``findings`` are preflight's, as JSON; ``blocked`` says whether any of them stops it; ``clean_up``: it is a plan of
    P10–P13, not of a migration.
    """

    draft: Draft
    steps: tuple[Step, ...] = ()
    bound: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    findings: tuple[Mapping[str, Any], ...] = ()
    exposure: tuple[Mapping[str, Any], ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    blocked: bool = False
    clean_up: bool = False
    hash: str = ""
