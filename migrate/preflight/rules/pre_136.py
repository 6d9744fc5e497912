"""PRE-136: a policy, or a part of one, that has no equal in Cilium gets no rule: what is lost must be decided by a person.

Said once for each finding that makes the grade X or refuses the object, with the place, the translator's sentence and a
flow that shows it where there is one. What was accepted in ``translate.accept`` is said as information.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_policy import Reported, differences, reported
from translators.diagnostics import CODES

__all__ = ["RULE"]


def check(case: Case) -> Iterator[Hit]:
    """Name every finding behind a grade X."""
    witnesses = {d.finding: f"; witness {d.flow}" for d in reversed(differences(case))}
    for finding in reported(case):
        lost = finding.disposition == "refused" or finding.grade == "X"
        if finding.refuses or (lost and _costs(finding)):
            accepted = Severity.INFO if finding.accepted is not None else None
            fills = {
                "policy": finding.policy,
                "place": finding.place,
                "feature": finding.text.removesuffix("."),
                "flow": witnesses.get(finding.id, ""),
            }
            evidence = {"code": finding.code, "id": finding.id, "remedy": finding.remedy}
            yield Hit(finding.policy, fills, evidence, severity=accepted)


def _costs(finding: Reported) -> bool:
    """Say whether a code can make the grade X by itself."""
    return finding.code in CODES and "X" in CODES[finding.code].cls


RULE = Rule(
    number=136,
    group=Group.POLICY,
    severity=Severity.BLOCK,
    title="Policy without an equal",
    message="{policy} ({place}) has no equal: {feature}{flow}",
    remedy="rewrite the rule, or accept it by id",
    check=check,
    failures=(24,),
)
