"""PRE-038: a Job that is at work on a node loses what its pod has done so far, and starts again elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name each Job once, with its nodes."""
    found: dict[str, list[tuple[str, str]]] = {}
    for pod in evicted(case):
        if pod.owner is not None and pod.owner.kind == "Job":
            found.setdefault(f"{pod.namespace}/{pod.owner.name}", []).append((pod.name, pod.node))
    for job, pods in sorted(found.items()):
        evidence = {"pods": dict(pods)}
        yield Hit(f"Job/{job}", {"j": job}, evidence, pods[0][1] if len(pods) == 1 else "")


RULE = Rule(
    number=38,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Job at work",
    message="Job {j} would restart",
    remedy="wait for it, suspend its CronJob for the window, or accept that it starts again",
    check=check,
    reads=("pods",),
)
