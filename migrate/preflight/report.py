"""What preflight has to say, as one value: every format is made from it, so that no two can count differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.draft import Draft
from migrate.model.findings import Finding, Outcome, RuleResult, Severity
from migrate.model.snapshot import Snapshot
from migrate.preflight.judge import Judgement, Verdict, verdict_of
from migrate.preflight.rule import Rule

__all__ = ["PreflightReport", "plain", "to_json"]

SCHEMA = "1.0"
REASONS = {Verdict.NO_GO: "PreflightBlocked", Verdict.UNKNOWN: "CheckUnknown"}


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """One judgement; ``node`` names the only node that was asked about, empty for the whole cluster."""

    snapshot: Snapshot
    draft: Draft
    judgement: Judgement
    rules: Mapping[str, Rule]
    node: str = ""

    @property
    def verdict(self) -> Verdict:
        """Give the verdict: of the cluster, or of the one node that was asked about."""
        return verdict_of(self.findings, self.blind, self.rules, self.judgement.borne)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the findings, the gravest first; of one node those that name it."""
        return tuple(f for f in self.judgement.findings if not self.node or self._of_node(f))

    def _of_node(self, finding: Finding) -> bool:
        return self.node in {finding.node, finding.object.removeprefix("node/")}

    def of(self, *severities: Severity) -> tuple[Finding, ...]:
        """Give the findings of these severities that nobody accepted."""
        return tuple(f for f in self.findings if f.severity in severities and f.accepted is None)

    @property
    def accepted(self) -> tuple[Finding, ...]:
        """Give the findings that somebody accepted."""
        return tuple(f for f in self.findings if f.accepted is not None)

    @property
    def blind(self) -> tuple[RuleResult, ...]:
        """Give the rules that could not look, those first that could have stopped the migration."""
        found = [r for r in self.judgement.results if r.outcome is Outcome.UNKNOWN and self._concerns(r)]
        return tuple(sorted(found, key=lambda r: (not self.rules[r.rule].severity.blocks, r.rule)))

    def _concerns(self, result: RuleResult) -> bool:
        """Say whether something that is missing may be the node's: it names the node, or none."""
        return not self.node or any(
            f"node/{self.node}:" in what or "node/" not in what for what in result.missing
        )

    @property
    def deferred(self) -> tuple[RuleResult, ...]:
        """Give the rules whose answer lies in the chart."""
        return tuple(r for r in self.judgement.results if r.outcome is Outcome.DEFERRED)

    @property
    def passed(self) -> int:
        """Count the rules that found nothing wrong; one that only informs passes."""
        grave = {f.code for f in self.findings if f.severity is not Severity.INFO}
        looked = (r for r in self.judgement.results if r.outcome in {Outcome.OK, Outcome.FOUND})
        return sum(self.rules[r.rule].code not in grave for r in looked)

    @property
    def headroom(self) -> int:
        """Give the share of the canary's CPUs that nobody asks for, in percent."""
        node = next((n for n in self.snapshot.nodes if n.name == self.draft.canary.node), None)
        if node is None or not node.allocatable.cpu_m:
            return 0
        asked = sum(p.requests.cpu_m for p in self.snapshot.pods if p.node == node.name and not p.finished)
        return max(0, round(100 * (node.allocatable.cpu_m - asked) / node.allocatable.cpu_m))


def to_json(report: PreflightReport, tool: Mapping[str, Any]) -> dict[str, Any]:
    """Give the report as plain data; ``tool`` names who made it."""
    stopped = report.judgement.no_go_nodes
    identity = report.snapshot.identity
    return {
        "schemaVersion": SCHEMA,
        "kind": "Preflight",
        "tool": dict(tool),
        "cluster": {
            "uid": identity.uid,
            "context": identity.context,
            "server": identity.server,
            "version": identity.version,
        },
        "taken": report.snapshot.taken or None,
        "node": report.node or None,
        "verdict": str(report.verdict),
        "reason": REASONS.get(report.verdict),
        "summary": _summary(report),
        "canary": {
            "node": report.draft.canary.node or None,
            "reasons": list(report.draft.canary.reasons),
            "givenUp": list(report.draft.canary.given_up),
            "headroom": report.headroom,
        },
        "waves": [list(wave) for wave in report.draft.waves],
        "nodes": [{"name": name, "go": name not in stopped} for name in sorted(report.draft.nodes)],
        "checks": [_check(result, report.rules[result.rule]) for result in report.judgement.results],
        "findings": [_finding(f, report.rules) for f in report.findings],
    }


def _summary(report: PreflightReport) -> dict[str, int]:
    return {
        "rules": len(report.judgement.results),
        "passed": report.passed,
        "blockers": len(report.of(Severity.MANDATORY, Severity.BLOCK)),
        "warnings": len(report.of(Severity.WARN)),
        "notes": len(report.of(Severity.INFO)),
        "accepted": len(report.accepted),
        "unknown": len(report.blind),
        "deferred": len(report.deferred),
    }


def _check(result: RuleResult, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "code": rule.code,
        "group": str(rule.group),
        "severity": str(rule.severity),
        "title": rule.title,
        "outcome": str(result.outcome),
        "missing": list(result.missing),
    }


def _finding(finding: Finding, rules: Mapping[str, Rule]) -> dict[str, Any]:
    rule = next(r for r in rules.values() if r.code == finding.code)
    return {
        "id": finding.id,
        "code": finding.code,
        "rule": rule.id,
        "group": str(rule.group),
        "severity": str(finding.severity),
        "object": finding.object,
        "node": finding.node or None,
        "message": finding.message,
        "remedy": finding.remedy,
        "evidence": plain(finding.evidence),
        "failures": [f"F-{number:02d}" for number in finding.failures],
        "accepted": finding.accepted,
    }


def plain(value: Any) -> Any:  # noqa: ANN401  # evidence of any shape, as JSON holds it
    """Give evidence as JSON can hold it; sets are sorted, anything strange is told as text."""
    match value:
        case Mapping():
            return {str(k): plain(v) for k, v in value.items()}
        case str() | int() | float() | None:
            return value
        case Iterable():
            found: Sequence[Any] = (
                sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
            )
            return [plain(item) for item in found]
    return str(value)
