"""Ask every rule, and say go, no-go, or that a check could not look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from migrate.model.findings import Finding, Outcome, RuleResult, Severity
from migrate.preflight.rule import Case, Hit, Rule, Unread

__all__ = ["Judgement", "Verdict", "judge", "keys", "stops", "verdict_of"]

_FILL = re.compile(r"\{(\w+)\}")
_FACTS = re.compile(r"facts of node/([^:]+):")
NO_WAY = "PRE-110"
"""The rule that names nodes of which no facts can be had."""


class Verdict(StrEnum):
    """``unknown``: nothing blocks, but a rule that could have blocked could not look."""

    GO = "go"
    NO_GO = "no-go"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answers of all rules asked, by number of the rule; ``borne`` are those that may be blind (``accepted``)."""

    results: tuple[RuleResult, ...]
    verdict: Verdict
    borne: frozenset[str] = frozenset()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give all findings, the gravest first, then by code and object."""
        rank = {severity: place for place, severity in enumerate(Severity)}
        every = (f for result in self.results for f in result.findings)
        return tuple(sorted(every, key=lambda f: (rank[f.severity], f.code, f.object)))

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """Give the findings that stop the migration: mandatory ones, and blocking ones that nobody accepted."""
        return tuple(f for f in self.findings if stops(f))

    @property
    def no_go_nodes(self) -> frozenset[str]:
        """Give the nodes that a blocker stops."""
        return frozenset(f.node for f in self.blockers if f.node)


def stops(finding: Finding) -> bool:
    """Say whether a finding stops: only ``block`` can be accepted."""
    return finding.severity is Severity.MANDATORY or (
        finding.severity is Severity.BLOCK and finding.accepted is None
    )


def judge(case: Case, rules: Sequence[Rule], accepted: Mapping[str, str] | None = None) -> Judgement:
    """Ask every rule; ``accepted`` maps a code or ``CODE:OBJECT`` to the reason.

    OBJECT is an object as findings name it, its ``namespace/name``, or its name.
    """
    results = tuple(_answer(rule, case, accepted or {}) for rule in rules)
    by_id = {rule.id: rule for rule in rules}
    borne = frozenset(_all_borne(results, by_id, accepted or {}))
    findings = (f for result in results for f in result.findings)
    blind = (r for r in results if r.outcome is Outcome.UNKNOWN)
    return Judgement(results, verdict_of(findings, blind, by_id, borne), borne)


def verdict_of(
    findings: Iterable[Finding], blind: Iterable[RuleResult], rules: Mapping[str, Rule], borne: frozenset[str]
) -> Verdict:
    """Give the verdict on these findings and these rules that could not look; ``borne`` may be blind."""
    if any(stops(f) for f in findings):
        return Verdict.NO_GO
    open_ones = any(rules[r.rule].severity.blocks and r.rule not in borne for r in blind)
    return Verdict.UNKNOWN if open_ones else Verdict.GO


def _all_borne(
    results: Sequence[RuleResult], rules: Mapping[str, Rule], accepted: Mapping[str, str]
) -> Iterable[str]:
    """Give the rules that could not look and that somebody took upon him."""
    unreached = {f.node for r in results if r.rule == NO_WAY for f in r.findings if f.accepted is not None}
    for result in results:
        if result.outcome is Outcome.UNKNOWN and _borne(result, rules[result.rule], unreached, accepted):
            yield result.rule


def _borne(result: RuleResult, rule: Rule, unreached: set[str], accepted: Mapping[str, str]) -> bool:
    """Say whether somebody took it upon him that a rule could not look.

    Either the rule was accepted by its code, or all that is missing are facts of nodes to which there is no way, and that
    was accepted (PRE-110).
    """
    if rule.severity is Severity.BLOCK and rule.code in accepted:
        return True
    places = [found[1] if (found := _FACTS.match(what)) else "" for what in result.missing]
    return bool(places) and unreached.issuperset(places)


def _answer(rule: Rule, case: Case, accepted: Mapping[str, str]) -> RuleResult:
    blind = tuple(_unread(rule, case))
    if blind:
        return RuleResult(rule.id, Outcome.UNKNOWN, missing=blind)
    answers = tuple(rule.check(case))
    found = tuple(_finding(rule, a, case, accepted) for a in answers if isinstance(a, Hit))
    missing = (*_unseen(rule, case), *dict.fromkeys(a.what for a in answers if isinstance(a, Unread)))
    if missing:
        return RuleResult(rule.id, Outcome.UNKNOWN, found, missing)
    if rule.chart and case.draft.rendered is None:
        return RuleResult(rule.id, Outcome.DEFERRED, found, ("the rendered chart",))
    return RuleResult(rule.id, Outcome.FOUND if found else Outcome.OK, found)


def _unread(rule: Rule, case: Case) -> Iterable[str]:
    """Name what the rule needs as a whole and nobody read."""
    snapshot = case.snapshot
    yield from (resource for resource in rule.reads if not snapshot.knows(resource))
    yield from (f"{kind} of Calico" for kind in rule.calico if not snapshot.knows_calico(kind))
    yield from (f"the server's answers on {a}" for a in rule.answers if getattr(snapshot.answers, a) is None)


def _unseen(rule: Rule, case: Case) -> Iterable[str]:
    """Name each node that was not looked at."""
    if rule.facts:
        seen = {f.node for f in case.facts(*rule.facts)}
        for node in case.snapshot.nodes:
            if node.name not in seen:
                yield f"facts of node/{node.name}: {', '.join(rule.facts)}"


def _finding(rule: Rule, hit: Hit, case: Case, accepted: Mapping[str, str]) -> Finding:
    severity = hit.severity or rule.severity
    message = _filled(hit.message or rule.message, hit.fills)
    if not hit.stays and rule.repaired_by and rule.repaired_by in case.draft.steps_of_pin:
        severity, message = Severity.INFO, f"P2 will mend this ({rule.repaired_by}): {message}"
    finding = Finding(
        code=rule.code,
        severity=severity,
        object=hit.object,
        message=message,
        remedy=_filled(hit.remedy or rule.remedy, hit.fills),
        evidence=hit.evidence,
        node=hit.node,
        failures=rule.failures,
    )
    reason = next((accepted[key] for key in keys(finding) if key in accepted), None)
    return replace(finding, accepted=reason) if severity is Severity.BLOCK else finding


def keys(finding: Finding) -> tuple[str, ...]:
    """Give what an acceptance may call a finding, the most exact first: object, ``namespace/name``, name, code."""
    kind, _, label = finding.object.partition("/")
    names = (finding.object, label or kind, label.rpartition("/")[2] or kind)
    return (*dict.fromkeys(f"{finding.code}:{name}" for name in names), finding.code)


def _filled(template: str, fills: Mapping[str, Any]) -> str:
    """Complete a text; a fill that is missing is a fault of the rule and raises ``KeyError``."""
    return _FILL.sub(lambda match: str(fills[match[1]]), template)
