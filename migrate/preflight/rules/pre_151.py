"""PRE-151: in the window an explicit deny whose peers include ``unmanaged`` drops every pod that is still on Calico.

Deny beats the allowance at any specificity (engine). Right is such a deny where every pod is denied the same traffic; as
part of a complement it is wrong, because pods of the part that is spared are ``unmanaged`` too. The plan stages those
for P8; named is what is not staged so, and what policies of Cilium deny that the cluster holds already.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.window import defeating
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import cilium_policies, staged_objects

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Look at the denies that are in force in the window."""
    if case.draft.settings.policy_in_window != "bridged":
        return
    held = [item.data for item in cilium_policies(case.snapshot)]
    for side in defeating([*staged_objects(case, in_window=True), *held]):
        evidence = {"direction": side.direction, "element": dict(side.element)}
        yield Hit(side.object, {"p": side.object}, evidence)


RULE = Rule(
    number=151,
    group=Group.POLICY,
    severity=Severity.MANDATORY,
    title="A deny defeats the allowance",
    message="{p}: its deny would drop every pod still on Calico",
    remedy="stage that deny for P8 (make the plan anew), or policyInWindow: off",
    check=check,
    failures=(24,),
)
