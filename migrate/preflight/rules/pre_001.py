"""PRE-001: the cluster must be the one that was meant: a plan is bound to the UID of its namespace kube-system.

A UID in the configuration may be shortened to its first eight characters, as the banner prints it. A context that the
configuration names is compared where the snapshot knows its own; a snapshot made from files has none. That a person
types the context's name before a dangerous phase is asked by ``apply``, not here.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule, Unread

__all__ = ["RULE"]

SHORT = 8


def check(case: Case) -> Iterator[Hit | Unread]:
    """Compare UID and context with those that the plan names."""
    found, planned, named = case.snapshot.identity, case.draft.planned_uid, case.draft.settings.context
    if not found.uid:
        yield Unread("the UID of namespace kube-system")
        return
    evidence = {"uid": found.uid, "context": found.context, "server": found.server, "planned": planned}
    fills = {"uid": found.uid, "context": found.context or "no context", "plan_uid": planned, "named": named}
    if planned != found.uid and not (len(planned) >= SHORT and found.uid.startswith(planned)):
        yield Hit("Namespace/kube-system", fills, evidence)
    if named and found.context and named != found.context:
        message = "This is cluster {uid} ({context}); the configuration names the context {named}"
        yield Hit("Namespace/kube-system", fills, evidence, message=message)


RULE = Rule(
    number=1,
    group=Group.IDENTITY,
    severity=Severity.MANDATORY,
    title="Another cluster",
    message="This is cluster {uid} ({context}); the plan was made for {plan_uid}",
    remedy="kubectl config use-context, or make a new plan for this cluster",
    check=check,
    failures=(44,),
)
