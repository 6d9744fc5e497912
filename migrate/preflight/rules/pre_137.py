"""PRE-137: traffic that Calico drops and the translation lets through; one finding for each cause of a policy."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_flows import grouped

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every policy that would open something, with its regions."""
    for (policy, finding), regions in grouped(case, "opens").items():
        accepted = Severity.INFO if regions[0].accepted is not None else None
        evidence = {"finding": finding, "flows": [r.flow for r in regions], "example": regions[0].example}
        more = f" (and {len(regions) - 1} more)" if len(regions) > 1 else ""
        fills = {"policy": policy, "flow": regions[0].flow + more}
        yield Hit(policy, fills, evidence, severity=accepted)


RULE = Rule(
    number=137,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Translation is looser",
    message="{policy}: would newly allow {flow}",
    remedy="rewrite the rule, or accept it by id",
    check=check,
    failures=(24,),
)
