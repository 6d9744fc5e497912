"""PRE-138: traffic that Calico lets through and the translation drops.

How grave that is the user says: with ``translate.failOn: stricter`` (the default) or ``conditional`` it blocks, with a
laxer level it warns, as the same finding would not fail ``translate`` either.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_flows import grouped

__all__ = ["RULE"]

BLOCKING = frozenset({"stricter", "conditional"})


def check(case: Case) -> Iterator[Hit]:
    """Name every policy that would close something, with its regions."""
    lax = None if case.draft.settings.fail_on in BLOCKING else Severity.WARN
    for (policy, finding), regions in grouped(case, "closes").items():
        severity = Severity.INFO if regions[0].accepted is not None else lax
        evidence = {"finding": finding, "flows": [r.flow for r in regions], "example": regions[0].example}
        more = f" (and {len(regions) - 1} more)" if len(regions) > 1 else ""
        fills = {"policy": policy, "flow": regions[0].flow + more}
        yield Hit(policy, fills, evidence, severity=severity)


RULE = Rule(
    number=138,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Translation is stricter",
    message="{policy}: would newly drop {flow}",
    remedy="rewrite the rule, or accept it by id",
    check=check,
    failures=(24,),
)
