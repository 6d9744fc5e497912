"""PRE-145: in Cilium a CIDR rule matches neither pods nor nodes, and pods that are still on Calico never.

The translator adds identities where a range holds all pods or nodes (grade S1) and proves it; named here is what it
could not make exact: ranges that hold a part of them, sets and native policies with such ranges, and rules that would
need another match mode. The grade, or a difference of that finding, decides; a mere note does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import differences, reported

__all__ = ["RULE"]

CODES = frozenset({"CAL-N401", "CAL-N403", "CAL-N405", "CAL-N406", "CAL-N407", "CAL-N412", "CAL-N420", "CAL-K701",
                   "CAL-V806"})  # fmt: skip
INEXACT = frozenset({"A", "S2", "X"})
_CIDR = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")


def check(case: Case) -> Iterator[Hit]:
    """Name every such range of every policy once."""
    differing, named = {d.finding for d in differences(case)}, set[tuple[str, str]]()
    for finding in reported(case):
        if finding.code not in CODES or (finding.grade not in INEXACT and finding.id not in differing):
            continue
        found = _CIDR.search(finding.text)
        cidr = found[0] if found else "a range of its rules"
        if (finding.policy, cidr) in named:
            continue
        named.add((finding.policy, cidr))
        accepted = Severity.INFO if finding.accepted is not None else None
        fills = {"p": finding.policy, "cidr": cidr}
        evidence = {"code": finding.code, "text": finding.text, "grade": finding.grade}
        yield Hit(finding.policy, fills, evidence, severity=accepted)


RULE = Rule(
    number=145,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="CIDR rule over pods or nodes",
    message="{p}: {cidr} will not match pods/nodes in Cilium, nor pods still on Calico",
    remedy="rules by labels, or policyCIDRMatchMode (pods from 1.20 on)",
    check=check,
    failures=(28, 41),
)
