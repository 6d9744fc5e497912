"""PRE-143: a pod's policy map has room for so many entries; an overflow may lose denies.

The translator refuses policies whose estimate is over the limit that it assumed (CAL-V802); here the largest estimate is
also held against the limit of the values, as that is what agents will have. The allowance of the window adds one
identity, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.fields import at, number
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import reported
from migrate.preflight.views_values import effective

__all__ = ["RULE"]

CODE = "CAL-V802"
_NUMBER = re.compile(r"[0-9][0-9,]*")


def check(case: Case) -> Iterator[Hit]:
    """Name what the translator could not fit, then compare its largest map with the plan's limit."""
    for finding in reported(case):
        if finding.code == CODE:
            size = _NUMBER.search(finding.text)
            fills = {"p": finding.policy, "n": size[0] if size else "too many"}
            yield Hit(finding.policy, fills, {"text": finding.text})
    largest = number(at(case.draft.policies.report, "method", "sizes"), "map_entries")
    limit = number({"n": effective(case, Stage.FINAL).get("bpf-policy-map-max")}, "n")
    if limit and largest > limit:
        yield Hit("policies", {"p": "the largest policy map", "n": f"{largest:,}"}, {"limit": limit})


RULE = Rule(
    number=143,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Policy map too small",
    message="{p}: {n} map entries",
    remedy="split or narrow the policy, or raise bpf.policyMapMax",
    check=check,
)
