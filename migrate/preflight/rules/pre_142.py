"""PRE-142: a policy that selects nothing protects nothing, and a namespace without policies is open today as tomorrow.

Which pods are protected is asked of the translated policies and of those that stay, as Cilium will match them; without
a translation nothing is said of namespaces. Namespaces without pods of their own network are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import protected, reported

__all__ = ["RULE"]

CODE = "CAL-S207"
UNPROTECTED = "{ns} is unprotected today"


def check(case: Case) -> Iterator[Hit]:
    """Name idle policies, then open namespaces."""
    for policy in dict.fromkeys(f.policy for f in reported(case) if f.code == CODE):
        yield Hit(policy, {"p": policy}, {"code": CODE})
    if not case.draft.policies.report:
        return
    held = {item.namespace for item in protected(case)}
    living = {p.namespace for p in case.snapshot.pods if not p.host_network and not p.finished}
    for namespace in sorted(living - held):
        pods = sum(1 for p in case.snapshot.pods if p.namespace == namespace)
        yield Hit(f"Namespace/{namespace}", {"ns": namespace}, {"pods": pods}, message=UNPROTECTED)


RULE = Rule(
    number=142,
    group=Group.POLICY,
    severity=Severity.INFO,
    title="Idle policies, open namespaces",
    message="{p} selects nothing",
    remedy="",
    check=check,
    reads=("pods", "namespaces"),
)
