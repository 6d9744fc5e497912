"""PRE-146: with ``policyInWindow: bridged`` every subject that lets some pod in must let pods of Calico in as well.

They are ``unmanaged`` to Cilium: only the entity (or one that includes it) lets them in; a network over the old range or a
selector does not, in any match mode (engine). Asked of every allow for pods of the staged objects, and of native
policies that stay, direction by direction and port by port. Without enforcement in the window nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.engine.window import as_cilium, lacking
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import NATIVE_POLICIES, known_pods, staged_objects

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every element whose peers on Calico would be dropped."""
    policies = case.draft.policies
    if case.draft.settings.policy_in_window != "bridged":
        return
    kept = [as_cilium(r.data) for r in case.snapshot.of(NATIVE_POLICIES) if r.path in policies.kept]
    staged = staged_objects(case, in_window=True)
    for side in lacking([*staged, *kept], policies.allowance, known_pods(case)):
        evidence = {"direction": side.direction, "element": dict(side.element)}
        yield Hit(side.object, {"subject": f"{side.object} ({side.direction})"}, evidence)


RULE = Rule(
    number=146,
    group=Group.POLICY,
    severity=Severity.MANDATORY,
    title="Calico's pods would be dropped in the window",
    message="{subject}: Calico pods would be dropped on migrated nodes",
    remedy="policyInWindow: off, or the allowance set of the plan (make the plan anew)",
    check=check,
    failures=(24,),
)
