"""PRE-155: traffic that flowed in the last day and that the translated policies would drop is an outage to come.

Judged by Cilium's evaluator over what will be enforced; without an observer there is nothing to judge, which PRE-159
says. Flows whose pods are gone cannot be placed and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_flows import judged_flows

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every allowed flow that would be dropped."""
    for flow in judged_flows(case):
        if flow.observed == "allow" and not flow.allowed:
            fills = {"flow": flow.words, "n": flow.count, "p": flow.by}
            yield Hit(flow.object, fills, {"by": flow.by, "count": flow.count})


RULE = Rule(
    number=155,
    group=Group.FLOWS,
    severity=Severity.BLOCK,
    title="Observed flow would be dropped",
    message="{flow} ({n} times) would be dropped by {p}",
    remedy="fix the policy that decides (c2c explain FROM TO:PORT traces it), or accept the flow by id",
    check=check,
    failures=(24,),
    reads=("pods", "namespaces"),
)
