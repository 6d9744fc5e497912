"""PRE-118: what the controller itself needs; a tool that is missing shows at the first play as rc 127, too late.

Helm may be absent (manifests are applied then), but one that is there must be of a known major. Without a node that is
reached over SSH or by a pod no play is run, so Ansible may be absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrate.engine.access import API
from migrate.model.fields import text
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

OLDEST_PYTHON = (3, 12)
PLAYS = {
    "ansible_core": "ansible-core",
    "ansible_playbook": "ansible-playbook on PATH",
    "ansible_runner": "ansible-runner",
}
HELM_MAJORS = frozenset({3, 4})


def check(case: Case) -> Iterator[Hit]:
    """Name each part of the controller that is missing or of the wrong version."""
    seen = case.snapshot.answers.controller or {}
    for what, evidence in _wants(case, seen):
        yield Hit("controller", {"what": what}, evidence)


def _wants(case: Case, seen: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    python = text(seen, "python")
    if _numbers(python)[:2] < OLDEST_PYTHON:
        yield f"Python {python or 'unknown'}, 3.12 is needed", {"python": python}
    if any(plan.access != API for plan in case.draft.nodes.values()):
        for key, name in PLAYS.items():
            if not text(seen, key):
                yield f"{name} is missing", {key: seen.get(key)}
    helm = text(seen, "helm")
    if helm and (_numbers(helm) or (0,))[0] not in HELM_MAJORS:
        yield f"Helm {helm}, majors 3 and 4 are known", {"helm": helm}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(p) for p in re.findall(r"\d+", version))


RULE = Rule(
    number=118,
    group=Group.ACCESS,
    severity=Severity.MANDATORY,
    title="Controller lacks a tool",
    message="Controller: {what}",
    remedy="install it beside c2c, or run with --in-cluster from the image, which has them all",
    check=check,
    answers=("controller",),
)
