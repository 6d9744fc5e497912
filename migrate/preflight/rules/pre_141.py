"""PRE-141: staged policies enforce nothing today and get no output; they are counted so that nobody misses them."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import reported

__all__ = ["RULE"]

KINDS = ("stagednetworkpolicies", "stagedglobalnetworkpolicies", "stagedkubernetesnetworkpolicies")
CODE = "CAL-P114"


def check(case: Case) -> Iterator[Hit]:
    """Count the staged policies of cluster and input."""
    names = {item.path for kind in KINDS for item in case.snapshot.calico(kind)}
    names |= {finding.policy for finding in reported(case) if finding.code == CODE}
    if names:
        yield Hit("policies/staged", {"k": len(names)}, {"policies": sorted(names)})


RULE = Rule(
    number=141,
    group=Group.POLICY,
    severity=Severity.INFO,
    title="Staged policies",
    message="{k} staged policies have no effect and are reported only",
    remedy="",
    check=check,
)
