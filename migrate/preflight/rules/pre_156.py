"""PRE-156: traffic that Calico dropped in the last day and that the translated policies would let through."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_flows import judged_flows

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every denied flow that would pass."""
    for flow in judged_flows(case):
        if flow.observed == "deny" and flow.allowed:
            yield Hit(flow.object, {"flow": flow.words}, {"count": flow.count})


RULE = Rule(
    number=156,
    group=Group.FLOWS,
    severity=Severity.WARN,
    title="Denied flow would be allowed",
    message="{flow} denied today would be allowed",
    remedy="fix the policy: c2c explain FROM TO:PORT shows both engines",
    check=check,
    failures=(24,),
    reads=("pods", "namespaces"),
)
